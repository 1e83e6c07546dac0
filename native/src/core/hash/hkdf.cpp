#include "core/hash/hkdf.h"

#include <algorithm>

#include "core/hash/sha256.h"

namespace kudurru {
namespace {

using Block = std::array<uint8_t, Sha256::kBlockSizeBytes>;

Block paddedKey(Bytes key) {
  Block block{};
  if (key.size() <= block.size()) {
    std::copy(key.begin(), key.end(), block.begin());
  } else {
    const Hash digest = sha256(key);
    std::copy(digest.begin(), digest.end(), block.begin());
  }
  return block;
}

Sha256 keyedHash(const Block& key, uint8_t pad) {
  Block block = key;
  for (uint8_t& byte : block) byte ^= pad;
  Sha256 hash;
  hash.update(block);
  return hash;
}

Hash hmacOfTwo(Bytes key, Bytes first, Bytes second) {
  const Block block = paddedKey(key);
  const Hash inner = keyedHash(block, 0x36).update(first).update(second).finish();
  return keyedHash(block, 0x5c).update(inner).finish();
}

}  // namespace

Hash hmacSha256(Bytes key, Bytes message) { return hmacOfTwo(key, message, {}); }

Hash hkdfSha256(Bytes inputKey, Bytes salt, Bytes info) {
  const Hash pseudoRandomKey = hmacSha256(salt, inputKey);
  const uint8_t firstBlock = 1;
  return hmacOfTwo(pseudoRandomKey, info, Bytes(&firstBlock, 1));
}

}  // namespace kudurru
