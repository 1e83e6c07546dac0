// Sealing of bodies (SPEC.md §3): AES-256-GCM under a key derived for this one body, with a zero
// nonce, because no key ever meets two plaintexts. There is no form without encryption.
#pragma once

#include <openssl/evp.h>

#include "core/body/commitment.h"
#include "core/bytes.h"

namespace kudurru {

constexpr size_t kScopeKeySizeBytes = 32;
constexpr size_t kTagSizeBytes = 16;
// A sealed body is so much longer than its bytes: the salt and the tag.
constexpr size_t kSealedOverheadBytes = kSaltSizeBytes + kTagSizeBytes;

// What a sealed body is bound to. All are 32 bytes.
struct BodyKey {
  Bytes scopeKey;
  Bytes digest;  // of the body's commitment
};

// What one sealed chunk of a large body is bound to. A chunk is sealed before it is known whether
// the bytes are those of the digest: so the key is also of this one time that they came (`upload`,
// 32 random bytes of the daemon), or two plaintexts could meet one key.
struct ChunkKey {
  BodyKey body;
  Bytes upload;
  uint32_t number;  // from 0
  uint32_t count;   // chunks of the body
};

// Not safe from several threads: each thread has its own.
class BodyCipher {
 public:
  BodyCipher();  // throws std::runtime_error where the library has no AES-256-GCM
  ~BodyCipher();
  BodyCipher(const BodyCipher&) = delete;
  BodyCipher& operator=(const BodyCipher&) = delete;

  // Writes ciphertext(salt ‖ bytes) ‖ tag to `out`, which has bytes.size() + kSealedOverheadBytes.
  void seal(const BodyKey& key, Bytes salt, Bytes bytes, MutableBytes out);

  // Writes salt ‖ bytes to `out`, which has sealed.size() − kTagSizeBytes. False, and `out` zeroed,
  // if the key is another, or one bit was changed. `sealed` is longer than kSealedOverheadBytes.
  bool open(const BodyKey& key, Bytes sealed, MutableBytes out);

  // The same for one chunk: `salt` is the body's in chunk 0, whose plaintext begins with it, and
  // empty in the others. A sealed chunk is kTagSizeBytes longer than its plaintext.
  void sealChunk(const ChunkKey& key, Bytes salt, Bytes bytes, MutableBytes out);
  // `sealed` is longer than kTagSizeBytes.
  bool openChunk(const ChunkKey& key, Bytes sealed, MutableBytes out);

 private:
  void start(const BodyKey& key, Bytes info, bool encrypting);
  void finishSeal(Bytes salt, Bytes bytes, MutableBytes out);
  bool finishOpen(Bytes sealed, MutableBytes out);

  EVP_CIPHER* cipher_;
  EVP_CIPHER_CTX* context_;
};

}  // namespace kudurru
