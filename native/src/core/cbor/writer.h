// Writes deterministic CBOR item by item into a growing buffer. Lengths and integers come out in
// their shortest form by themselves; the order of map keys is the caller's.
#pragma once

#include <vector>

#include "core/bytes.h"
#include "core/cbor/cbor.h"

namespace kudurru::cbor {

// The longest head: initial byte and eight bytes.
constexpr size_t kHeadSizeBytesMax = 9;

// Writes the head to `at`, which has room for kHeadSizeBytesMax; its size.
size_t writeHead(uint8_t* at, Type type, uint64_t argument);

// Appends to `out`, which the caller keeps alive and may reuse.
class Writer {
 public:
  explicit Writer(std::vector<uint8_t>& out) : out_(out) {}

  Writer& writeUnsigned(uint64_t value) { return head(Type::kUnsigned, value); }
  Writer& writeInteger(int64_t value);
  Writer& writeBytes(Bytes bytes) { return head(Type::kBytes, bytes.size()).writeRaw(bytes); }
  Writer& writeText(std::string_view text) {
    return head(Type::kText, text.size()).writeRaw(bytesOf(text));
  }
  Writer& writeArray(uint64_t count) { return head(Type::kArray, count); }
  Writer& writeMap(uint64_t count) { return head(Type::kMap, count); }
  Writer& writeTag(uint64_t tag) { return head(Type::kTag, tag); }
  // The head of a byte string; its bytes follow.
  Writer& writeBytesHead(uint64_t size) { return head(Type::kBytes, size); }
  Writer& writeBool(bool value);
  Writer& writeNull();
  // Bytes that are CBOR already, such as an item kept from another entry.
  Writer& writeRaw(Bytes item) {
    out_.insert(out_.end(), item.begin(), item.end());
    return *this;
  }

 private:
  Writer& head(Type type, uint64_t argument);

  std::vector<uint8_t>& out_;
};

}  // namespace kudurru::cbor
