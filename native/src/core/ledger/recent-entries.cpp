#include "core/ledger/recent-entries.h"

#include <algorithm>
#include <utility>

#include "core/journal/big-endian.h"
#include "core/tree/incremental-tree.h"

namespace kudurru {
namespace {

// A hundred bundles of usual entries: what a ledger with much to do writes in a fraction of a
// second.
constexpr size_t kBytesMax = size_t{8} << 20;

size_t entryBytes(const uint8_t* at) { return size_t{2} + get16(at); }

}  // namespace

void RecentEntries::begin(uint64_t index) {
  if (!chunks_.empty()) bytes_ += chunks_.back().bytes.size();
  while (bytes_ > kBytesMax) {
    bytes_ -= chunks_.front().bytes.size();
    spare_ = std::move(chunks_.front().bytes);
    spare_.clear();
    chunks_.pop_front();
  }
  chunks_.push_back({index, 0, std::exchange(spare_, {})});
}

void RecentEntries::append(uint64_t firstIndex, Bytes entries) {
  if (!chunks_.empty() && chunks_.back().end() != firstIndex) {
    chunks_.clear();
    bytes_ = 0;
  }
  uint64_t index = firstIndex;
  for (size_t at = 0; at < entries.size();) {
    if (chunks_.empty() || index % kTileWidth == 0) begin(index);
    Chunk& chunk = chunks_.back();
    const uint64_t left = kTileWidth - index % kTileWidth;
    size_t end = at;
    uint64_t count = 0;
    for (; count < left && end < entries.size(); ++count) end += entryBytes(&entries[end]);
    chunk.bytes.insert(chunk.bytes.end(), entries.data() + at, entries.data() + end);
    chunk.count += count;
    index += count;
    at = end;
  }
}

bool RecentEntries::read(uint64_t first, uint64_t count, std::vector<uint8_t>* out) const {
  if (count == 0) return true;
  if (chunks_.empty() || first < chunks_.front().first || first >= chunks_.back().end() ||
      count > chunks_.back().end() - first) {
    return false;
  }
  const auto chunk = std::ranges::upper_bound(chunks_, first, {}, &Chunk::first) - 1;
  for (auto from = chunk; count != 0; ++from) {
    size_t at = 0;
    for (uint64_t skipped = from->first; skipped < first; ++skipped) {
      at += entryBytes(&from->bytes[at]);
    }
    size_t end = from->bytes.size();
    const uint64_t taken = std::min(count, from->end() - first);
    if (taken < from->end() - first) {
      end = at;
      for (uint64_t i = 0; i < taken; ++i) end += entryBytes(&from->bytes[end]);
    }
    out->insert(out->end(), from->bytes.data() + at, from->bytes.data() + end);
    first += taken;
    count -= taken;
  }
  return true;
}

}  // namespace kudurru
