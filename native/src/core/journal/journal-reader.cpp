#include "core/journal/journal-reader.h"

#include <algorithm>
#include <cerrno>

namespace kudurru {
namespace {

Status damaged(const SegmentFile& segment, const Position& at, const std::string& why) {
  return failure(Code::kCorrupt, "record " + std::to_string(at.record) + " in '" + segment.path() +
                                     "' at offset " + std::to_string(at.offset) + " " + why);
}

}  // namespace

Status findSegments(Storage& storage, const std::string& folder, std::vector<uint32_t>* segments) {
  segments->clear();
  const ListResult listed = storage.list(folder);
  if (listed.error != 0) {
    return systemFailure(Code::kFolderUnusable, "cannot list '" + folder + "'", listed.error);
  }
  for (const std::string& name : listed.names) {
    if (const auto segment = parseSegmentName(name)) segments->push_back(*segment);
  }
  std::ranges::sort(*segments);
  return {};
}

Status listSegments(Storage& storage, const std::string& folder, std::vector<uint32_t>* segments) {
  Status status = findSegments(storage, folder, segments);
  if (!status.ok()) return status;
  for (size_t at = 1; at < segments->size(); ++at) {
    if ((*segments)[at] != (*segments)[at - 1] + 1) {
      const std::string missing = segmentName((*segments)[at - 1] + 1);
      return failure(Code::kCorrupt, "segment '" + folder + "/" + missing + "' is missing");
    }
  }
  return {};
}

JournalReader::JournalReader(Storage& storage, std::string folder, const LedgerId& ledgerId)
    : storage_(storage), folder_(std::move(folder)), ledgerId_(ledgerId) {}

Status JournalReader::rewind() {
  std::vector<uint32_t> segments;
  Status status = listSegments(storage_, folder_, &segments);
  if (!status.ok()) return status;
  if (segments.empty()) return failure(Code::kNotFound, "no journal segment in '" + folder_ + "'");
  seek({segments.front(), kSegmentHeaderBytes, 0});
  status = openSegment();
  if (status.ok()) position_.record = segment_->header().firstRecord;
  return status;
}

void JournalReader::seek(const Position& position) {
  if (segment_ && segment_->header().segment != position.segment) segment_.reset();
  if (segment_) segment_->forget();
  position_ = position;
  tornBytes_ = 0;
}

Status JournalReader::openSegment() {
  std::unique_ptr<SegmentFile> opened;
  Status status = SegmentFile::open(storage_, {folder_, position_.segment, mode_}, &opened);
  if (!status.ok()) return status;
  if (opened->header().ledgerId != ledgerId_) {
    return failure(Code::kWrongLedger, "'" + opened->path() + "' belongs to another ledger");
  }
  segment_ = std::move(opened);
  return {};
}

Status JournalReader::next(Step* step, Record* record) {
  *step = Step::kEnd;
  for (;;) {
    if (position_.record >= limit_) return {};
    if (!segment_) {
      Status status = openSegment();
      if (!status.ok()) return status;
    }
    std::optional<Record> found;
    Status status = segment_->read(position_, &found);
    if (!status.ok()) return status;
    if (!found) {
      const uint32_t segment = position_.segment;
      status = passEnd(step, &found);
      if (!status.ok()) return status;
      if (!found && position_.segment == segment) return {};
    }
    if (!found) continue;
    position_.offset += found->bytes;
    ++position_.record;
    *record = *found;
    *step = Step::kRecord;
    return {};
  }
}

// The newest segment ends here, or holds what was never acknowledged, or is damaged. A writer in
// another process may have written this record while we looked behind it: hence the second look.
Status JournalReader::passTail(const Tail& tail, Step* step, std::optional<Record>* record) {
  if (tail.durableBefore > position_.record) {
    segment_->forget();
    Status status = segment_->read(position_, record);
    if (!status.ok() || *record) return status;
    return damaged(*segment_, position_, "was durable and is damaged: later records are whole");
  }
  tornBytes_ = tail.bytes;
  *step = tail.bytes == 0 ? Step::kEnd : Step::kTorn;
  return {};
}

// There is no record here: the end of the journal, the end of a sealed segment, or damage. The
// next segment is looked for before this one is read again, since the writer may have appended here
// and gone on to the next between our two looks.
Status JournalReader::passEnd(Step* step, std::optional<Record>* record) {
  std::unique_ptr<SegmentFile> next;
  Status status = SegmentFile::open(storage_, {folder_, position_.segment + 1, mode_}, &next);
  const bool isNewest = status.systemError == ENOENT;
  if (!status.ok() && !isNewest) return status;
  segment_->forget();
  status = segment_->read(position_, record);
  if (!status.ok() || *record) return status;
  Tail tail;
  status = segment_->inspectTail(position_.offset, &tail);
  if (!status.ok()) return status;
  if (isNewest) return passTail(tail, step, record);
  if (tail.bytes != 0) return damaged(*segment_, position_, "is damaged in a sealed segment");
  if (next->header().firstRecord != position_.record) {
    return damaged(*segment_, position_,
                   "is missing: the next segment begins with record " +
                       std::to_string(next->header().firstRecord));
  }
  if (next->header().ledgerId != ledgerId_) {
    return failure(Code::kWrongLedger, "'" + next->path() + "' belongs to another ledger");
  }
  segment_ = std::move(next);
  position_ = {segment_->header().segment, kSegmentHeaderBytes, position_.record};
  return {};
}

}  // namespace kudurru
