// Public keys of agents, parsed once and then used by any number of threads, and the one rule by
// which a signature is accepted (SPEC.md §2.1), the same as in @kudurru/proof.
#pragma once

#include <memory>

#include "core/bytes.h"

namespace kudurru {

// COSE numbers (RFC 9864).
enum class Algorithm : int8_t { kEd25519 = -19, kEsp256 = -9 };

constexpr size_t kSignatureSizeBytes = 64;
constexpr size_t kEd25519KeySizeBytes = 32;
constexpr size_t kP256PointSizeBytes = 65;  // 0x04 ‖ x ‖ y

class PublicKey {
 public:
  // Null unless the encoding is the canonical one of a usable key: Ed25519, 32 bytes on the curve
  // and not of small order; ESP256, an uncompressed point on P-256.
  static std::shared_ptr<const PublicKey> parse(Algorithm algorithm, Bytes encoded);
  // The same from a COSE_Key with exactly the members of SPEC.md §2.
  static std::shared_ptr<const PublicKey> parseCoseKey(Bytes coseKey);

  virtual ~PublicKey() = default;
  PublicKey(const PublicKey&) = delete;
  PublicKey& operator=(const PublicKey&) = delete;

  Algorithm algorithm() const { return algorithm_; }

  // Whether the 64-byte signature of the message is accepted. Safe from several threads at once.
  // Throws std::runtime_error only if the library cannot work (out of memory).
  virtual bool verify(Bytes message, Bytes signature) const = 0;

 protected:
  explicit PublicKey(Algorithm algorithm) : algorithm_(algorithm) {}

 private:
  const Algorithm algorithm_;
};

}  // namespace kudurru
