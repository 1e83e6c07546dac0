// Intake's values ↔ JavaScript.
#pragma once

#include <napi.h>

#include "binding/intake-thread.h"

namespace kudurru::binding {

// A number or bigint in 0 … 2^53 − 1; a connection's id is always a bigint.
uint64_t integerOf(const Napi::Value& value);
Hash hashOf(const Napi::Value& value);

// {socketPath, socketMode, descriptor, ledgerId, origin, limits}; all present but in limits.
intake::ServerOptions serverOptionsOf(const Napi::Object& object, intake::WriterLevel level);
// {sessionId, sessionIndex, sessionNumber, nextSequence, previousStatementHash, publicKey,
// algorithm}. The key is null where publicKey is not one of that algorithm.
intake::Binding bindingOf(const Napi::Object& object);

Napi::Object toObject(Napi::Env env, const Delivery& delivery);
Napi::Object toObject(Napi::Env env, const intake::WriterFacts& facts);
Napi::Object toObject(Napi::Env env, const intake::Stats& stats);
Napi::Array toArray(Napi::Env env, const std::vector<Waiter>& waiters);
// [[fromRealtimeNs, taiMinusUtcSeconds]]
std::vector<LeapStep> leapStepsOf(const Napi::Array& array);

}  // namespace kudurru::binding
