// The roots of the tree's last sizes, at the ends of groups, and those that prepare records name: a
// checkpoint is signed over one of them. Memory is bounded; what is older is not known any more.
#pragma once

#include <deque>
#include <optional>
#include <utility>

#include "core/bytes.h"

namespace kudurru::fsck {

class RootHistory {
 public:
  void add(uint64_t size, const Hash& root);
  std::optional<Hash> find(uint64_t size) const;
  // Keeps the root of this size although others follow.
  void pin(uint64_t size);

 private:
  using Known = std::pair<uint64_t, Hash>;
  std::deque<Known> recent_;  // sizes ascend
  std::deque<Known> pinned_;
};

}  // namespace kudurru::fsck
