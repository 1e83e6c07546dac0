#include "core/fsck/root-history.h"

#include <algorithm>

namespace kudurru::fsck {
namespace {

// At one entry a group and an anchor every two seconds, minutes of the fastest log.
constexpr size_t kRecentMax = size_t{1} << 16;
// One anchor at a time is under way, over any number of restarts.
constexpr size_t kPinnedMax = 64;

}  // namespace

void RootHistory::add(uint64_t size, const Hash& root) {
  recent_.emplace_back(size, root);
  if (recent_.size() > kRecentMax) recent_.pop_front();
}

std::optional<Hash> RootHistory::find(uint64_t size) const {
  const auto found = std::ranges::lower_bound(recent_, size, {}, &Known::first);
  if (found != recent_.end() && found->first == size) return found->second;
  const auto pinned = std::ranges::find(pinned_, size, &Known::first);
  return pinned == pinned_.end() ? std::nullopt : std::optional<Hash>(pinned->second);
}

void RootHistory::pin(uint64_t size) {
  const auto root = find(size);
  if (!root || std::ranges::find(pinned_, size, &Known::first) != pinned_.end()) return;
  pinned_.emplace_back(size, *root);
  if (pinned_.size() > kPinnedMax) pinned_.pop_front();
}

}  // namespace kudurru::fsck
