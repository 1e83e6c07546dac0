// An enrolled agent with its Ed25519 key, signing as SPEC.md §2.2 wants it.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "core/bytes.h"
#include "core/verify/public-key.h"

namespace kudurru::bench {

constexpr size_t kSeedSizeBytes = 32;

class SigningAgent {
 public:
  SigningAgent(std::string id, Bytes seed);

  const std::string& id() const { return id_; }
  // SPEC.md §2, thumbprint of the COSE_Key.
  const Hash& keyId() const { return kid_; }
  std::shared_ptr<const PublicKey> publicKey() const;
  std::vector<uint8_t> coseKey() const;

  // The bytes that a signature of `payload` is over (RFC 9052 §4.4), into `out`.
  void signedBytes(std::string_view type, Bytes payload, std::vector<uint8_t>& out) const;
  std::array<uint8_t, kSignatureSizeBytes> signature(Bytes message) const;
  // A whole COSE_Sign1.
  std::vector<uint8_t> sign(std::string_view type, Bytes payload) const;

 private:
  std::vector<uint8_t> protectedHeader(std::string_view type) const;

  std::string id_;
  std::array<uint8_t, 2 * kSeedSizeBytes> secret_;  // seed ‖ public key
  Hash kid_;
};

// One agent a line: its id, a space, the seed of its key in hexadecimal.
std::vector<SigningAgent> readAgents(const std::string& path);

}  // namespace kudurru::bench
