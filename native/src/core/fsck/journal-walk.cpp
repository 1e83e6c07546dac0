#include "core/fsck/journal-walk.h"

#include <algorithm>
#include <optional>

#include "core/entry/entry-fields.h"
#include "core/hash/sha256.h"
#include "core/journal/journal-reader.h"
#include "core/ledger/group.h"

namespace kudurru::fsck {
namespace {

// The first group of the log begins with the record that the ledger's id is the hash of.
std::optional<LedgerId> ledgerOfGenesis(SegmentScan& segment) {
  uint64_t offset = kSegmentHeaderBytes;
  for (;;) {
    std::optional<Record> record;
    if (!segment.read(offset, &record).ok() || !record) return std::nullopt;
    offset += record->bytes;
    if (record->type != RecordType::kGroup) continue;
    const auto group = GroupView::parse(record->payload);
    if (!group || group->firstIndex() != 0) return std::nullopt;
    const auto entry = decodeEntry(group->entry(0));
    if (!entry || entry->head.kind != EntryKind::kGenesis) return std::nullopt;
    const auto provisioning = readProvisioningRecord(entry->fields);
    return provisioning ? std::optional<LedgerId>(sha256(*provisioning)) : std::nullopt;
  }
}

std::string countOf(uint64_t count, const char* one) {
  return std::to_string(count) + " " + one + (count == 1 ? "" : "s");
}

}  // namespace

JournalWalk::JournalWalk(Storage& storage, std::string folder, Findings& findings)
    : storage_(storage), folder_(std::move(folder)), findings_(findings) {}

Status JournalWalk::begin(LedgerId* ledgerId) {
  Status status = findSegments(storage_, folder_, &segments_);
  if (status.ok() && segments_.empty()) {
    return failure(Code::kNotFound, "no journal segment in '" + folder_ + "'");
  }
  std::optional<LedgerId> named;
  for (const uint32_t segment : segments_) {
    std::unique_ptr<SegmentScan> scan;
    if (status.ok()) status = SegmentScan::open(storage_, folder_, segment, &scan);
    if (!status.ok()) return status;
    facts_.bytesTotal += scan->size();
    if (named || !scan->headerStatus().ok()) continue;
    named = scan->header().ledgerId;
  }
  if (!status.ok()) return status;
  std::unique_ptr<SegmentScan> first;
  status = SegmentScan::open(storage_, folder_, segments_.front(), &first);
  if (!status.ok()) return status;
  const auto founded = ledgerOfGenesis(*first);
  ledgerId_ = founded ? *founded : named.value_or(first->header().ledgerId);
  *ledgerId = ledgerId_;
  position_ = {segments_.front(), kSegmentHeaderBytes, 0};
  HeldRange held;
  const bool isCut = segments_.front() != 0;
  if (isCut && findHeld(storage_, {folder_, segments_.front()}, ledgerId_, &held).ok()) {
    held_ = held;
  }
  return {};
}

Status JournalWalk::resume(const JournalFacts& facts) {
  const uint64_t bytesTotal = facts_.bytesTotal;
  facts_ = facts;
  facts_.bytesTotal = bytesTotal;
  position_ = facts.end;
  const auto found = std::ranges::find(segments_, position_.segment);
  if (found == segments_.end()) {
    return failure(Code::kNotFound, "segment " + std::to_string(position_.segment) + " is gone");
  }
  at_ = static_cast<size_t>(found - segments_.begin());
  const uint64_t record = position_.record;
  const uint64_t offset = position_.offset;
  Status status = openSegment();
  position_.record = record;
  position_.offset = offset;
  return status;
}

Status JournalWalk::fill(JournalBatch* batch, size_t bytes) {
  while (!ended_ && batch->bytes.size() < bytes) {
    Status status = segment_ ? Status{} : openSegment();
    if (status.ok()) status = step(batch);
    if (!status.ok()) return status;
  }
  return {};
}

Status JournalWalk::openSegment() {
  const uint32_t number = segments_[at_];
  Status status = SegmentScan::open(storage_, folder_, number, &segment_);
  if (!status.ok()) return status;
  const Status& header = segment_->headerStatus();
  position_ = {number, kSegmentHeaderBytes, position_.record};
  std::optional<Record> first;
  if (at_ == 0) status = segment_->read(kSegmentHeaderBytes, &first);
  if (!status.ok()) return status;
  if (first) position_.record = first->position.record;
  if (!header.ok()) {
    findings_.add(damageAt({number, 0, position_.record}, "segment-header-damaged",
                           "the header of the segment is damaged: " + header.message));
  } else if (segment_->header().ledgerId != ledgerId_) {
    findings_.add(damageAt({number, 0, position_.record}, "wrong-ledger",
                           "the segment belongs to another ledger"));
  }
  return {};
}

Status JournalWalk::step(JournalBatch* batch) {
  std::optional<Record> record;
  Status status = segment_->read(position_.offset, &record);
  if (!status.ok()) return status;
  if (!record || record->position.record != position_.record) return passEnd(batch);
  take(*record, batch);
  return {};
}

void JournalWalk::take(const Record& record, JournalBatch* batch) {
  isInGap_ = false;
  ++facts_.records;
  facts_.stoppedCleanly = record.type == RecordType::kStop;
  facts_.bytesDone += record.bytes;
  JournalItem item;
  item.type = record.type;
  item.position = {position_.segment, record.position.offset, record.position.record};
  item.payloadAt = batch->bytes.size();
  item.payloadBytes = record.payload.size();
  batch->bytes.insert(batch->bytes.end(), record.payload.begin(), record.payload.end());
  batch->items.push_back(item);
  position_.offset = record.position.offset + record.bytes;
  position_.record = record.position.record + 1;
  facts_.end = position_;
}

// No record here: the end of the segment, of the journal, or damage. The folder is listed again
// first, since a writer may have gone on to the next segment between our two looks.
Status JournalWalk::passEnd(JournalBatch* batch) {
  Status status = isNewest() ? listAgain() : Status{};
  bool found = false;
  if (status.ok()) status = lookAgain(batch, &found);
  if (!status.ok() || found) return status;
  uint64_t end = 0;
  status = segment_->writtenEnd(position_.offset, &end);
  if (!status.ok()) return status;
  if (end != position_.offset) return isNewest() ? passTail(batch) : passDamage(batch, end);
  if (!isNewest()) return passSealedEnd(batch);
  ended_ = true;
  return {};
}

// Takes the record that is due, if a writer in another process has finished it since it was read.
Status JournalWalk::lookAgain(JournalBatch* batch, bool* found) {
  segment_->forget();
  std::optional<Record> record;
  Status status = segment_->read(position_.offset, &record);
  *found = record && record->position.record == position_.record;
  if (status.ok() && *found) take(*record, batch);
  return status;
}

Status JournalWalk::listAgain() {
  const uint32_t number = segments_[at_];
  Status status = findSegments(storage_, folder_, &segments_);
  const auto found = std::ranges::find(segments_, number);
  if (status.ok() && found == segments_.end()) {
    return failure(Code::kNotFound, "segment " + std::to_string(number) + " went away");
  }
  at_ = static_cast<size_t>(found - segments_.begin());
  return status;
}

Status JournalWalk::passSealedEnd(JournalBatch* batch) {
  const uint32_t number = segments_[at_];
  const uint32_t next = segments_[++at_];
  facts_.bytesDone += kSegmentHeaderBytes;
  std::unique_ptr<SegmentScan> scan;
  Status status = SegmentScan::open(storage_, folder_, next, &scan);
  if (!status.ok()) return status;
  const Position here = position_;
  for (uint32_t missing = number + 1; missing < next; ++missing) {
    findings_.add(damageAt({missing, 0, here.record}, "segment-missing", "the segment is missing"));
  }
  if (scan->headerStatus().ok() && scan->header().firstRecord != here.record) {
    const uint64_t first = scan->header().firstRecord;
    if (next == number + 1 && !isInGap_) {
      findings_.add(damageAt(here, "record-missing",
                             "the segment ends before record " + std::to_string(here.record) +
                                 ", and the next begins with record " + std::to_string(first)));
    }
    addGap(batch);
    position_.record = std::max(first, here.record);
  }
  segment_.reset();
  return {};
}

// The newest segment ends in bytes that are no whole record: a write that was cut off, which lacks
// a sector, or damage. Before it is called damage it is read once more: a writer may have finished
// it, and others behind it, after the looks that found it unfinished.
Status JournalWalk::passTail(JournalBatch* batch) {
  uint64_t end = 0;
  Status status = segment_->writtenEnd(position_.offset, &end);
  bool isTorn = false;
  bool wasDurable = false;
  if (status.ok() && !facts_.stoppedCleanly) status = judgeTail(&isTorn, &wasDurable);
  bool found = false;
  if (status.ok() && !isTorn) status = lookAgain(batch, &found);
  if (!status.ok() || found) return status;
  if (wasDurable) return passDamage(batch, end);
  ended_ = true;
  if (facts_.stoppedCleanly) {
    findings_.add(damageAt(position_, "bytes-behind-stop",
                           countOf(end - position_.offset, "byte") + " behind the stop record"));
  } else if (isTorn) {
    facts_.tornBytes = end - position_.offset;
  } else {
    findings_.add(damageAt(position_, "record-damaged",
                           "the last record is damaged: it lacks no sector, so it is no write "
                           "that was cut off"));
    addGap(batch);
  }
  return {};
}

// One sync may have been for several records: any later one tells whether this was durable.
Status JournalWalk::judgeTail(bool* isTorn, bool* wasDurable) {
  std::optional<Record> later;
  for (uint64_t at = position_.offset;; at = later->position.offset + later->bytes) {
    Status status = segment_->find(at, position_.record + 1, &later);
    if (!status.ok()) return status;
    if (!later) break;
    *wasDurable = later->durableBefore > position_.record;
    *isTorn = !*wasDurable;
    if (*wasDurable) return {};
  }
  if (*isTorn) return {};
  std::optional<RecordHeader> header;
  Status status = segment_->readHeader(position_.offset, &header);
  if (!status.ok()) return status;
  const uint64_t size = header ? recordBytes(header->length) : kRecordHeaderBytes;
  return segment_->lacksSector(position_.offset, position_.offset + size, isTorn);
}

// Looks for the next whole record of this segment; `end` is behind its last written byte.
Status JournalWalk::passDamage(JournalBatch* batch, uint64_t end) {
  const Position damaged = position_;
  std::optional<Record> next;
  Status status = segment_->find(damaged.offset, damaged.record, &next);
  if (!status.ok()) return status;
  const uint64_t until = next ? next->position.offset : end;
  findings_.add(damageAt(damaged, "record-damaged",
                         countOf(until - damaged.offset, "byte") + " hold no whole record"));
  addGap(batch);
  facts_.bytesDone += until - damaged.offset;
  if (next) {
    take(*next, batch);
    return {};
  }
  // All that was written lies behind us: what follows reads as the segment's end.
  position_.offset = (until + kRecordAlignment - 1) / kRecordAlignment * kRecordAlignment;
  return {};
}

void JournalWalk::addGap(JournalBatch* batch) {
  isInGap_ = true;
  JournalItem gap;
  gap.isGap = true;
  gap.position = position_;
  batch->items.push_back(gap);
}

}  // namespace kudurru::fsck
