#include "core/verify/es256.h"

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/params.h>

#include <algorithm>
#include <stdexcept>

#include "core/hash/sha256.h"

namespace kudurru {
namespace {

constexpr size_t kCoordinateSizeBytes = 32;
// SEQUENCE of two INTEGERs of at most 33 bytes: each head takes two bytes.
constexpr size_t kDerSizeBytesMax = 2 + 2 * (2 + 1 + kCoordinateSizeBytes);
constexpr uint8_t kDerSequence = 0x30;
constexpr uint8_t kDerInteger = 0x02;

// n, the order of P-256, big-endian.
constexpr std::array<uint8_t, kCoordinateSizeBytes> kGroupOrder = {
    0xff, 0xff, 0xff, 0xff, 0x00, 0x00, 0x00, 0x00, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
    0xbc, 0xe6, 0xfa, 0xad, 0xa7, 0x17, 0x9e, 0x84, 0xf3, 0xb9, 0xca, 0xc2, 0xfc, 0x63, 0x25, 0x51};

bool isScalarInRange(Bytes scalar) {
  const bool zero = std::all_of(scalar.begin(), scalar.end(), [](uint8_t b) { return b == 0; });
  return !zero && std::lexicographical_compare(scalar.begin(), scalar.end(), kGroupOrder.begin(),
                                               kGroupOrder.end());
}

// A positive INTEGER in its shortest form; what follows it. The scalar is not zero.
uint8_t* writeDerInteger(uint8_t* at, Bytes scalar) {
  while (scalar.front() == 0) scalar = scalar.subspan(1);
  const size_t signBytes = scalar.front() >= 0x80 ? 1 : 0;
  *at++ = kDerInteger;
  *at++ = static_cast<uint8_t>(signBytes + scalar.size());
  if (signBytes != 0) *at++ = 0;
  return std::copy(scalar.begin(), scalar.end(), at);
}

// The DER form that EVP takes; its size.
size_t writeDer(uint8_t* der, Bytes signature) {
  uint8_t* end = writeDerInteger(der + 2, signature.first(kCoordinateSizeBytes));
  end = writeDerInteger(end, signature.last(kCoordinateSizeBytes));
  der[0] = kDerSequence;
  der[1] = static_cast<uint8_t>(end - der - 2);
  return static_cast<size_t>(end - der);
}

// Null if the point is not on the curve.
EVP_PKEY* importPoint(Bytes point) {
  char group[] = "prime256v1";
  OSSL_PARAM params[] = {
      OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, group, 0),
      OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY, const_cast<uint8_t*>(point.data()),
                                        point.size()),
      OSSL_PARAM_construct_end()};
  EVP_PKEY_CTX* context = EVP_PKEY_CTX_new_from_name(nullptr, "EC", nullptr);
  if (context == nullptr || EVP_PKEY_fromdata_init(context) != 1) {
    EVP_PKEY_CTX_free(context);
    throw std::runtime_error("cannot import a p-256 key: openssl has no EC keys");
  }
  EVP_PKEY* key = nullptr;
  if (EVP_PKEY_fromdata(context, &key, EVP_PKEY_PUBLIC_KEY, params) != 1) {
    // The library queues its reasons per thread; the runtime must not find ours there.
    ERR_clear_error();
    key = nullptr;
  }
  EVP_PKEY_CTX_free(context);
  return key;
}

}  // namespace

std::shared_ptr<const Es256Key> Es256Key::parse(Bytes point) {
  if (point.size() != kP256PointSizeBytes || point[0] != 4) return nullptr;
  EVP_PKEY* key = importPoint(point);
  return key == nullptr ? nullptr : std::shared_ptr<const Es256Key>(new Es256Key(key));
}

Es256Key::Es256Key(EVP_PKEY* key) : PublicKey(Algorithm::kEsp256), key_(key) {}

Es256Key::~Es256Key() {
  for (EVP_PKEY_CTX* context : idle_) EVP_PKEY_CTX_free(context);
  EVP_PKEY_free(key_);
}

EVP_PKEY_CTX* Es256Key::takeContext() const {
  {
    const std::lock_guard lock(mutex_);
    if (!idle_.empty()) {
      EVP_PKEY_CTX* context = idle_.back();
      idle_.pop_back();
      return context;
    }
  }
  EVP_PKEY_CTX* context = EVP_PKEY_CTX_new_from_pkey(nullptr, key_, nullptr);
  if (context == nullptr || EVP_PKEY_verify_init(context) != 1) {
    EVP_PKEY_CTX_free(context);
    throw std::runtime_error("cannot verify: openssl gave no context for ecdsa");
  }
  return context;
}

void Es256Key::giveContext(EVP_PKEY_CTX* context) const {
  const std::lock_guard lock(mutex_);
  idle_.push_back(context);
}

bool Es256Key::verify(Bytes message, Bytes signature) const {
  if (signature.size() != kSignatureSizeBytes ||
      !isScalarInRange(signature.first(kCoordinateSizeBytes)) ||
      !isScalarInRange(signature.last(kCoordinateSizeBytes))) {
    return false;
  }
  uint8_t der[kDerSizeBytesMax];
  const size_t derSizeBytes = writeDer(der, signature);
  const Hash digest = sha256(message);
  EVP_PKEY_CTX* context = takeContext();
  const int outcome = EVP_PKEY_verify(context, der, derSizeBytes, digest.data(), digest.size());
  giveContext(context);
  if (outcome != 1) ERR_clear_error();
  return outcome == 1;
}

}  // namespace kudurru
