// Entries of retired segments, read from their published bundles as if they were groups of the
// journal: without bodies, and cut where a statement ends. What proves them is the first group that
// the journal still holds: it continues their chain and gives the root over all.
#pragma once

#include <string>
#include <vector>

#include "core/fsck/journal-walk.h"

namespace kudurru::fsck {

class RetiredScan {
 public:
  RetiredScan(Storage& storage, std::string stateFolder, Findings& findings)
      : storage_(storage), folder_(std::move(stateFolder)), findings_(findings) {}

  // The entries below `end`; none before this is called.
  void readTo(uint64_t end) { end_ = end; }
  bool ended() const { return index_ >= end_ && held_.empty(); }
  // Adds groups of about this many bytes, at least one, or a gap where a bundle is not whole.
  void fill(JournalBatch* batch, size_t bytes);

 private:
  bool readBundle();
  void addGroup(size_t bytes, uint64_t end, JournalBatch* batch);

  Storage& storage_;
  const std::string folder_;
  Findings& findings_;
  uint64_t end_ = 0;
  uint64_t index_ = 0;         // of the next entry to be read
  uint64_t first_ = 0;         // of the first that is held
  uint64_t firstOffset_ = 0;   // its place in its bundle
  std::vector<uint8_t> held_;  // entries, each after its length
  size_t cut_ = 0;             // of these bytes a group can be made,
  uint64_t cutIndex_ = 0;      // up to this entry,
  uint64_t cutOffset_ = 0;     // which has this place in its bundle
};

}  // namespace kudurru::fsck
