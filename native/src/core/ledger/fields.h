// Fixed fields one after the other, big-endian, as the ledger's own files hold them.
#pragma once

#include <algorithm>
#include <optional>
#include <vector>

#include "core/bytes.h"
#include "core/journal/big-endian.h"
#include "core/journal/segment-file.h"

namespace kudurru {

class FieldWriter {
 public:
  explicit FieldWriter(std::vector<uint8_t>& out) : out_(out) {}

  void byte(uint8_t value) { out_.push_back(value); }
  void u16(uint16_t value) { put16(extend(2), value); }
  void u32(uint32_t value) { put32(extend(4), value); }
  void u64(uint64_t value) { put64(extend(8), value); }
  void bytes(Bytes value) { out_.insert(out_.end(), value.begin(), value.end()); }
  // A present one after the byte 1, an absent one as the byte 0.
  void optional(const std::optional<uint64_t>& value) {
    byte(value ? 1 : 0);
    if (value) u64(*value);
  }
  void position(const Position& value) {
    u32(value.segment);
    u64(value.offset);
    u64(value.record);
  }

 private:
  uint8_t* extend(size_t size) {
    out_.resize(out_.size() + size);
    return out_.data() + out_.size() - size;
  }
  std::vector<uint8_t>& out_;
};

// Total: what is not there reads as zero, and `ok` is false from then on.
class FieldReader {
 public:
  explicit FieldReader(Bytes bytes) : left_(bytes) {}

  bool ok() const { return ok_; }
  bool atEnd() const { return ok_ && left_.empty(); }
  void refuse() { ok_ = false; }
  // Whether so many records of at least `size` bytes can follow.
  bool fits(uint64_t count, size_t size) const { return ok_ && count <= left_.size() / size; }

  Bytes bytes(size_t size) {
    ok_ = ok_ && size <= left_.size();
    if (!ok_) return {};
    const Bytes taken = left_.first(size);
    left_ = left_.subspan(size);
    return taken;
  }
  Bytes rest() { return bytes(left_.size()); }
  uint8_t byte() {
    const Bytes taken = bytes(1);
    return ok_ ? taken[0] : 0;
  }
  uint16_t u16() {
    const Bytes taken = bytes(2);
    return ok_ ? get16(taken.data()) : 0;
  }
  uint32_t u32() {
    const Bytes taken = bytes(4);
    return ok_ ? get32(taken.data()) : 0;
  }
  uint64_t u64() {
    const Bytes taken = bytes(8);
    return ok_ ? get64(taken.data()) : 0;
  }
  std::optional<uint64_t> optional() {
    const uint8_t flag = byte();
    if (flag == 0) return std::nullopt;
    ok_ = ok_ && flag == 1;
    return u64();
  }
  Position position() {
    const uint32_t segment = u32();
    const uint64_t offset = u64();
    return {segment, offset, u64()};
  }
  template <size_t Size>
  void into(std::array<uint8_t, Size>& out) {
    const Bytes taken = bytes(Size);
    if (ok_) std::copy(taken.begin(), taken.end(), out.begin());
  }

 private:
  Bytes left_;
  bool ok_ = true;
};

}  // namespace kudurru
