#include "core/body/body-cipher.h"

#include <openssl/crypto.h>
#include <openssl/err.h>

#include <algorithm>
#include <stdexcept>

#include "core/hash/hkdf.h"

namespace kudurru {
namespace {

constexpr std::string_view kInfo{"kudurru/body/1\0", 15};
constexpr std::string_view kChunkInfo{"kudurru/chunk/1\0", 16};
constexpr size_t kChunkInfoBytes = 16 + 32 + 4 + 4;
constexpr std::array<uint8_t, 12> kZeroNonce{};

// Domain ‖ upload ‖ u32(number) ‖ u32(count).
std::array<uint8_t, kChunkInfoBytes> infoOf(const ChunkKey& key) {
  std::array<uint8_t, kChunkInfoBytes> info;
  auto at = std::copy(kChunkInfo.begin(), kChunkInfo.end(), info.begin());
  at = std::copy_n(key.upload.begin(), 32, at);
  for (const uint32_t value : {key.number, key.count}) {
    for (int shift = 24; shift >= 0; shift -= 8) *at++ = static_cast<uint8_t>(value >> shift);
  }
  return info;
}

void require(int outcome, const char* message) {
  if (outcome == 1) return;
  ERR_clear_error();
  throw std::runtime_error(message);
}

}  // namespace

BodyCipher::BodyCipher()
    : cipher_(EVP_CIPHER_fetch(nullptr, "AES-256-GCM", nullptr)), context_(EVP_CIPHER_CTX_new()) {
  if (cipher_ == nullptr || context_ == nullptr) {
    EVP_CIPHER_CTX_free(context_);
    EVP_CIPHER_free(cipher_);
    throw std::runtime_error("cannot seal bodies: openssl has no aes-256-gcm");
  }
  // Named again at each start, the cipher would be set up anew each time.
  require(EVP_CipherInit_ex2(context_, cipher_, nullptr, nullptr, 1, nullptr),
          "cannot seal bodies: aes-256-gcm did not start");
}

BodyCipher::~BodyCipher() {
  EVP_CIPHER_CTX_free(context_);
  EVP_CIPHER_free(cipher_);
}

void BodyCipher::start(const BodyKey& key, Bytes info, bool encrypting) {
  Hash derived = hkdfSha256(key.scopeKey, key.digest, info);
  const int started = EVP_CipherInit_ex2(context_, nullptr, derived.data(), kZeroNonce.data(),
                                         encrypting ? 1 : 0, nullptr);
  OPENSSL_cleanse(derived.data(), derived.size());
  require(started, "cannot seal or open a body: aes-256-gcm did not start");
  int taken = 0;
  require(EVP_CipherUpdate(context_, nullptr, &taken, key.digest.data(),
                           static_cast<int>(key.digest.size())),
          "cannot seal or open a body: additional data was refused");
}

void BodyCipher::seal(const BodyKey& key, Bytes salt, Bytes bytes, MutableBytes out) {
  start(key, bytesOf(kInfo), true);
  finishSeal(salt, bytes, out);
}

void BodyCipher::sealChunk(const ChunkKey& key, Bytes salt, Bytes bytes, MutableBytes out) {
  start(key.body, infoOf(key), true);
  finishSeal(salt, bytes, out);
}

bool BodyCipher::open(const BodyKey& key, Bytes sealed, MutableBytes out) {
  start(key, bytesOf(kInfo), false);
  return finishOpen(sealed, out);
}

bool BodyCipher::openChunk(const ChunkKey& key, Bytes sealed, MutableBytes out) {
  start(key.body, infoOf(key), false);
  return finishOpen(sealed, out);
}

void BodyCipher::finishSeal(Bytes salt, Bytes bytes, MutableBytes out) {
  constexpr const char* kFailed = "cannot seal a body: openssl refused to encrypt";
  int written = 0;
  if (!salt.empty()) {
    require(EVP_CipherUpdate(context_, out.data(), &written, salt.data(),
                             static_cast<int>(salt.size())),
            kFailed);
  }
  uint8_t* at = out.data() + written;
  require(EVP_CipherUpdate(context_, at, &written, bytes.data(), static_cast<int>(bytes.size())),
          kFailed);
  at += written;
  require(EVP_CipherFinal_ex(context_, at, &written), kFailed);
  require(EVP_CIPHER_CTX_ctrl(context_, EVP_CTRL_AEAD_GET_TAG, kTagSizeBytes, at), kFailed);
}

bool BodyCipher::finishOpen(Bytes sealed, MutableBytes out) {
  const Bytes ciphertext = sealed.first(sealed.size() - kTagSizeBytes);
  std::array<uint8_t, kTagSizeBytes> tag;
  std::copy(sealed.end() - kTagSizeBytes, sealed.end(), tag.begin());
  int written = 0;
  require(EVP_CipherUpdate(context_, out.data(), &written, ciphertext.data(),
                           static_cast<int>(ciphertext.size())),
          "cannot open a body: openssl refused to decrypt");
  require(EVP_CIPHER_CTX_ctrl(context_, EVP_CTRL_AEAD_SET_TAG, kTagSizeBytes, tag.data()),
          "cannot open a body: openssl refused the tag");
  if (EVP_CipherFinal_ex(context_, out.data() + written, &written) == 1) return true;
  ERR_clear_error();
  OPENSSL_cleanse(out.data(), out.size());
  return false;
}

}  // namespace kudurru
