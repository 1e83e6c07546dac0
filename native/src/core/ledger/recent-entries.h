// The newest entries in memory, in the form and the chunks of entry bundles (C2SP tlog-tiles), for
// those who read close behind the log: what is written as a file right after it was committed is
// not read back from the journal. Bounded; what is not here stands in the journal.
#pragma once

#include <deque>
#include <vector>

#include "core/bytes.h"

namespace kudurru {

class RecentEntries {
 public:
  // The entries that follow in the log, each after its length (u16).
  void append(uint64_t firstIndex, Bytes entries);
  // Appends `count` entries from `first` on to `out`; false, and nothing, where not all are here.
  bool read(uint64_t first, uint64_t count, std::vector<uint8_t>* out) const;

 private:
  struct Chunk {
    uint64_t first = 0;
    uint64_t count = 0;
    std::vector<uint8_t> bytes;
    uint64_t end() const { return first + count; }
  };

  void begin(uint64_t index);

  std::deque<Chunk> chunks_;    // without a gap; all but the first and the last one a whole bundle
  std::vector<uint8_t> spare_;  // of a chunk that is gone
  size_t bytes_ = 0;
};

}  // namespace kudurru
