// JavaScript values ↔ the core's views. The facade has checked every argument: these trust it.
#pragma once

#include <napi.h>

#include <algorithm>

#include "core/bytes.h"

namespace kudurru::binding {

// The bytes of a Uint8Array (or Buffer). Valid while the JavaScript value is alive and unchanged,
// so for the length of a synchronous call.
inline Bytes bytesOf(const Napi::Value& value) {
  const auto array = value.As<Napi::Uint8Array>();
  return {array.Data(), array.ByteLength()};
}

// A fresh Uint8Array holding a copy.
inline Napi::Uint8Array toUint8Array(Napi::Env env, Bytes bytes) {
  auto array = Napi::Uint8Array::New(env, bytes.size());
  std::copy(bytes.begin(), bytes.end(), array.Data());
  return array;
}

}  // namespace kudurru::binding
