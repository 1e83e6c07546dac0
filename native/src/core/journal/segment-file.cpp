#include "core/journal/segment-file.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "core/journal/crc32c.h"

namespace kudurru {

// The bytes compared with themselves, one further on: as fast as memory is read.
bool allZero(Bytes bytes) {
  return bytes.empty() ||
         (bytes[0] == 0 && std::memcmp(bytes.data(), bytes.data() + 1, bytes.size() - 1) == 0);
}

std::optional<Record> wholeRecord(const SegmentHeader& segment, uint64_t offset, Bytes bytes) {
  const uint32_t seed = segment.seed();
  const auto header = decodeRecordHeader(bytes, seed);
  if (!header || bytes.size() < recordBytes(header->length)) return std::nullopt;
  const uint64_t size = recordBytes(header->length);
  const Bytes payload = bytes.subspan(kRecordHeaderBytes, header->length);
  const Bytes padding = bytes.first(size).subspan(kRecordHeaderBytes + header->length);
  if (crc32c(payload, seed) != header->payloadChecksum || !allZero(padding)) return std::nullopt;
  const Position position{segment.segment, offset, header->number};
  return Record{header->type, position, header->durableBefore, size, payload};
}

Status SegmentFile::open(Storage& storage, const SegmentPath& path,
                         std::unique_ptr<SegmentFile>* out) {
  auto result = std::unique_ptr<SegmentFile>(new SegmentFile());
  result->path_ = path.folder + "/" + segmentName(path.segment);
  result->isDirect_ = path.mode == OpenMode::kReadDirect;
  result->windowBytesLeast_ = path.windowBytes;
  OpenResult opened = storage.open(result->path_, path.mode);
  if (opened.error != 0) {
    return systemFailure(Code::kIoFailed, "cannot open '" + result->path_ + "'", opened.error);
  }
  result->file_ = std::move(opened.file);
  Bytes bytes;
  Status status = result->load(0, kSegmentHeaderBytes, &bytes);
  if (!status.ok()) return status;
  status = decodeSegmentHeader(bytes.first(std::min<size_t>(bytes.size(), kSegmentHeaderBytes)),
                               &result->header_);
  if (status.ok() && result->header_.segment != path.segment) {
    status =
        failure(Code::kCorrupt, "header names segment " + std::to_string(result->header_.segment));
  }
  if (!status.ok()) {
    status.message = "'" + result->path_ + "': " + status.message;
    return status;
  }
  result->seed_ = result->header_.seed();
  *out = std::move(result);
  return {};
}

// Gives the bytes from `offset` on: at least `length`, fewer only where the file ends.
Status SegmentFile::load(uint64_t offset, uint64_t length, Bytes* bytes) {
  if (offset < windowOffset_ || offset + length > windowOffset_ + windowBytes_) {
    const uint64_t start = offset / kDirectAlignment * kDirectAlignment;
    const uint64_t least = std::max(offset + length - start, windowBytesLeast_);
    const uint64_t size = (least + kDirectAlignment - 1) / kDirectAlignment * kDirectAlignment;
    window_.reserve(size);
    const IoResult got = isDirect_ ? readAllDirect(*file_, window_.first(size), start)
                                   : readAll(*file_, window_.first(size), start);
    windowOffset_ = start;
    windowBytes_ = got.error == 0 ? got.value : 0;
    if (got.error != 0) {
      return systemFailure(Code::kIoFailed, "cannot read '" + path_ + "'", got.error);
    }
  }
  const uint64_t before = std::min(offset - windowOffset_, windowBytes_);
  *bytes = std::as_const(window_).first(windowBytes_).subspan(before);
  return {};
}

Status SegmentFile::parse(uint64_t offset, std::optional<Record>* record) {
  record->reset();
  Bytes bytes;
  Status status = load(offset, kRecordHeaderBytes, &bytes);
  if (!status.ok()) return status;
  const auto header = decodeRecordHeader(bytes, seed_);
  if (!header) return {};
  const uint64_t size = recordBytes(header->length);
  const IoResult fileSize = file_->size();
  if (fileSize.error != 0) {
    return systemFailure(Code::kIoFailed, "cannot inspect '" + path_ + "'", fileSize.error);
  }
  if (size > fileSize.value - std::min(fileSize.value, offset)) return {};
  status = load(offset, size, &bytes);
  if (status.ok()) *record = wholeRecord(header_, offset, bytes);
  return status;
}

Status SegmentFile::read(const Position& at, std::optional<Record>* record) {
  Status status = parse(at.offset, record);
  if (status.ok() && *record && (*record)->position.record != at.record) record->reset();
  return status;
}

Status SegmentFile::inspectTail(uint64_t offset, Tail* tail) {
  *tail = {};
  for (uint64_t at = offset;;) {
    Bytes bytes;
    Status status = load(at, kRecordAlignment, &bytes);
    if (!status.ok()) return status;
    if (bytes.empty()) return {};
    const Bytes step = bytes.first(std::min<size_t>(bytes.size(), kRecordAlignment));
    if (allZero(step)) {
      at += step.size();
      continue;
    }
    const auto last = std::find_if(step.rbegin(), step.rend(), [](uint8_t b) { return b != 0; });
    tail->bytes = at + static_cast<uint64_t>(step.rend() - last) - offset;
    std::optional<Record> record;
    status = parse(at, &record);
    if (!status.ok()) return status;
    if (record) tail->durableBefore = std::max(tail->durableBefore, record->durableBefore);
    at += record ? record->bytes : step.size();
    // A good record ends in its own bytes, which may be zeros: they count as written.
    if (record) tail->bytes = at - offset;
  }
}

}  // namespace kudurru
