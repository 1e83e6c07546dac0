// The perfect subtrees that make up a tree of a given size, the largest first: one for each bit set
// in the size. It is all that is needed to append a leaf or to compute the root.
#pragma once

#include "core/bytes.h"
#include "core/hash/sha256.h"
#include "core/tree/merkle.h"

namespace kudurru {

class SubtreeStack {
 public:
  uint64_t size() const { return size_; }

  // Appends a leaf. `onNode(level, hash)` is told of each perfect subtree this completes, from the
  // leaf itself (level 0) upwards.
  template <class OnNode>
  void append(const Hash& leafHash, OnNode&& onNode) {
    Hash hash = leafHash;
    onNode(0u, hash);
    unsigned level = 0;
    for (uint64_t bits = size_; (bits & 1) != 0; bits >>= 1) {
      hash = nodeHash(subtrees_[--depth_], hash);
      onNode(++level, hash);
    }
    subtrees_[depth_++] = hash;
    ++size_;
  }

  // Puts back a perfect subtree of 2^level leaves, where the stack is rebuilt from kept hashes.
  // Levels must go down strictly from call to call.
  void restore(unsigned level, const Hash& hash) {
    subtrees_[depth_++] = hash;
    size_ += uint64_t{1} << level;
  }

  // The root with this leaf appended.
  Hash rootWith(const Hash& leafHash) const {
    Hash hash = leafHash;
    unsigned depth = depth_;
    for (uint64_t bits = size_; (bits & 1) != 0; bits >>= 1) {
      hash = nodeHash(subtrees_[--depth], hash);
    }
    while (depth != 0) hash = nodeHash(subtrees_[--depth], hash);
    return hash;
  }

  Hash root() const {
    if (depth_ == 0) return sha256({});
    Hash hash = subtrees_[depth_ - 1];
    for (unsigned i = depth_ - 1; i != 0; --i) hash = nodeHash(subtrees_[i - 1], hash);
    return hash;
  }

 private:
  Hash subtrees_[64];
  unsigned depth_ = 0;
  uint64_t size_ = 0;
};

}  // namespace kudurru
