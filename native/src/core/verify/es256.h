// ECDSA on P-256 with SHA-256 under the acceptance rule of SPEC.md §2.1, on OpenSSL's EVP: the
// runtime's own in the addon, the system's in the C++ tests.
#pragma once

#include <openssl/evp.h>

#include <mutex>
#include <vector>

#include "core/verify/public-key.h"

namespace kudurru {

class Es256Key final : public PublicKey {
 public:
  static std::shared_ptr<const Es256Key> parse(Bytes point);
  ~Es256Key() override;

  bool verify(Bytes message, Bytes signature) const override;

 private:
  explicit Es256Key(EVP_PKEY* key);
  EVP_PKEY_CTX* takeContext() const;
  void giveContext(EVP_PKEY_CTX* context) const;

  EVP_PKEY* const key_;
  // Contexts ready to verify, never more than threads that verify at once: making one costs a
  // fetch of the algorithm, which is a good part of a verification.
  mutable std::mutex mutex_;
  mutable std::vector<EVP_PKEY_CTX*> idle_;
};

}  // namespace kudurru
