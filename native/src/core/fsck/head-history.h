// Where the agents stood at the tree's last sizes, and at those that prepare records name: an
// anchor freezes the heads of a tree that has grown since. Memory is bounded; what is older is not
// known.
#pragma once

#include <deque>
#include <optional>
#include <unordered_map>
#include <utility>

#include "core/bytes.h"
#include "core/ledger/log-state.h"

namespace kudurru::fsck {

class HeadHistory {
 public:
  // The statement at `index` moves the head of the agent, which stood at `before`.
  void note(uint64_t index, uint64_t agentIndex, const std::optional<AgentHead>& before);
  // RFC 6962 root over the heads at this size; `state` is of now.
  std::optional<Hash> find(uint64_t size, const LogState& state) const;
  // Keeps the root at this size although others follow.
  void pin(uint64_t size, const LogState& state);

 private:
  struct Change {
    uint64_t index;  // of the statement
    uint64_t agentIndex;
    std::optional<AgentHead> before;
  };

  std::deque<Change> changes_;  // indexes ascend
  uint64_t knownFrom_ = 0;      // smaller sizes are not known any more
  std::deque<std::pair<uint64_t, Hash>> pinned_;
};

}  // namespace kudurru::fsck
