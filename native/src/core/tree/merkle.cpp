#include "core/tree/merkle.h"

#include "core/hash/sha256.h"
#include "core/tree/subtree-stack.h"

namespace kudurru {

Hash leafHash(Bytes entry) { return Sha256().update(uint8_t{0}).update(entry).finish(); }

Hash nodeHash(const Hash& left, const Hash& right) {
  return Sha256().update(uint8_t{1}).update(left).update(right).finish();
}

Hash treeRoot(std::span<const Hash> leafHashes) {
  SubtreeStack stack;
  for (const Hash& leaf : leafHashes) {
    stack.append(leaf, [](unsigned, const Hash&) {});
  }
  return stack.root();
}

}  // namespace kudurru
