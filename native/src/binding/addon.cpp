// Entry of kudurru.node: makes the environment's state and registers the parts. A part is one file
// of this folder with a function `register…`, declared and called here and nowhere else.
#include <napi.h>

#include "binding/addon-state.h"

namespace kudurru::binding {

Napi::Object registerClock(Napi::Env env, Napi::Object exports);
Napi::Object registerClockDevices(Napi::Env env, Napi::Object exports);
Napi::Object registerCrypto(Napi::Env env, Napi::Object exports);
Napi::Object registerDatagram(Napi::Env env, Napi::Object exports);
Napi::Object registerIndexRows(Napi::Env env, Napi::Object exports);
Napi::Object registerIntake(Napi::Env env, Napi::Object exports);
Napi::Object registerLedger(Napi::Env env, Napi::Object exports);
Napi::Object registerNotify(Napi::Env env, Napi::Object exports);
Napi::Object registerProcess(Napi::Env env, Napi::Object exports);
Napi::Object registerSetWatch(Napi::Env env, Napi::Object exports);
Napi::Object registerSubmission(Napi::Env env, Napi::Object exports);
Napi::Object registerVerify(Napi::Env env, Napi::Object exports);

namespace {

// The facade hands over its error class once, before it calls anything else.
void setErrorConstructor(const Napi::CallbackInfo& info) {
  addonState(info.Env()).errorConstructor = Napi::Persistent(info[0].As<Napi::Function>());
}

Napi::Object registerParts(Napi::Env env, Napi::Object exports) {
  env.SetInstanceData(new AddonState());
  exports.Set("setErrorConstructor", Napi::Function::New(env, setErrorConstructor));
  registerClock(env, exports);
  registerClockDevices(env, exports);
  registerCrypto(env, exports);
  registerDatagram(env, exports);
  registerIndexRows(env, exports);
  registerIntake(env, exports);
  registerLedger(env, exports);
  registerNotify(env, exports);
  registerProcess(env, exports);
  registerSetWatch(env, exports);
  registerSubmission(env, exports);
  registerVerify(env, exports);
  return exports;
}

}  // namespace
}  // namespace kudurru::binding

static Napi::Object start(Napi::Env env, Napi::Object exports) {
  return kudurru::binding::registerParts(env, exports);
}

NODE_API_MODULE(kudurru, start)
