// Walks the records of a journal from any position, also while a writer in the same process or in
// another appends. Sealed segments must be whole to their last byte; only the newest segment may
// end in a torn tail.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/journal/segment-file.h"

namespace kudurru {

enum class Step : uint8_t {
  kRecord,
  kEnd,   // no more records, or the limit is reached
  kTorn,  // the newest segment ends in bytes that are no record: never acknowledged
};

// The segments that are in the folder, ascending.
Status findSegments(Storage& storage, const std::string& folder, std::vector<uint32_t>* segments);
// The same without gaps: corrupt when one is missing.
Status listSegments(Storage& storage, const std::string& folder, std::vector<uint32_t>* segments);

class JournalReader {
 public:
  JournalReader(Storage& storage, std::string folder, const LedgerId& ledgerId);

  // Goes to the first record of the oldest segment. notFound when there is no segment.
  Status rewind();
  // Goes to a position that an earlier record, or the journal, has given.
  void seek(const Position& position);
  // kReadDirect: what is read is what the platter holds.
  void openWith(OpenMode mode) { mode_ = mode; }
  // Stops before the record of this number: what the writer has made durable.
  void limit(uint64_t record) { limit_ = record; }

  // `record` is valid until the next call.
  Status next(Step* step, Record* record);

  const Position& position() const { return position_; }
  uint64_t tornBytes() const { return tornBytes_; }

 private:
  Status openSegment();
  Status passTail(const Tail& tail, Step* step, std::optional<Record>* record);
  Status passEnd(Step* step, std::optional<Record>* record);

  Storage& storage_;
  const std::string folder_;
  const LedgerId ledgerId_;
  OpenMode mode_ = OpenMode::kRead;
  std::unique_ptr<SegmentFile> segment_;
  Position position_;
  uint64_t limit_ = UINT64_MAX;
  uint64_t tornBytes_ = 0;
};

}  // namespace kudurru
