// Where things are in the journal: the group of an index, the statement at a sequence number of a
// session, the other records by their type. Memory stays flat: places are in files, found by
// search. A damaged file is noticed (lookupDamaged), and `isDamaged` says so until all are made
// again from the journal.
#pragma once

#include <map>
#include <optional>

#include "core/journal/segment-file.h"
#include "core/ledger/place-file.h"

namespace kudurru {

struct GroupPlace {
  uint64_t firstIndex = 0;
  Position position;
};

// A record that is no group, and the size of the tree when it was written.
struct RecordPlace {
  RecordType type = RecordType::kCheckpoint;
  Position position;
  uint64_t treeSize = 0;
  std::optional<uint64_t> before;  // number of the place of the one of its type before it
};

// A session's statements, the newest first, as a list with long steps: each knows the one before it
// and one much further back, so that any of n is found in about 2 log2 n reads.
struct StatementPlace {
  uint64_t index = 0;
  uint64_t firstSequence = 0;
  uint64_t depth = 0;   // statements of the session before this one
  uint64_t before = 0;  // number of that place; itself at depth 0
  uint64_t jump = 0;
};

struct PlaceCounts {
  uint64_t groups = 0;
  uint64_t records = 0;
  uint64_t statements = 0;
  std::map<uint8_t, uint64_t> lastOfType;  // type of record → number of its newest place
};

class Places {
 public:
  // `folder` must exist. Goes on behind that many places of each; lookupDamaged where there are
  // fewer.
  static Status open(Storage& storage, const std::string& folder, const PlaceCounts& counts,
                     std::unique_ptr<Places>* out);

  PlaceCounts counts() const;
  bool isDamaged() const { return isDamaged_; }
  void noteDamaged() { isDamaged_ = true; }

  void addGroup(const GroupPlace& place);
  // The group that holds the index, which is below the tree's size.
  Status findGroup(uint64_t index, GroupPlace* place) const;

  // `before` is set here.
  void addRecord(RecordPlace place);
  // Of the newest record of the type; empty where there is none.
  std::optional<uint64_t> lastRecord(RecordType type) const;
  Status readRecord(uint64_t number, RecordPlace* place) const;

  // `last` is the number of the session's statement before, empty for its first. Gives the number
  // of the new one.
  uint64_t addStatement(std::optional<uint64_t> last, StatementPlace place);
  // The statement that covers the sequence number, starting from the session's last.
  Status findStatement(uint64_t last, uint64_t sequence, StatementPlace* place) const;

  Status writeHeld();
  // Makes one of the files durable; `file` counts from 0 to kFileCount. disk-full where it cannot.
  static constexpr unsigned kFileCount = 3;
  Status sync(unsigned file);

 private:
  Places() = default;
  Status note(Status status) const;
  Status readGroup(uint64_t number, GroupPlace* place) const;
  Status readStatement(uint64_t number, StatementPlace* place) const;

  std::unique_ptr<PlaceFile> groups_;
  std::unique_ptr<PlaceFile> records_;
  std::unique_ptr<PlaceFile> statements_;
  std::map<uint8_t, uint64_t> lastOfType_;
  mutable bool isDamaged_ = false;
};

}  // namespace kudurru
