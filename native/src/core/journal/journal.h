// The append-only file that makes an entry durable. One writer; records in segment files, one
// `fdatasync` for all appended since the last. Room is taken ahead: while the current segment
// fills, the next is already allocated, so that a full disk refuses an append before a byte is
// written. Any failed write or sync is fatal: the object refuses every further call, and what is on
// the platter is decided at the next start, by the same reading code that serves the log. Not
// thread-safe: one thread owns it.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/journal/journal-reader.h"

namespace kudurru {

struct JournalOptions {
  std::string folder;  // must exist; holds nothing but the journal
  LedgerId ledgerId{};
  uint64_t segmentBytes = uint64_t{64} << 20;  // size of a new segment
  // At the end of each segment, kept for a last refusal and the stop record on a full disk.
  uint64_t reserveBytes = uint64_t{64} << 10;
};

// How the newest segment was read when it was decided what the journal holds.
enum class TailRead : uint8_t {
  kDirect,        // from the platter, past the page cache
  kDroppedCache,  // through the page cache, synced and dropped before: the kernel may keep pages
};

std::string_view tailReadName(TailRead read);

// What opening found and did.
struct JournalReport {
  bool created = false;
  bool stoppedCleanly = false;  // the last record is a stop record: nothing was appended since
  uint64_t nextRecord = 0;
  Position tornAt;         // where the cut was made, when tornBytes is not 0
  uint64_t tornBytes = 0;  // cut off: never acknowledged
  TailRead tailRead = TailRead::kDirect;
};

struct AppendOptions {
  RecordType type = RecordType::kGroup;
  std::span<const Bytes> payload;  // written one after the other
  bool fromReserve = false;        // only for what must fit on a full disk
};

class Journal {
 public:
  // Recovers what is there, or begins a journal. Errors: disk-full, journal-io-failed,
  // journal-corrupt, journal-wrong-ledger, journal-unknown-format, state-folder-unusable.
  static Status open(Storage& storage, const JournalOptions& options,
                     std::unique_ptr<Journal>* journal, JournalReport* report);

  // Takes the room for one record of up to this many payload bytes, going on to the next segment if
  // need be: an append of no more then never meets disk-full. Errors: disk-full, record-too-large.
  Status makeRoom(uint64_t payloadBytes, bool fromReserve = false);
  // Writes, without making durable. Errors: disk-full (nothing written), record-too-large, or
  // fatal.
  Status append(const AppendOptions& options, Position* position = nullptr);
  // One fdatasync: all that was appended is durable on return. Any error is fatal.
  Status sync();
  // Appends the stop record, makes all durable and ends the journal. Where nothing was appended
  // since the last one, that one stands.
  Status stop();

  // Allocated room must be turned into written room when it is first used, which a sync waits for
  // longer than for a small record's bytes. So it is written beforehand, with zeros, when there is
  // nothing else to do and records are small. Nothing appended may be unsynced. Any error is fatal.
  bool wantsRoomWritten() const;
  Status writeRoom();

  // The oldest segment that is here; 0 unless segments were retired.
  uint32_t firstSegment() const { return firstSegment_; }
  uint64_t nextRecord() const { return nextRecord_; }
  // Behind the last record; the next one may go to the next segment instead.
  Position position() const { return {header_.segment, offset_, nextRecord_}; }
  // Records below this number are durable: the limit for readers.
  uint64_t durableBefore() const { return durableBefore_; }
  uint64_t payloadBytesMax() const;
  bool nextSegmentReady() const { return next_ != nullptr; }

 private:
  Journal(Storage& storage, const JournalOptions& options);
  Status recover(const std::vector<uint32_t>& segments, JournalReport* report);
  Status openNewest(uint32_t segment, OpenMode* mode, JournalReport* report);
  Status scanNewest(uint32_t segment, JournalReport* report);
  Status scanBeforeEmpty(JournalReport* report);
  Status cutTail();
  Status begin();
  Status prepareNext();
  Status roll();
  Status writeRecord(const AppendOptions& options);
  int writePart(Bytes part, uint64_t* at);
  Status checkOpen() const;
  Status fail(Status status);

  Storage& storage_;
  const JournalOptions options_;
  uint32_t firstSegment_ = 0;
  std::unique_ptr<File> file_;
  std::string path_;
  SegmentHeader header_;
  uint32_t seed_ = 0;
  uint64_t capacity_ = 0;         // bytes allocated to the current segment
  uint64_t offset_ = 0;           // where the next record goes
  uint64_t writtenTo_ = 0;        // up to here the room is written
  uint64_t lastRecordBytes_ = 0;  // 0: none of this run
  uint64_t nextRecord_ = 0;
  uint64_t durableBefore_ = 0;
  bool isSealed_ = false;        // ends in a stop record: the next record opens a segment
  std::unique_ptr<File> next_;   // allocated, not yet named
  std::vector<uint8_t> buffer_;  // of the record under way, gathered and not yet written
  std::optional<Status> ended_;
};

}  // namespace kudurru
