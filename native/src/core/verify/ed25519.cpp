#include "core/verify/ed25519.h"

#include <sodium.h>

#include <algorithm>
#include <stdexcept>

namespace kudurru {
namespace {

using Encoding = std::array<uint8_t, 32>;  // little-endian

// p = 2^255 − 19, the field's order.
constexpr Encoding kFieldOrder = {0xed, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
                                  0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
                                  0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f};

// L = 2^252 + 27742317777372353535851937790883648493, the order of the base point.
constexpr Encoding kGroupOrder = {0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7,
                                  0xa2, 0xde, 0xf9, 0xde, 0x14, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
                                  0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x10};

// y of the points whose order divides 8, without the sign bit: order 4, order 1, order 2, and the
// two values that the four points of order 8 share.
constexpr Encoding kSmallOrderY[] = {
    {0},
    {1},
    {0xec, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
     0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
     0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f},
    {0x26, 0xe8, 0x95, 0x8f, 0xc2, 0xb2, 0x27, 0xb0, 0x45, 0xc3, 0xf4,
     0x89, 0xf2, 0xef, 0x98, 0xf0, 0xd5, 0xdf, 0xac, 0x05, 0xd3, 0xc6,
     0x33, 0x39, 0xb1, 0x38, 0x02, 0x88, 0x6d, 0x53, 0xfc, 0x05},
    {0xc7, 0x17, 0x6a, 0x70, 0x3d, 0x4d, 0xd8, 0x4f, 0xba, 0x3c, 0x0b,
     0x76, 0x0d, 0x10, 0x67, 0x0f, 0x2a, 0x20, 0x53, 0xfa, 0x2c, 0x39,
     0xcc, 0xc6, 0x4e, 0xc7, 0xfd, 0x77, 0x92, 0xac, 0x03, 0x7a}};

bool lessThan(const Encoding& left, const Encoding& right) {
  return std::lexicographical_compare(left.rbegin(), left.rend(), right.rbegin(), right.rend());
}

// Whether the encoding's y is below p and not that of a point of small order.
bool isAcceptedEncoding(Bytes encoded) {
  Encoding y;
  std::copy(encoded.begin(), encoded.end(), y.begin());
  y[31] &= 0x7f;
  return lessThan(y, kFieldOrder) &&
         std::find(std::begin(kSmallOrderY), std::end(kSmallOrderY), y) == std::end(kSmallOrderY);
}

bool isReducedScalar(Bytes scalar) {
  Encoding value;
  std::copy(scalar.begin(), scalar.end(), value.begin());
  return lessThan(value, kGroupOrder);
}

bool isOnCurve(Bytes encoded) {
  Encoding sum;
  // The library's other check of points also wants the prime-order subgroup, which the rule does
  // not; addition only wants points of the curve.
  return crypto_core_ed25519_add(sum.data(), encoded.data(), encoded.data()) == 0;
}

void startLibrary() {
  static const bool started = sodium_init() >= 0;
  if (!started) throw std::runtime_error("cannot start libsodium: no source of randomness");
}

}  // namespace

std::shared_ptr<const Ed25519Key> Ed25519Key::parse(Bytes encoded) {
  startLibrary();
  if (encoded.size() != kEd25519KeySizeBytes || !isAcceptedEncoding(encoded) ||
      !isOnCurve(encoded)) {
    return nullptr;
  }
  return std::shared_ptr<const Ed25519Key>(new Ed25519Key(encoded));
}

Ed25519Key::Ed25519Key(Bytes encoded) : PublicKey(Algorithm::kEd25519) {
  std::copy(encoded.begin(), encoded.end(), encoded_.begin());
}

// libsodium compares encode([S]B − [k]A) with the R bytes, without the cofactor. What it refuses
// before that depends on how it was built and on its version; so the rule's other parts are ours.
bool Ed25519Key::verify(Bytes message, Bytes signature) const {
  if (signature.size() != kSignatureSizeBytes || !isAcceptedEncoding(signature.first(32)) ||
      !isReducedScalar(signature.last(32))) {
    return false;
  }
  return crypto_sign_ed25519_verify_detached(signature.data(), message.data(), message.size(),
                                             encoded_.data()) == 0;
}

}  // namespace kudurru
