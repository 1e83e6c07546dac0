// Intake's part of the addon: the class of a running intake, and two questions to the kernel.
#include <napi.h>
#include <sys/socket.h>

#include <cerrno>
#include <system_error>

#include "binding/addon-state.h"
#include "binding/intake-object.h"
#include "core/intake/receive.h"

namespace kudurru::binding {
namespace {

Napi::Value probeWriterLevel(const Napi::CallbackInfo& info) {
  const auto level = intake::probeWriterLevel();
  if (!level.has_value()) {
    throw makeError(info.Env(),
                    {"intake", "writer-unnamed", "probeWriterLevel",
                     "this kernel does not name the writers of a Unix socket: nothing could be "
                     "said of who submits"});
  }
  return Napi::Number::New(info.Env(), static_cast<double>(*level));
}

// Who connected, as the kernel saw it at that time.
Napi::Value peerCredentials(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  ucred credentials{};
  socklen_t size = sizeof credentials;
  const int fd = info[0].As<Napi::Number>().Int32Value();
  if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &credentials, &size) != 0) {
    const std::error_code error(errno, std::generic_category());
    throw makeError(env, {"errno", std::to_string(error.value()), "getsockopt",
                          "cannot tell who connected: " + error.message()});
  }
  auto object = Napi::Object::New(env);
  object.Set("pid", credentials.pid);
  object.Set("uid", credentials.uid);
  object.Set("gid", credentials.gid);
  return object;
}

}  // namespace

Napi::Object registerIntake(Napi::Env env, Napi::Object exports) {
  exports.Set("probeWriterLevel", Napi::Function::New(env, probeWriterLevel));
  exports.Set("peerCredentials", Napi::Function::New(env, peerCredentials));
  exports.Set("Intake", IntakeObject::define(env));
  return exports;
}

}  // namespace kudurru::binding
