#include "core/body/commitment.h"

namespace kudurru {
namespace {

constexpr std::string_view kDomain{"kudurru/commit/1\0", 17};

}  // namespace

Sha256 beginCommitment(Bytes salt, uint8_t field, uint64_t length) {
  std::array<uint8_t, 9> head{field};
  for (size_t i = 0; i < 8; ++i) head[1 + i] = static_cast<uint8_t>(length >> (56 - 8 * i));
  Sha256 hash;
  hash.update(bytesOf(kDomain)).update(salt).update(head);
  return hash;
}

Hash commitmentDigest(Bytes salt, uint8_t field, Bytes bytes) {
  return beginCommitment(salt, field, bytes.size()).update(bytes).finish();
}

}  // namespace kudurru
