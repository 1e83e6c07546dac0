// Brackets of the kernel's clocks, and the clock devices. A call gives an object, or the errno.
#include <napi.h>

#include <array>
#include <string>

#include "core/clock/bracket.h"
#include "core/clock/phc.h"
#include "core/clock/pps.h"
#include "core/clock/suspend.h"

namespace kudurru::binding {
namespace {

// As the facade numbers them.
constexpr std::array<clockid_t, 4> kClocks = {CLOCK_TAI, CLOCK_REALTIME, CLOCK_BOOTTIME,
                                              CLOCK_MONOTONIC};

void setNs(Napi::Object object, const char* name, int64_t value) {
  object.Set(name, Napi::BigInt::New(object.Env(), value));
}

Napi::Object toObject(Napi::Env env, const clock::Bracket& bracket) {
  auto object = Napi::Object::New(env);
  setNs(object, "rawBeforeNs", bracket.rawBeforeNs);
  setNs(object, "valueNs", bracket.valueNs);
  setNs(object, "rawAfterNs", bracket.rawAfterNs);
  return object;
}

Napi::Value readRawNs(const Napi::CallbackInfo& info) {
  return Napi::BigInt::New(info.Env(), clock::nanosecondsOf(CLOCK_MONOTONIC_RAW));
}

Napi::Value readBracket(const Napi::CallbackInfo& info) {
  const clockid_t id = kClocks.at(info[0].As<Napi::Number>().Uint32Value());
  const uint32_t attempts = info[1].As<Napi::Number>().Uint32Value();
  return toObject(info.Env(), clock::readBracket(id, attempts));
}

Napi::Value readSuspendedNs(const Napi::CallbackInfo& info) {
  const uint32_t attempts = info[0].As<Napi::Number>().Uint32Value();
  return Napi::BigInt::New(info.Env(), clock::suspendedNs(attempts));
}

Napi::Value readKernelClock(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  clock::KernelClock kernel{};
  if (!clock::readKernelClock(&kernel)) return env.Null();
  auto object = Napi::Object::New(env);
  object.Set("state", kernel.state);
  object.Set("status", kernel.status);
  object.Set("offset", static_cast<double>(kernel.offset));
  object.Set("frequency", static_cast<double>(kernel.frequency));
  object.Set("maxErrorUs", static_cast<double>(kernel.maxErrorUs));
  object.Set("estimatedErrorUs", static_cast<double>(kernel.estimatedErrorUs));
  object.Set("tickUs", static_cast<double>(kernel.tick));
  object.Set("taiMinusUtcSeconds", kernel.taiMinusUtcSeconds);
  return object;
}

Napi::Value readPhc(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const std::string path = info[0].As<Napi::String>();
  clock::PhcReading reading{};
  const int error = clock::readPhc(clock::kernelDeviceCalls(), path,
                                   info[1].As<Napi::Number>().Uint32Value(), &reading);
  if (error != 0) return Napi::Number::New(env, error);
  auto object = Napi::Object::New(env);
  object.Set("rung", static_cast<uint32_t>(reading.rung));
  object.Set("systemClock", static_cast<uint32_t>(reading.systemClock));
  setNs(object, "systemBeforeNs", reading.systemBeforeNs);
  setNs(object, "phcNs", reading.phcNs);
  setNs(object, "systemAfterNs", reading.systemAfterNs);
  setNs(object, "rawBeforeNs", reading.rawBeforeNs);
  setNs(object, "rawAfterNs", reading.rawAfterNs);
  return object;
}

Napi::Value readPulse(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const std::string path = info[0].As<Napi::String>();
  clock::PulseReading reading{};
  const int error = clock::readPulse(clock::kernelDeviceCalls(), path, &reading);
  if (error != 0) return Napi::Number::New(env, error);
  auto object = Napi::Object::New(env);
  object.Set("assertSequence", reading.assertSequence);
  setNs(object, "assertRealtimeNs", reading.assertRealtimeNs);
  object.Set("clearSequence", reading.clearSequence);
  setNs(object, "clearRealtimeNs", reading.clearRealtimeNs);
  object.Set("realtime", toObject(env, reading.realtime));
  return object;
}

}  // namespace

Napi::Object registerClockDevices(Napi::Env env, Napi::Object exports) {
  exports.Set("readRawNs", Napi::Function::New(env, readRawNs));
  exports.Set("readBracket", Napi::Function::New(env, readBracket));
  exports.Set("readSuspendedNs", Napi::Function::New(env, readSuspendedNs));
  exports.Set("readKernelClock", Napi::Function::New(env, readKernelClock));
  exports.Set("readPhc", Napi::Function::New(env, readPhc));
  exports.Set("readPulse", Napi::Function::New(env, readPulse));
  return exports;
}

}  // namespace kudurru::binding
