// Opening a journal. Invariant: what the next append builds on is on the platter, read from there.
#include <cerrno>

#include "core/journal/journal.h"

namespace kudurru {

std::string_view tailReadName(TailRead read) {
  return read == TailRead::kDirect ? "direct" : "dropped-cache";
}

Status Journal::open(Storage& storage, const JournalOptions& options,
                     std::unique_ptr<Journal>* journal, JournalReport* report) {
  *report = {};
  const uint64_t least = kSegmentHeaderBytes + options.reserveBytes + recordBytes(1);
  if (options.segmentBytes < least || options.segmentBytes > UINT32_MAX ||
      options.segmentBytes % kRecordAlignment != 0) {
    return failure(Code::kBadArgument,
                   "segmentBytes " + std::to_string(options.segmentBytes) + " is out of range");
  }
  std::vector<uint32_t> segments;
  Status status = listSegments(storage, options.folder, &segments);
  if (!status.ok()) return status;
  auto opened = std::unique_ptr<Journal>(new Journal(storage, options));
  report->created = segments.empty();
  if (!segments.empty()) opened->firstSegment_ = segments.front();
  status = segments.empty() ? opened->roll() : opened->recover(segments, report);
  if (!status.ok()) return status;
  report->nextRecord = opened->nextRecord_;
  *journal = std::move(opened);
  return {};
}

Status Journal::recover(const std::vector<uint32_t>& segments, JournalReport* report) {
  path_ = options_.folder + "/" + segmentName(segments.back());
  OpenResult opened = storage_.open(path_, OpenMode::kReadWrite);
  if (opened.error != 0) {
    return systemFailure(Code::kFolderUnusable, "cannot open '" + path_ + "'", opened.error);
  }
  file_ = std::move(opened.file);
  // What a killed process left in memory counts only once it is synced: its bytes, and the
  // segment's name, where it died between the rename and the folder's sync. Pages that an earlier
  // failed sync has marked clean are on no disk: they are dropped, for later readers, and not asked
  // below.
  int error = file_->syncData();
  if (error == 0) error = file_->dropCache();
  if (error == 0) error = storage_.syncFolder(options_.folder);
  if (error != 0) return systemFailure(Code::kIoFailed, "cannot sync '" + path_ + "'", error);
  Status status = scanNewest(segments.back(), report);
  if (!status.ok()) return status;
  if (report->tornBytes != 0) status = cutTail();
  if (!status.ok()) return status;
  const IoResult size = file_->size();
  if (size.error != 0)
    return systemFailure(Code::kIoFailed, "cannot inspect '" + path_ + "'", size.error);
  capacity_ = size.value;
  // After a stop record the segment is sealed: later records go to a new one, so that any byte
  // behind a stop record is known for damage. It is begun with the first of them: a start that ends
  // before it changes nothing.
  if (isSealed_) return {};
  status = prepareNext();
  return status.code == Code::kDiskFull ? Status{} : status;
}

// Takes the header of the newest segment, by the highest rung that the file system allows.
Status Journal::openNewest(uint32_t segment, OpenMode* mode, JournalReport* report) {
  std::unique_ptr<SegmentFile> newest;
  *mode = OpenMode::kReadDirect;
  Status status = SegmentFile::open(storage_, {options_.folder, segment, *mode}, &newest);
  if (status.systemError == EINVAL) {
    report->tailRead = TailRead::kDroppedCache;
    *mode = OpenMode::kRead;
    status = SegmentFile::open(storage_, {options_.folder, segment, *mode}, &newest);
  }
  if (!status.ok()) return status;
  header_ = newest->header();
  seed_ = header_.seed();
  return {};
}

Status Journal::scanNewest(uint32_t segment, JournalReport* report) {
  OpenMode mode;
  Status status = openNewest(segment, &mode, report);
  if (!status.ok()) return status;
  JournalReader reader(storage_, options_.folder, options_.ledgerId);
  reader.openWith(mode);
  reader.seek({segment, kSegmentHeaderBytes, header_.firstRecord});
  for (Step step = Step::kRecord; step == Step::kRecord;) {
    Record record;
    status = reader.next(&step, &record);
    if (!status.ok()) return status;
    if (step == Step::kRecord) isSealed_ = record.type == RecordType::kStop;
  }
  report->stoppedCleanly = isSealed_;
  report->tornBytes = reader.tornBytes();
  report->tornAt = reader.position();
  offset_ = reader.position().offset;
  nextRecord_ = durableBefore_ = reader.position().record;
  if (report->stoppedCleanly && report->tornBytes != 0) {
    return failure(Code::kCorrupt, "'" + path_ + "' has bytes at offset " +
                                       std::to_string(offset_) + " behind its stop record");
  }
  const bool isEmpty = nextRecord_ == header_.firstRecord && report->tornBytes == 0;
  return isEmpty && segment > 0 ? scanBeforeEmpty(report) : Status{};
}

// A segment was begun and nothing is in it: the one before it tells how the last run ended.
Status Journal::scanBeforeEmpty(JournalReport* report) {
  const uint32_t before = header_.segment - 1;
  std::unique_ptr<SegmentFile> sealed;
  Status status = SegmentFile::open(storage_, {options_.folder, before}, &sealed);
  if (!status.ok()) return status;
  JournalReader reader(storage_, options_.folder, options_.ledgerId);
  reader.seek({before, kSegmentHeaderBytes, sealed->header().firstRecord});
  reader.limit(nextRecord_);
  for (Step step = Step::kRecord; status.ok() && step == Step::kRecord;) {
    Record record;
    status = reader.next(&step, &record);
    if (step == Step::kRecord) report->stoppedCleanly = record.type == RecordType::kStop;
  }
  return status;
}

// Cuts the torn tail off for good. A crash before the sync leaves the tail, or a shorter file, or
// zeros behind the last record: all three are read the same.
Status Journal::cutTail() {
  int error = file_->truncate(offset_);
  if (error == 0) error = file_->allocate(options_.segmentBytes);
  if (error == ENOSPC || error == EDQUOT) error = 0;  // the segment then ends here
  if (error == 0) error = file_->syncData();
  if (error != 0) return systemFailure(Code::kIoFailed, "cannot cut '" + path_ + "'", error);
  return {};
}

}  // namespace kudurru
