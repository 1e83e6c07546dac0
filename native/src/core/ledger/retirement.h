// Retires segments of a ledger that was just opened: which may go is decided, the record that says
// so is durable, with a snapshot behind it, and then they are moved, one at a time. Whatever a
// crash leaves, the ledger opens, and the same again finishes it.
#pragma once

#include <string>

#include "core/ledger/ledger.h"

namespace kudurru {

struct RetireAsked {
  uint64_t before = 0;      // entries from this index on stay
  uint64_t anchored = 0;    // entries that an anchor covers
  std::string folder;       // absolute; there, and not within the state folder
  bool wasStopped = false;  // the journal ended in order: so it does afterwards
};

class Retirement {
 public:
  explicit Retirement(Ledger& ledger) : ledger_(ledger) {}

  // The ledger has ended then; it keeps its folder's lock. Errors: notFound where no segment may
  // go, badArgument for a folder that an unfinished retirement does not name, disk-full.
  Status begin(const RetireAsked& asked);
  const RetiredMark& mark() const { return mark_; }
  // Segments still to be moved.
  uint32_t left() const { return mark_.nextSegment() - next_; }
  Status moveNext(uint64_t* bytes);

 private:
  Status choose(const RetireAsked& asked);
  Status measure();
  Status carry();
  Status append(RecordType type, Bytes bytes);
  Status finish(bool wasStopped);

  Ledger& ledger_;
  RetiredMark mark_;
  uint32_t next_ = 0;
};

}  // namespace kudurru
