// Ed25519 under the acceptance rule of SPEC.md §2.1, on libsodium.
#pragma once

#include "core/verify/public-key.h"

namespace kudurru {

class Ed25519Key final : public PublicKey {
 public:
  static std::shared_ptr<const Ed25519Key> parse(Bytes encoded);

  bool verify(Bytes message, Bytes signature) const override;

 private:
  explicit Ed25519Key(Bytes encoded);

  std::array<uint8_t, kEd25519KeySizeBytes> encoded_;
};

}  // namespace kudurru
