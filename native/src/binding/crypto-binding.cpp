// Hashing, trees, encodings and bodies for tests and tools. The daemon's own path does all this
// inside the core.
#include <napi.h>

#include <stdexcept>
#include <vector>

#include "binding/addon-state.h"
#include "binding/convert.h"
#include "core/body/body-cipher.h"
#include "core/cbor/cbor.h"
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

// The name of the first error, 'none' for one deterministic item.
Napi::Value cborCheck(const Napi::CallbackInfo& info) {
  return Napi::String::New(info.Env(), cbor::nameOf(cbor::check(bytesOf(info[0]))));
}

Napi::Value commitment(const Napi::CallbackInfo& info) {
  const auto field = static_cast<uint8_t>(info[1].As<Napi::Number>().Uint32Value());
  return toUint8Array(info.Env(), commitmentDigest(bytesOf(info[0]), field, bytesOf(info[2])));
}

BodyCipher& cipherOf(Napi::Env env, const char* operation) {
  try {
    return addonState(env).part<BodyCipher>();
  } catch (const std::runtime_error& error) {
    throw makeError(env, {"openssl", "unavailable", operation, error.what()});
  }
}

// (scopeKey, digest, salt, bytes) → sealed.
Napi::Value sealBody(const Napi::CallbackInfo& info) {
  BodyCipher& cipher = cipherOf(info.Env(), "sealBody");
  const Bytes bytes = bytesOf(info[3]);
  auto sealed = Napi::Uint8Array::New(info.Env(), bytes.size() + kSealedOverheadBytes);
  try {
    cipher.seal({bytesOf(info[0]), bytesOf(info[1])}, bytesOf(info[2]), bytes,
                {sealed.Data(), sealed.ByteLength()});
  } catch (const std::runtime_error& error) {
    throw makeError(info.Env(), {"openssl", "failed", "sealBody", error.what()});
  }
  return sealed;
}

// (scopeKey, digest, sealed) → salt ‖ bytes, or null where the key or a bit is another.
Napi::Value openBody(const Napi::CallbackInfo& info) {
  BodyCipher& cipher = cipherOf(info.Env(), "openBody");
  const Bytes sealed = bytesOf(info[2]);
  auto opened = Napi::Uint8Array::New(info.Env(), sealed.size() - kTagSizeBytes);
  try {
    if (cipher.open({bytesOf(info[0]), bytesOf(info[1])}, sealed,
                    {opened.Data(), opened.ByteLength()})) {
      return opened;
    }
  } catch (const std::runtime_error& error) {
    throw makeError(info.Env(), {"openssl", "failed", "openBody", error.what()});
  }
  return info.Env().Null();
}

}  // namespace

Napi::Object registerCrypto(Napi::Env env, Napi::Object exports) {
  exports.Set("sha256", Napi::Function::New(env, sha256Of));
  exports.Set("leafHash", Napi::Function::New(env, leafHashOf));
  exports.Set("treeRoot", Napi::Function::New(env, treeRootOf));
  exports.Set("cborCheck", Napi::Function::New(env, cborCheck));
  exports.Set("commitment", Napi::Function::New(env, commitment));
  exports.Set("sealBody", Napi::Function::New(env, sealBody));
  exports.Set("openBody", Napi::Function::New(env, openBody));
  return exports;
}

}  // namespace kudurru::binding
