// Walks a whole journal, damaged or not: gives every record that is whole, in order, and a gap
// where one or more are not. Trusts nothing but the bytes; another process may be appending.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "core/fsck/finding.h"
#include "core/fsck/segment-scan.h"
#include "core/ledger/retired.h"

namespace kudurru::fsck {

// A record, or a gap: then there is no payload.
struct JournalItem {
  bool isGap = false;
  bool isRetired = false;  // not of the journal: see RetiredScan
  RecordType type = RecordType::kGroup;
  Position position;
  size_t payloadAt = 0;  // in the batch's bytes
  size_t payloadBytes = 0;
};

struct JournalBatch {
  std::vector<uint8_t> bytes;
  std::vector<JournalItem> items;

  Bytes payloadOf(const JournalItem& item) const {
    return Bytes(bytes).subspan(item.payloadAt, item.payloadBytes);
  }
};

struct JournalFacts {
  uint64_t records = 0;    // whole ones
  uint64_t tornBytes = 0;  // behind the last record: a write that was cut off
  Position end;            // behind the last whole record
  bool stoppedCleanly = false;
  uint64_t bytesDone = 0;
  uint64_t bytesTotal = 0;
};

class JournalWalk {
 public:
  // `folder` is the journal's.
  JournalWalk(Storage& storage, std::string folder, Findings& findings);

  // Lists the segments, and names the ledger from the first whole header. notFound without any.
  Status begin(LedgerId* ledgerId);
  // Goes on from a position that `facts().end` had.
  Status resume(const JournalFacts& facts);
  // Adds records of about this many bytes. None is added at the end.
  Status fill(JournalBatch* batch, size_t bytes);

  // Where the journal begins; of the whole log where that cannot be read.
  const HeldRange& held() const { return held_; }
  bool ended() const { return ended_; }
  const JournalFacts& facts() const { return facts_; }

 private:
  Status openSegment();
  Status step(JournalBatch* batch);
  void take(const Record& record, JournalBatch* batch);
  Status passEnd(JournalBatch* batch);
  Status passSealedEnd(JournalBatch* batch);
  Status lookAgain(JournalBatch* batch, bool* found);
  Status passTail(JournalBatch* batch);
  Status judgeTail(bool* isTorn, bool* wasDurable);
  Status passDamage(JournalBatch* batch, uint64_t end);
  void addGap(JournalBatch* batch);
  bool isNewest() const { return at_ + 1 >= segments_.size(); }
  Status listAgain();

  Storage& storage_;
  const std::string folder_;
  Findings& findings_;
  LedgerId ledgerId_{};
  HeldRange held_;
  std::vector<uint32_t> segments_;
  size_t at_ = 0;
  std::unique_ptr<SegmentScan> segment_;
  JournalFacts facts_;
  Position position_;
  bool isInGap_ = false;  // behind damage, and no whole record has come since
  bool ended_ = false;
};

}  // namespace kudurru::fsck
