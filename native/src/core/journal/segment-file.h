// Reads one segment, record by record, through a bounded window. It trusts nothing it reads: a
// record counts only when its header, its payload and its padding are exactly as written.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "core/journal/aligned-buffer.h"
#include "core/journal/segment.h"

namespace kudurru {

struct Position {
  uint32_t segment = 0;
  uint64_t offset = kSegmentHeaderBytes;
  uint64_t record = 0;  // the number that the record at `offset` has

  bool operator==(const Position&) const = default;
};

struct Record {
  RecordType type = RecordType::kGroup;
  Position position;
  uint64_t durableBefore = 0;
  uint64_t bytes = 0;  // on disk, with header and padding
  Bytes payload;       // valid until the next read
};

// The record at `offset`, of which `bytes` are all; empty unless payload and padding are whole.
std::optional<Record> wholeRecord(const SegmentHeader& segment, uint64_t offset, Bytes bytes);

bool allZero(Bytes bytes);

// What lies behind the last good record of a segment.
struct Tail {
  uint64_t bytes = 0;          // up to the last byte that is not zero; 0 is a clean end
  uint64_t durableBefore = 0;  // the highest that any good record in the tail claims
};

// What is read at once, for a walk and for single records.
constexpr uint64_t kWalkWindowBytes = 256 * 1024;
constexpr uint64_t kRandomWindowBytes = 32 * 1024;

struct SegmentPath {
  std::string folder;
  uint32_t segment = 0;
  OpenMode mode = OpenMode::kRead;  // or kReadDirect
  uint64_t windowBytes = kWalkWindowBytes;
};

class SegmentFile {
 public:
  // `systemError` is ENOENT when there is no such segment, EINVAL when the file system has no
  // direct reads.
  static Status open(Storage& storage, const SegmentPath& path, std::unique_ptr<SegmentFile>* out);

  const SegmentHeader& header() const { return header_; }
  const std::string& path() const { return path_; }

  // Reads record `number` at `offset`; empty where there is none that is whole.
  Status read(const Position& at, std::optional<Record>* record);
  Status inspectTail(uint64_t offset, Tail* tail);
  // Drops what was read ahead: the writer may have gone on since.
  void forget() { windowBytes_ = 0; }

 private:
  SegmentFile() = default;
  Status load(uint64_t offset, uint64_t length, Bytes* bytes);
  Status parse(uint64_t offset, std::optional<Record>* record);

  std::unique_ptr<File> file_;
  std::string path_;
  SegmentHeader header_;
  uint32_t seed_ = 0;
  bool isDirect_ = false;
  uint64_t windowBytesLeast_ = 0;
  AlignedBuffer window_;
  uint64_t windowOffset_ = 0;
  uint64_t windowBytes_ = 0;
};

}  // namespace kudurru
