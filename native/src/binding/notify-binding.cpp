// A word to the service manager.
#include <napi.h>

#include "core/notify/notify.h"

namespace kudurru::binding {
namespace {

Napi::Value notifySocket(const Napi::CallbackInfo& info) {
  const std::string address = info[0].As<Napi::String>();
  const std::string message = info[1].As<Napi::String>();
  return Napi::Number::New(info.Env(), notify::send(address, message));
}

}  // namespace

Napi::Object registerNotify(Napi::Env env, Napi::Object exports) {
  exports.Set("notifySocket", Napi::Function::New(env, notifySocket));
  return exports;
}

}  // namespace kudurru::binding
