// Makes snapshots while the ledger works, and finds at the start the newest that the journal agrees
// with. A snapshot is taken between two groups; its bytes reach the disk a piece at a time, behind
// later groups, after the places that it counts on.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "core/journal/journal.h"
#include "core/ledger/log-state.h"
#include "core/ledger/places.h"
#include "core/ledger/snapshot-files.h"
#include "core/ledger/snapshot.h"

namespace kudurru {

// Where a replay begins.
struct ReplayStart {
  LogState state;
  Position position;
  Position lastGroup;
  PlaceCounts places;
  uint64_t tilesDurable = 0;
  ChunkCounts chunks;
};

class SnapshotKeeper {
 public:
  SnapshotKeeper(Storage& storage, std::string stateFolder, const LedgerId& ledgerId);

  // The newest snapshot that is whole and agrees with the journal's bytes; nothing where there is
  // none. Each that does not is removed and named in `notes`.
  Status find(const Journal& journal, std::optional<ReplayStart>* start,
              std::vector<std::string>* notes);

  // Whether the journal has gone on to another segment since the last snapshot was begun.
  bool isDue(uint32_t segment) const { return !isWriting() && segment != lastSegment_; }
  bool isWriting() const { return files_.isWriting(); }
  void begin(const Snapshot& snapshot);
  // One bounded piece of work; none before all records below the snapshot's are durable.
  // disk-full: given up until the next segment.
  Status step(Places& places, const Journal& journal);
  // What was begun counts on places that are made anew: another is due.
  void giveUp();

 private:
  Status check(const Snapshot& snapshot, const LogState& state, const Journal& journal);
  Status checkGroup(const Record& record, const LogState& state);

  Storage& storage_;
  const std::string stateFolder_;
  const LedgerId ledgerId_;
  SnapshotFiles files_;
  std::optional<uint32_t> lastSegment_;
  uint64_t record_ = 0;  // of the one being written: where its replay goes on
  unsigned filesSynced_ = 0;
};

}  // namespace kudurru
