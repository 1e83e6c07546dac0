// Hashing and trees for tests and tools. The daemon's own path hashes inside the core.
#include <napi.h>

#include <vector>

#include "binding/convert.h"
#include "core/hash/sha256.h"
#include "core/tree/merkle.h"

namespace kudurru::binding {
namespace {

Napi::Value sha256Of(const Napi::CallbackInfo& info) {
  return toUint8Array(info.Env(), sha256(bytesOf(info[0])));
}

Napi::Value leafHashOf(const Napi::CallbackInfo& info) {
  return toUint8Array(info.Env(), leafHash(bytesOf(info[0])));
}

// The leaves are entries, not hashes.
Napi::Value treeRootOf(const Napi::CallbackInfo& info) {
  const auto entries = info[0].As<Napi::Array>();
  std::vector<Hash> hashes(entries.Length());
  for (uint32_t i = 0; i < hashes.size(); ++i) hashes[i] = leafHash(bytesOf(entries.Get(i)));
  return toUint8Array(info.Env(), treeRoot(hashes));
}

}  // namespace

Napi::Object registerCrypto(Napi::Env env, Napi::Object exports) {
  exports.Set("sha256", Napi::Function::New(env, sha256Of));
  exports.Set("leafHash", Napi::Function::New(env, leafHashOf));
  exports.Set("treeRoot", Napi::Function::New(env, treeRootOf));
  return exports;
}

}  // namespace kudurru::binding
