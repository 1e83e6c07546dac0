// The checkers' own RFC 6962 tree: a stack of perfect subtrees, written apart from the product's.
#pragma once

#include <utility>
#include <vector>

#include "core/hash/sha256.h"

namespace kudurru::sim {

class GrowingTree {
 public:
  void append(const Hash& leaf) {
    Hash hash = leaf;
    uint64_t leaves = 1;
    while (!subtrees_.empty() && subtrees_.back().first == leaves) {
      hash = join(subtrees_.back().second, hash);
      leaves *= 2;
      subtrees_.pop_back();
    }
    subtrees_.emplace_back(leaves, hash);
  }

  Hash root() const {
    if (subtrees_.empty()) return sha256({});
    Hash hash = subtrees_.back().second;
    for (size_t at = subtrees_.size() - 1; at-- > 0;) hash = join(subtrees_[at].second, hash);
    return hash;
  }

  static Hash join(const Hash& left, const Hash& right) {
    return Sha256().update(uint8_t{1}).update(left).update(right).finish();
  }
  static Hash leaf(Bytes entry) { return Sha256().update(uint8_t{0}).update(entry).finish(); }

 private:
  std::vector<std::pair<uint64_t, Hash>> subtrees_;  // leaves, root; the largest first
};

// RFC 6962 §2.1.1: whether the path leads from the leaf to the root.
inline bool leadsToRoot(Hash hash, uint64_t index, uint64_t size, const std::vector<Hash>& path,
                        const Hash& root) {
  uint64_t last = size - 1;
  for (const Hash& step : path) {
    if (last == 0) return false;
    if (index % 2 == 1 || index == last) {
      hash = GrowingTree::join(step, hash);
      while (index % 2 == 0 && index != 0) index /= 2, last /= 2;
    } else {
      hash = GrowingTree::join(hash, step);
    }
    index /= 2;
    last /= 2;
  }
  return last == 0 && hash == root;
}

}  // namespace kudurru::sim
