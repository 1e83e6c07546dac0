// Reads one journal segment for a check: records where they should be, and, behind damage, where
// the next whole one is. Unlike SegmentFile it goes on with a damaged header: its salt may be good.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/journal/segment-file.h"

namespace kudurru::fsck {

class SegmentScan {
 public:
  static Status open(Storage& storage, const std::string& folder, uint32_t segment,
                     std::unique_ptr<SegmentScan>* out);

  const SegmentHeader& header() const { return header_; }
  // What is wrong with the header; ok when it is whole.
  const Status& headerStatus() const { return headerStatus_; }
  uint64_t size() const { return size_; }

  // The record at `offset`, whatever its number; empty unless it is whole. Valid until the next
  // call.
  Status read(uint64_t offset, std::optional<Record>* record);
  // The same at the first 8-byte boundary from `offset` on that has a whole record of at least this
  // number.
  Status find(uint64_t offset, uint64_t numberMin, std::optional<Record>* record);
  // The record header at `offset` by itself; empty when it is not whole.
  Status readHeader(uint64_t offset, std::optional<RecordHeader>* header);
  // Behind the last byte that is not zero; `offset` where there is none.
  Status writtenEnd(uint64_t offset, uint64_t* end);
  // Whether some sector from `offset` to `end`, or the part of it that lies there, is all zeros:
  // what a write that was cut off leaves.
  Status lacksSector(uint64_t offset, uint64_t end, bool* lacks);

  // Drops what was read ahead: a writer may have gone on since.
  void forget() { windowBytes_ = 0; }

 private:
  SegmentScan() = default;
  Status load(uint64_t offset, uint64_t length, Bytes* bytes);
  void readSegmentHeader(Bytes bytes, uint32_t segment);

  std::unique_ptr<File> file_;
  std::string path_;
  SegmentHeader header_;
  Status headerStatus_;
  uint32_t seed_ = 0;
  uint64_t size_ = 0;
  std::vector<uint8_t> window_;
  uint64_t windowOffset_ = 0;
  uint64_t windowBytes_ = 0;
};

}  // namespace kudurru::fsck
