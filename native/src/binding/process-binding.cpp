// What a small program gives up at its start.
#include <napi.h>

#include <string>

#include "binding/addon-state.h"
#include "core/process/confine.h"

namespace kudurru::binding {
namespace {

void requireDone(Napi::Env env, int error, const char* operation) {
  if (error != 0) throw makeError(env, {"errno", std::to_string(error), operation, operation});
}

Napi::Value dieWithParent(const Napi::CallbackInfo& info) {
  bool isParent = false;
  const auto parent = static_cast<pid_t>(info[0].As<Napi::Number>().Int32Value());
  requireDone(info.Env(), process::dieWith(parent, isParent), "dieWithParent");
  return Napi::Boolean::New(info.Env(), isParent);
}

void dropCapabilities(const Napi::CallbackInfo& info) {
  requireDone(info.Env(), process::dropCapabilities(), "dropCapabilities");
}

}  // namespace

Napi::Object registerProcess(Napi::Env env, Napi::Object exports) {
  exports.Set("dieWithParent", Napi::Function::New(env, dieWithParent));
  exports.Set("dropCapabilities", Napi::Function::New(env, dropCapabilities));
  return exports;
}

}  // namespace kudurru::binding
