// Entry of tpm2tss.node: the Device class, and two small services of the process that owns devices.
#include <dlfcn.h>
#include <napi.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <mutex>

#include "binding/tpm/device.h"

namespace kudurru::tpm {
namespace {

// (path): maps a shared library so that it binds to its own dependencies. The node executable
// exports an OpenSSL of another version: a library that is loaded the plain way gets node's
// functions and its own structures. A later plain dlopen of the same file reuses this mapping.
void preloadModule(const Napi::CallbackInfo& info) {
  const std::string path = info[0].As<Napi::String>();
  // Never closed: the mapping must outlive every later user of the module.
  if (dlopen(path.c_str(), RTLD_NOW | RTLD_DEEPBIND) == nullptr) {
    throw Napi::Error::New(info.Env(), dlerror());
  }
}

// (parent's pid): the kernel kills this process when the parent's main thread ends, however it
// ends. prctl(2) PR_SET_PDEATHSIG. False when the parent is gone already.
Napi::Value dieWithParent(const Napi::CallbackInfo& info) {
  const auto parent = static_cast<pid_t>(info[0].As<Napi::Number>().Int32Value());
  if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0) {
    throw Napi::Error::New(info.Env(), std::strerror(errno));
  }
  return Napi::Boolean::New(info.Env(), getppid() == parent);
}

Napi::Object start(Napi::Env env, Napi::Object exports) {
  // tpm2-tss writes to stderr what its return codes say already.
  static std::once_flag once;
  std::call_once(once, [] { setenv("TSS2_LOG", "all+none", 0); });
  exports.Set("Device", Device::define(env));
  exports.Set("preloadModule", Napi::Function::New(env, preloadModule));
  exports.Set("dieWithParent", Napi::Function::New(env, dieWithParent));
  return exports;
}

}  // namespace
}  // namespace kudurru::tpm

static Napi::Object startAddon(Napi::Env env, Napi::Object exports) {
  return kudurru::tpm::start(env, exports);
}

NODE_API_MODULE(tpm2tss, startAddon)
