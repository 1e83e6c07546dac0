// The system clock for entries that the daemon makes itself. Submissions are stamped by intake.
#include <napi.h>

#include "core/clock/clock.h"

namespace kudurru::binding {
namespace {

Napi::Value readClock(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const clock::Reading reading = clock::read();
  auto result = Napi::Object::New(env);
  result.Set("realtimeBeforeNs", Napi::BigInt::New(env, reading.realtimeBeforeNs));
  result.Set("monotonicRawNs", Napi::BigInt::New(env, reading.monotonicRawNs));
  result.Set("realtimeAfterNs", Napi::BigInt::New(env, reading.realtimeAfterNs));
  result.Set("kernelState", env.Null());
  if (reading.kernelState) {
    auto state = Napi::Object::New(env);
    state.Set("state", reading.kernelState->state);
    state.Set("status", reading.kernelState->status);
    state.Set("maxErrorUs", static_cast<double>(reading.kernelState->maxError));
    state.Set("estimatedErrorUs", static_cast<double>(reading.kernelState->estimatedError));
    result.Set("kernelState", state);
  }
  return result;
}

}  // namespace

Napi::Object registerClock(Napi::Env env, Napi::Object exports) {
  exports.Set("readClock", Napi::Function::New(env, readClock));
  return exports;
}

}  // namespace kudurru::binding
