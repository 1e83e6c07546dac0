// One file of the simulated disk, twice: what reads see (the page cache) and what the platter
// holds, with the sectors between the two.
#pragma once

#include <functional>
#include <set>
#include <vector>

#include "core/bytes.h"
#include "random.h"

namespace kudurru::sim {

constexpr size_t kSectorBytes = 512;

// Whether the next pending piece outlives the power cut.
using Survival = std::function<bool()>;

class Inode {
 public:
  bool locked = false;  // flock; ends with the process

  uint64_t size() const { return cache_.size(); }
  uint64_t platterBytes() const { return platter_.size(); }
  Bytes cached() const { return cache_; }
  size_t read(MutableBytes bytes, uint64_t offset) const;
  // Past the cache, as O_DIRECT: pages that wait to be written are, all others are not asked.
  size_t readPlatter(MutableBytes bytes, uint64_t offset);
  void write(Bytes bytes, uint64_t offset);
  void resize(uint64_t size);

  // The platter holds what the cache holds.
  void sync();
  // Some of it; every page passes for clean all the same, as Linux has it after a failed fsync.
  void failSync(Random& random);
  // The kernel writes some pages by itself.
  void writeBack(Random& random);
  // Clean pages are read from the platter the next time.
  void dropCache();
  // Only the platter is left, with those pending pieces that survive.
  void cutPower(const Survival& survives);

  // What a lying disk does. The drive says that it has these bytes, and has them not.
  void loseWrite(Bytes bytes, uint64_t offset);
  // Other bytes come to lie here, behind the cache's back.
  void damage(Bytes bytes, uint64_t offset);
  // One bit of what was written. False where nothing was.
  bool flipBit(Random& random);

 private:
  void keepSector(uint64_t sector);
  void forgetStale(uint64_t sector);

  std::vector<uint8_t> cache_;
  std::vector<uint8_t> platter_;
  std::set<uint64_t> dirty_;  // sectors to be written
  std::set<uint64_t> stale_;  // sectors that pass for written, and the platter has other bytes
};

}  // namespace kudurru::sim
