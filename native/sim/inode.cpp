#include "inode.h"

#include <algorithm>

namespace kudurru::sim {
namespace {

// Calls `take(sector)` for each sector that the range touches.
template <class Take>
void forSectors(uint64_t offset, uint64_t length, Take&& take) {
  if (length == 0) return;
  for (uint64_t sector = offset / kSectorBytes; sector <= (offset + length - 1) / kSectorBytes;
       ++sector) {
    take(sector);
  }
}

}  // namespace

size_t Inode::read(MutableBytes bytes, uint64_t offset) const {
  if (offset >= cache_.size()) return 0;
  const size_t count = std::min<size_t>(bytes.size(), cache_.size() - offset);
  std::copy_n(cache_.begin() + static_cast<ptrdiff_t>(offset), count, bytes.begin());
  return count;
}

size_t Inode::readPlatter(MutableBytes bytes, uint64_t offset) {
  if (offset >= cache_.size()) return 0;
  const size_t count = std::min<size_t>(bytes.size(), cache_.size() - offset);
  forSectors(offset, count, [this](uint64_t sector) {
    const bool fits = (sector + 1) * kSectorBytes <= platter_.size();
    if (fits && dirty_.erase(sector) != 0) keepSector(sector);
  });
  for (size_t at = 0; at < count; ++at) {
    const uint64_t byte = offset + at;
    const bool isDirty = dirty_.contains(byte / kSectorBytes);
    bytes[at] = isDirty ? cache_[byte] : byte < platter_.size() ? platter_[byte] : uint8_t{0};
  }
  return count;
}

void Inode::write(Bytes bytes, uint64_t offset) {
  if (cache_.size() < offset + bytes.size()) cache_.resize(offset + bytes.size());
  std::ranges::copy(bytes, cache_.begin() + static_cast<ptrdiff_t>(offset));
  forSectors(offset, bytes.size(), [this](uint64_t sector) {
    stale_.erase(sector);
    dirty_.insert(sector);
  });
}

// What is cut off and grown again holds zeros: that is a change of those sectors, too.
void Inode::resize(uint64_t size) {
  const uint64_t before = cache_.size();
  cache_.resize(size);
  if (size >= before) return;
  forSectors(size, std::max(before, uint64_t{platter_.size()}) - size, [this](uint64_t sector) {
    stale_.erase(sector);
    dirty_.insert(sector);
  });
}

// Copies one sector of the cache to the platter, as far as the platter's file reaches.
void Inode::keepSector(uint64_t sector) {
  const size_t from = sector * kSectorBytes;
  const size_t to = std::min(from + kSectorBytes, platter_.size());
  for (size_t at = from; at < to; ++at) platter_[at] = at < cache_.size() ? cache_[at] : 0;
}

void Inode::forgetStale(uint64_t sector) {
  const size_t from = sector * kSectorBytes;
  const size_t to = std::min(from + kSectorBytes, cache_.size());
  for (size_t at = from; at < to; ++at) cache_[at] = at < platter_.size() ? platter_[at] : 0;
}

void Inode::sync() {
  platter_.resize(cache_.size());
  for (const uint64_t sector : dirty_) keepSector(sector);
  dirty_.clear();
}

void Inode::failSync(Random& random) {
  if (random.percent(50)) platter_.resize(cache_.size());
  for (const uint64_t sector : dirty_) {
    if (random.percent(50)) {
      keepSector(sector);
    } else {
      stale_.insert(sector);
    }
  }
  dirty_.clear();
}

void Inode::writeBack(Random& random) {
  if (random.percent(50)) platter_.resize(cache_.size());
  std::set<uint64_t> left;
  for (const uint64_t sector : dirty_) {
    const bool fits = (sector + 1) * kSectorBytes <= platter_.size();
    if (fits && random.percent(50)) {
      keepSector(sector);
    } else {
      left.insert(sector);
    }
  }
  dirty_ = std::move(left);
}

void Inode::dropCache() {
  for (const uint64_t sector : stale_) forgetStale(sector);
  stale_.clear();
}

void Inode::cutPower(const Survival& survives) {
  if (cache_.size() != platter_.size() && survives()) platter_.resize(cache_.size());
  for (const uint64_t sector : dirty_) {
    if (survives()) keepSector(sector);
  }
  dirty_.clear();
  stale_.clear();
  cache_ = platter_;
  locked = false;
}

void Inode::loseWrite(Bytes bytes, uint64_t offset) {
  write(bytes, offset);
  forSectors(offset, bytes.size(), [this](uint64_t sector) {
    dirty_.erase(sector);
    stale_.insert(sector);
  });
}

void Inode::damage(Bytes bytes, uint64_t offset) {
  for (size_t at = 0; at < bytes.size() && offset + at < platter_.size(); ++at) {
    platter_[offset + at] = bytes[at];
  }
  forSectors(offset, bytes.size(), [this](uint64_t sector) {
    if (!dirty_.contains(sector)) stale_.insert(sector);
  });
}

bool Inode::flipBit(Random& random) {
  const uint64_t from = random.below(platter_.size());
  for (uint64_t step = 0; step < platter_.size(); ++step) {
    const uint64_t at = (from + step) % platter_.size();
    if (platter_[at] == 0) continue;
    const uint8_t flipped = static_cast<uint8_t>(platter_[at] ^ (1u << random.below(8)));
    damage(Bytes(&flipped, 1), at);
    return true;
  }
  return false;
}

}  // namespace kudurru::sim
