#include "core/fsck/segment-scan.h"

#include <algorithm>

#include "core/journal/big-endian.h"

namespace kudurru::fsck {
namespace {

constexpr uint64_t kWindowBytes = uint64_t{1} << 20;
constexpr uint64_t kSectorBytes = 512;

}  // namespace

Status SegmentScan::open(Storage& storage, const std::string& folder, uint32_t segment,
                         std::unique_ptr<SegmentScan>* out) {
  auto scan = std::unique_ptr<SegmentScan>(new SegmentScan());
  scan->path_ = folder + "/" + segmentName(segment);
  OpenResult opened = storage.open(scan->path_, OpenMode::kRead);
  IoResult size{opened.error, 0};
  if (size.error == 0) size = opened.file->size();
  if (size.error != 0) {
    return systemFailure(Code::kIoFailed, "cannot open '" + scan->path_ + "'", size.error);
  }
  scan->file_ = std::move(opened.file);
  scan->size_ = size.value;
  Bytes bytes;
  Status status = scan->load(0, kSegmentHeaderBytes, &bytes);
  if (!status.ok()) return status;
  scan->readSegmentHeader(bytes.first(std::min<size_t>(bytes.size(), kSegmentHeaderBytes)),
                          segment);
  *out = std::move(scan);
  return {};
}

void SegmentScan::readSegmentHeader(Bytes bytes, uint32_t segment) {
  headerStatus_ = decodeSegmentHeader(bytes, &header_);
  if (headerStatus_.ok() && header_.segment != segment) {
    headerStatus_ =
        failure(Code::kCorrupt, "the header names segment " + std::to_string(header_.segment));
  }
  if (bytes.size() < kSegmentHeaderBytes) return;
  // Taken as they are: whether they are good shows in the records.
  std::copy_n(bytes.begin() + 24, header_.ledgerId.size(), header_.ledgerId.begin());
  std::copy_n(bytes.begin() + 56, header_.salt.size(), header_.salt.begin());
  seed_ = header_.seed();
}

// Gives the bytes from `offset` on: at least `length`, fewer only where the file ends.
Status SegmentScan::load(uint64_t offset, uint64_t length, Bytes* bytes) {
  const uint64_t end = windowOffset_ + windowBytes_;
  if (windowBytes_ == 0 || offset < windowOffset_ || offset + length > end) {
    const size_t wanted = std::max(length, kWindowBytes);
    if (window_.size() < wanted) window_.resize(wanted);
    const IoResult got = readAll(*file_, MutableBytes(window_).first(wanted), offset);
    if (got.error != 0) {
      return systemFailure(Code::kIoFailed, "cannot read '" + path_ + "'", got.error);
    }
    windowOffset_ = offset;
    windowBytes_ = got.value;
  }
  *bytes = Bytes(window_).first(windowBytes_).subspan(offset - windowOffset_);
  return {};
}

Status SegmentScan::readHeader(uint64_t offset, std::optional<RecordHeader>* header) {
  Bytes bytes;
  Status status = load(offset, kRecordHeaderBytes, &bytes);
  *header = status.ok() ? decodeRecordHeader(bytes, seed_) : std::nullopt;
  return status;
}

Status SegmentScan::read(uint64_t offset, std::optional<Record>* record) {
  record->reset();
  std::optional<RecordHeader> header;
  Status status = readHeader(offset, &header);
  if (!status.ok() || !header) return status;
  const uint64_t size = recordBytes(header->length);
  if (offset + size > size_) {
    const IoResult now = file_->size();  // a writer may have gone on
    if (now.error == 0) size_ = now.value;
    if (offset + size > size_) return {};
  }
  Bytes bytes;
  status = load(offset, size, &bytes);
  if (status.ok()) *record = wholeRecord(header_, offset, bytes);
  return status;
}

Status SegmentScan::find(uint64_t offset, uint64_t numberMin, std::optional<Record>* record) {
  for (; offset + kRecordHeaderBytes <= size_; offset += kRecordAlignment) {
    Status status = read(offset, record);
    if (!status.ok()) return status;
    if (*record && (*record)->position.record >= numberMin) return {};
  }
  record->reset();
  return {};
}

Status SegmentScan::writtenEnd(uint64_t offset, uint64_t* end) {
  *end = offset;
  for (uint64_t at = offset; at < size_;) {
    Bytes bytes;
    Status status = load(at, 1, &bytes);
    if (!status.ok()) return status;
    if (bytes.empty()) return {};
    if (allZero(bytes)) {
      at += bytes.size();
      continue;
    }
    const auto last = std::find_if(bytes.rbegin(), bytes.rend(), [](uint8_t b) { return b != 0; });
    *end = at + static_cast<uint64_t>(bytes.rend() - last);
    at += bytes.size();
  }
  return {};
}

Status SegmentScan::lacksSector(uint64_t offset, uint64_t end, bool* lacks) {
  *lacks = end > size_;
  for (uint64_t at = offset; !*lacks && at < end;) {
    const uint64_t next = std::min(end, (at / kSectorBytes + 1) * kSectorBytes);
    Bytes bytes;
    Status status = load(at, next - at, &bytes);
    if (!status.ok()) return status;
    *lacks = bytes.size() < next - at || allZero(bytes.first(next - at));
    at = next;
  }
  return {};
}

}  // namespace kudurru::fsck
