#include "core/journal/journal.h"

#include <algorithm>
#include <cerrno>

#include "core/journal/crc32c.h"

namespace kudurru {
namespace {

// A part of a record this long is written from where it stands.
constexpr size_t kCopiedBytesMax = size_t{16} << 10;
constexpr size_t kGatheredBytesMax = size_t{256} << 10;
// Room that is written at once, with how much left, and behind records of up to which length: a
// thousand lone submissions wait for one such write, and groups of many for none.
constexpr uint64_t kRoomBytes = uint64_t{1} << 20;
constexpr uint64_t kRoomLeftBytes = uint64_t{64} << 10;
constexpr uint64_t kSmallRecordBytes = uint64_t{16} << 10;

bool isNoRoom(int error) { return error == ENOSPC || error == EDQUOT; }

}  // namespace

Journal::Journal(Storage& storage, const JournalOptions& options)
    : storage_(storage), options_(options) {}

uint64_t Journal::payloadBytesMax() const {
  const uint64_t taken = kSegmentHeaderBytes + options_.reserveBytes + kRecordHeaderBytes;
  return (options_.segmentBytes - taken) / kRecordAlignment * kRecordAlignment;
}

Status Journal::checkOpen() const {
  if (!ended_) return {};
  return failure(Code::kClosed, "the journal has ended: " + ended_->message);
}

Status Journal::fail(Status status) {
  ended_ = status;
  return status;
}

Status Journal::makeRoom(uint64_t payloadBytes, bool fromReserve) {
  Status status = checkOpen();
  if (!status.ok()) return status;
  if (payloadBytes > payloadBytesMax()) {
    return failure(Code::kTooLarge, "a record of " + std::to_string(payloadBytes) +
                                        " bytes is over the limit of " +
                                        std::to_string(payloadBytesMax()));
  }
  const uint64_t kept = fromReserve ? 0 : options_.reserveBytes;
  const bool fits = offset_ + recordBytes(payloadBytes) + kept <= capacity_;
  return fits && !isSealed_ ? Status{} : roll();
}

Status Journal::append(const AppendOptions& options, Position* position) {
  uint64_t length = 0;
  for (const Bytes part : options.payload) length += part.size();
  Status status = makeRoom(length, options.fromReserve);
  if (!status.ok()) return status;
  if (position != nullptr) *position = {header_.segment, offset_, nextRecord_};
  return writeRecord(options);
}

Status Journal::writeRecord(const AppendOptions& options) {
  uint64_t length = 0;
  uint32_t checksum = seed_;
  for (const Bytes part : options.payload) {
    length += part.size();
    checksum = crc32c(part, checksum);
  }
  RecordHeader header;
  header.type = options.type;
  header.length = static_cast<uint32_t>(length);
  header.payloadChecksum = checksum;
  header.number = nextRecord_;
  header.durableBefore = durableBefore_;
  const RecordHeaderBytes head = encodeRecordHeader(header, seed_);
  buffer_.assign(head.begin(), head.end());
  uint64_t at = offset_;
  int error = 0;
  for (const Bytes part : options.payload) {
    if (error == 0) error = writePart(part, &at);
  }
  buffer_.resize(buffer_.size() + (recordBytes(length) - kRecordHeaderBytes - length));
  if (error == 0) error = writeAll(*file_, buffer_, at);
  if (error != 0) {
    return fail(systemFailure(Code::kIoFailed, "cannot write '" + path_ + "'", error));
  }
  lastRecordBytes_ = recordBytes(length);
  offset_ += lastRecordBytes_;
  ++nextRecord_;
  return {};
}

// Small parts are gathered, so that a small record is one write; a long one is not copied.
int Journal::writePart(Bytes part, uint64_t* at) {
  if (part.size() < kCopiedBytesMax) {
    buffer_.insert(buffer_.end(), part.begin(), part.end());
    if (buffer_.size() < kGatheredBytesMax) return 0;
    part = {};
  }
  for (const Bytes bytes : {Bytes(buffer_), part}) {
    const int error = writeAll(*file_, bytes, *at);
    if (error != 0) return error;
    *at += bytes.size();
  }
  buffer_.clear();
  return 0;
}

bool Journal::wantsRoomWritten() const {
  const bool isSmall = lastRecordBytes_ != 0 && lastRecordBytes_ <= kSmallRecordBytes;
  return isSmall && !ended_ && !isSealed_ && durableBefore_ == nextRecord_ &&
         writtenTo_ < std::min(capacity_, offset_ + kRoomLeftBytes);
}

Status Journal::writeRoom() {
  Status status = checkOpen();
  if (!status.ok() || !wantsRoomWritten()) return status;
  const uint64_t from = std::max(writtenTo_, offset_);
  const std::vector<uint8_t> zeros(std::min(kRoomBytes, capacity_ - from));
  int error = writeAll(*file_, zeros, from);
  if (error == 0) error = file_->syncData();
  if (error != 0) {
    return fail(systemFailure(Code::kIoFailed, "cannot write '" + path_ + "'", error));
  }
  writtenTo_ = from + zeros.size();
  return {};
}

Status Journal::sync() {
  Status status = checkOpen();
  if (!status.ok() || durableBefore_ == nextRecord_) return status;
  const int error = file_->syncData();
  if (error != 0) {
    return fail(systemFailure(Code::kIoFailed, "cannot sync '" + path_ + "'", error));
  }
  durableBefore_ = nextRecord_;
  return {};
}

// All before the stop record is durable first, so that the stop record vouches for it.
Status Journal::stop() {
  Status status = sync();
  if (status.ok() && !isSealed_) status = append({RecordType::kStop, {}, true});
  if (status.ok()) status = sync();
  if (!status.ok()) return status;
  ended_ = failure(Code::kClosed, "it was stopped");
  file_.reset();
  next_.reset();
  const int removed = storage_.unlink(options_.folder + "/" + kNextSegmentName);
  if (removed != 0 && removed != ENOENT) {
    return systemFailure(Code::kIoFailed, "cannot remove the unused segment", removed);
  }
  return {};
}

// Takes the room for the next segment under a temporary name. A crash here leaves a file that the
// next start takes over.
Status Journal::prepareNext() {
  if (next_) return {};
  const std::string path = options_.folder + "/" + kNextSegmentName;
  OpenResult opened = storage_.open(path, OpenMode::kCreate);
  int error = opened.error;
  if (error == 0) error = opened.file->truncate(0);
  if (error == 0) error = opened.file->allocate(options_.segmentBytes);
  if (error == 0) {
    next_ = std::move(opened.file);
    return {};
  }
  if (!isNoRoom(error)) {
    const Code code = error == EOPNOTSUPP || error == EACCES || error == EROFS
                          ? Code::kFolderUnusable
                          : Code::kIoFailed;
    return fail(systemFailure(code, "cannot allocate '" + path + "'", error));
  }
  opened.file.reset();
  const int removed = storage_.unlink(path);
  if (removed != 0 && removed != ENOENT) {
    return fail(systemFailure(Code::kIoFailed, "cannot remove '" + path + "'", removed));
  }
  return systemFailure(Code::kDiskFull, "no room for the next journal segment", error);
}

// Goes on to the next segment. Crash states: before the rename the old segment is the newest, and a
// stray next segment is taken over; after it the new one is, and the old one is whole, since it was
// synced first. The old one's unused room is given back last; zeros left there do no harm.
Status Journal::roll() {
  Status status = prepareNext();
  if (!status.ok()) return status;
  if (file_) status = sync();
  if (!status.ok()) return status;
  SegmentHeader header;
  header.ledgerId = options_.ledgerId;
  header.segment = file_ ? header_.segment + 1 : 0;
  header.firstRecord = nextRecord_;
  const std::string path = options_.folder + "/" + segmentName(header.segment);
  int error = storage_.fillRandom(header.salt);
  if (error == 0) error = writeAll(*next_, encodeSegmentHeader(header), 0);
  if (error == 0) error = next_->syncData();
  if (error == 0) error = storage_.rename(options_.folder + "/" + kNextSegmentName, path);
  if (error == 0) error = storage_.syncFolder(options_.folder);
  if (error == 0 && file_) error = file_->truncate(offset_);
  if (error != 0) return fail(systemFailure(Code::kIoFailed, "cannot begin '" + path + "'", error));
  file_ = std::move(next_);
  path_ = path;
  header_ = header;
  seed_ = header.seed();
  capacity_ = options_.segmentBytes;
  offset_ = kSegmentHeaderBytes;
  writtenTo_ = 0;
  isSealed_ = false;
  status = prepareNext();
  return status.code == Code::kDiskFull ? Status{} : status;  // this segment still has room
}

}  // namespace kudurru
