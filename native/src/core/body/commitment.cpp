#include "core/body/commitment.h"

#include "core/hash/sha256.h"

namespace kudurru {
namespace {

constexpr std::string_view kDomain{"kudurru/commit/1\0", 17};

}  // namespace

Hash commitmentDigest(Bytes salt, uint8_t field, Bytes bytes) {
  std::array<uint8_t, 9> head{field};
  for (size_t i = 0; i < 8; ++i) {
    head[1 + i] = static_cast<uint8_t>(uint64_t{bytes.size()} >> (56 - 8 * i));
  }
  return Sha256().update(bytesOf(kDomain)).update(salt).update(head).update(bytes).finish();
}

}  // namespace kudurru
