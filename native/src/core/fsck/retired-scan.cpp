#include "core/fsck/retired-scan.h"

#include <algorithm>

#include "core/entry/entry.h"
#include "core/ledger/group.h"
#include "core/tiles/tile-files.h"
#include "core/tree/incremental-tree.h"

namespace kudurru::fsck {
namespace {

// Longer than the longest statement's actions: what goes on for longer is none.
constexpr size_t kHeldBytesMax = size_t{32} << 20;

// By the first bytes, as decodeEntry wants them: array head, version, kind.
bool isAction(Bytes entry) {
  return entry.size() > 2 && entry[2] == static_cast<uint8_t>(EntryKind::kAction);
}

}  // namespace

void RetiredScan::fill(JournalBatch* batch, size_t bytes) {
  while (!ended() && batch->bytes.size() < bytes) {
    if (index_ < end_ && !readBundle()) {
      JournalItem gap;
      gap.isGap = true;
      batch->items.push_back(gap);
      held_.clear();
      cut_ = 0;
      first_ = index_;
      firstOffset_ = 0;
      continue;
    }
    const bool isLast = index_ >= end_ || held_.size() > kHeldBytesMax;
    if (isLast) {
      addGroup(held_.size(), index_, batch);
    } else if (cut_ != 0) {
      addGroup(cut_, cutIndex_, batch);
    }
  }
}

// Takes the entries of the next bundle; false where it is not whole, and it is passed over.
bool RetiredScan::readBundle() {
  const uint64_t begin = index_;
  const std::string path = entryTilePath(begin / kTileWidth, kTileWidth);
  TileFiles files(storage_, folder_, "");
  std::vector<uint8_t> bundle;
  const Status status = files.read(path, &bundle);
  uint64_t place = 0;
  size_t at = 0;
  while (bundle.size() - at >= 2 && place < kTileWidth) {
    const size_t size = size_t{2} + static_cast<size_t>(bundle[at] << 8 | bundle[at + 1]);
    if (size > bundle.size() - at) break;
    if (begin + place < end_) {
      if (!isAction(Bytes(bundle).subspan(at + 2, size - 2))) {
        cut_ = held_.size();
        cutIndex_ = begin + place;
        cutOffset_ = at;
      }
      held_.insert(held_.end(), &bundle[at], &bundle[at] + size);
    }
    at += size;
    ++place;
  }
  index_ = std::min(end_, begin + kTileWidth);
  if (status.ok() && place == kTileWidth && at == bundle.size()) return true;
  Finding finding;
  finding.code = status.ok() ? "bundle-malformed" : "bundle-missing";
  finding.file = path;
  finding.offset = at;
  finding.entry = begin + std::min<uint64_t>(place, kTileWidth - 1);
  finding.message = status.ok() ? "the bundle does not hold 256 entries, which were retired"
                                : "the entries were retired, and " + status.message;
  findings_.add(std::move(finding));
  return false;
}

void RetiredScan::addGroup(size_t bytes, uint64_t end, JournalBatch* batch) {
  if (bytes == 0) return;
  GroupBuilder group;
  group.begin(first_);
  for (size_t at = 0; at < bytes;) {
    const size_t size = static_cast<size_t>(held_[at] << 8 | held_[at + 1]);
    const Bytes entry = Bytes(held_).subspan(at + 2, size);
    group.addEntry(
        [entry](std::vector<uint8_t>& out) { out.insert(out.end(), entry.begin(), entry.end()); });
    at += 2 + size;
  }
  JournalItem item;
  item.isRetired = true;
  item.position.offset = firstOffset_;
  item.payloadAt = batch->bytes.size();
  for (const Bytes part : group.finish({})) {
    batch->bytes.insert(batch->bytes.end(), part.begin(), part.end());
  }
  item.payloadBytes = batch->bytes.size() - item.payloadAt;
  batch->items.push_back(item);
  const bool isAll = bytes == held_.size();
  held_.erase(held_.begin(), held_.begin() + static_cast<ptrdiff_t>(bytes));
  first_ = end;
  firstOffset_ = isAll ? 0 : cutOffset_;
  cut_ = 0;
}

}  // namespace kudurru::fsck
