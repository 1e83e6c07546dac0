// Where things are in the journal: the group of an index, the statement at a sequence number of a
// session, the other records. Memory stays flat: places are in files, found by search.
#pragma once

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

class Places {
 public:
  // `folder` must exist; all begins empty.
  static Status open(Storage& storage, const std::string& folder, std::unique_ptr<Places>* out);

  void addGroup(const GroupPlace& place);
  // The group that holds the index, which is below the tree's size.
  Status findGroup(uint64_t index, GroupPlace* place) const;

  void addRecord(const RecordPlace& place);
  uint64_t recordCount() const { return records_->count(); }
  Status readRecord(uint64_t number, RecordPlace* place) const;

  // `last` is the number of the session's statement before, empty for its first. Gives the number
  // of the new one.
  Status addStatement(std::optional<uint64_t> last, StatementPlace place, uint64_t* number);
  // The statement that covers the sequence number, starting from the session's last.
  Status findStatement(uint64_t last, uint64_t sequence, StatementPlace* place) const;

  Status writeHeld();

 private:
  Places() = default;
  Status readGroup(uint64_t number, GroupPlace* place) const;
  Status readStatement(uint64_t number, StatementPlace* place) const;

  std::unique_ptr<PlaceFile> groups_;
  std::unique_ptr<PlaceFile> records_;
  std::unique_ptr<PlaceFile> statements_;
};

}  // namespace kudurru
