#include "core/fsck/head-history.h"

#include <algorithm>

#include "core/ledger/agent-heads.h"

namespace kudurru::fsck {
namespace {

// Statements between the tree of an anchor and its prepare record: seconds of the fastest log.
constexpr size_t kChangesMax = size_t{1} << 17;
// One anchor at a time is under way, over any number of restarts.
constexpr size_t kPinnedMax = 64;

}  // namespace

void HeadHistory::note(uint64_t index, uint64_t agentIndex,
                       const std::optional<AgentHead>& before) {
  changes_.push_back({index, agentIndex, before});
  if (changes_.size() <= kChangesMax) return;
  knownFrom_ = changes_.front().index + 1;
  changes_.pop_front();
}

std::optional<Hash> HeadHistory::find(uint64_t size, const LogState& state) const {
  const auto pinned = std::ranges::find(pinned_, size, &std::pair<uint64_t, Hash>::first);
  if (pinned != pinned_.end()) return pinned->second;
  if (size < knownFrom_ || size > state.size()) return std::nullopt;
  // The oldest change at or after the size says where the agent stood at it.
  std::unordered_map<uint64_t, const std::optional<AgentHead>*> heads;
  const auto first = std::ranges::lower_bound(changes_, size, {}, &Change::index);
  for (auto change = first; change != changes_.end(); ++change) {
    heads.try_emplace(change->agentIndex, &change->before);
  }
  std::vector<AgentState> agents = state.agentsWithActions();
  for (AgentState& agent : agents) {
    const auto then = heads.find(agent.index);
    if (then != heads.end()) agent.head = *then->second;
  }
  std::erase_if(agents, [](const AgentState& agent) { return !agent.head.has_value(); });
  return agentHeadsRoot(agentHeadLeaves(agents));
}

void HeadHistory::pin(uint64_t size, const LogState& state) {
  const auto root = find(size, state);
  if (!root || std::ranges::find(pinned_, size, &std::pair<uint64_t, Hash>::first) != pinned_.end())
    return;
  pinned_.emplace_back(size, *root);
  if (pinned_.size() > kPinnedMax) pinned_.pop_front();
}

}  // namespace kudurru::fsck
