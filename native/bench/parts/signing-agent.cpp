#include "signing-agent.h"

#include <sodium.h>

#include <fstream>
#include <stdexcept>

#include "core/cbor/writer.h"
#include "core/hash/sha256.h"

namespace kudurru::bench {

SigningAgent::SigningAgent(std::string id, Bytes seed) : id_(std::move(id)) {
  if (sodium_init() < 0) throw std::runtime_error("libsodium does not start");
  std::array<uint8_t, kEd25519KeySizeBytes> key;
  crypto_sign_ed25519_seed_keypair(key.data(), secret_.data(), seed.data());
  kid_ = sha256(coseKey());
}

std::vector<uint8_t> SigningAgent::coseKey() const {
  std::vector<uint8_t> out;
  cbor::Writer writer(out);
  writer.writeMap(3).writeUnsigned(1).writeUnsigned(1).writeInteger(-1).writeUnsigned(6);
  writer.writeInteger(-2).writeBytes(Bytes(secret_).subspan(kSeedSizeBytes));
  return out;
}

std::shared_ptr<const PublicKey> SigningAgent::publicKey() const {
  return PublicKey::parse(Algorithm::kEd25519, Bytes(secret_).subspan(kSeedSizeBytes));
}

std::vector<uint8_t> SigningAgent::protectedHeader(std::string_view type) const {
  std::vector<uint8_t> out;
  cbor::Writer writer(out);
  writer.writeMap(3).writeUnsigned(1).writeInteger(static_cast<int64_t>(Algorithm::kEd25519));
  writer.writeUnsigned(4).writeBytes(kid_).writeUnsigned(16).writeText(type);
  return out;
}

void SigningAgent::signedBytes(std::string_view type, Bytes payload,
                               std::vector<uint8_t>& out) const {
  out.clear();
  cbor::Writer writer(out);
  writer.writeArray(4).writeText("Signature1").writeBytes(protectedHeader(type));
  writer.writeBytes({}).writeBytes(payload);
}

std::array<uint8_t, kSignatureSizeBytes> SigningAgent::signature(Bytes message) const {
  std::array<uint8_t, kSignatureSizeBytes> out;
  crypto_sign_ed25519_detached(out.data(), nullptr, message.data(), message.size(), secret_.data());
  return out;
}

std::vector<uint8_t> SigningAgent::sign(std::string_view type, Bytes payload) const {
  std::vector<uint8_t> message;
  signedBytes(type, payload, message);
  std::vector<uint8_t> out;
  cbor::Writer writer(out);
  writer.writeTag(cbor::kTagCoseSign1).writeArray(4).writeBytes(protectedHeader(type));
  writer.writeMap(0).writeBytes(payload).writeBytes(signature(message));
  return out;
}

std::vector<SigningAgent> readAgents(const std::string& path) {
  std::ifstream file(path);
  if (!file) throw std::runtime_error("the agents' file '" + path + "' cannot be read");
  std::vector<SigningAgent> agents;
  std::string id, hex;
  while (file >> id >> hex) {
    std::array<uint8_t, kSeedSizeBytes> seed;
    size_t size = 0;
    const int failed =
        sodium_hex2bin(seed.data(), seed.size(), hex.data(), hex.size(), nullptr, &size, nullptr);
    if (failed != 0 || size != seed.size() || hex.size() != 2 * seed.size()) {
      throw std::runtime_error("the agents' file '" + path + "' has no seed for '" + id + "'");
    }
    agents.emplace_back(id, seed);
  }
  if (agents.empty()) throw std::runtime_error("the agents' file '" + path + "' names no agent");
  return agents;
}

}  // namespace kudurru::bench
