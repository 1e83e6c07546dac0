// Deterministic CBOR (SPEC.md §1; RFC 8949 §4.2.1): what is read re-encodes to the same bytes, or
// is refused. Allocates nothing; every view points into the input.
#pragma once

#include "core/bytes.h"

namespace kudurru::cbor {

// Containers nest at most this deep; a tag counts as one.
constexpr unsigned kDepthMax = 16;
constexpr uint64_t kTagCoseSign1 = 18;

// 2^53 − 1: integers above it are exact in no JavaScript number.
constexpr uint64_t kSafeIntegerMax = (uint64_t{1} << 53) - 1;

enum class Error : uint8_t {
  kNone,
  kTruncated,         // the input ends inside an item
  kNotShortest,       // an integer or length in a longer form than needed
  kIndefinite,        // an indefinite or reserved length
  kSimple,            // a float, undefined or another simple value
  kTag,               // a tag that is not 18
  kUtf8,              // text that is not UTF-8
  kControlCharacter,  // text with U+0000–U+001F or U+007F (schema readers only)
  kKeyType,           // a map key that is neither integer nor text
  kKeyOrder,          // map keys repeated or not ascending
  kDepth,             // nested deeper than kDepthMax
  kTrailing,          // bytes after the item
  kType,              // an item of another type than the schema wants
  kRange,             // a value or length outside the schema's bounds
};

// The name that messages and tests use, such as "not-shortest".
const char* nameOf(Error error);

enum class Type : uint8_t {
  kUnsigned,
  kNegative,
  kBytes,
  kText,
  kArray,
  kMap,
  kTag,
  kSimple,
  kEnd
};

struct Bounds {
  uint64_t min;
  uint64_t max;
};

// Reads items one by one. The first error sticks: later reads give zero and empty values, so a
// schema is read straight through and `error()` asked at its end.
class Reader {
 public:
  explicit Reader(Bytes input) : input_(input) {}

  bool ok() const { return error_ == Error::kNone; }
  Error error() const { return error_; }
  // Where reading stopped; after an error, the start of what was refused.
  size_t offset() const { return offset_; }
  size_t left() const { return input_.size() - offset_; }
  void fail(Error error);

  // The type of the next item; kEnd at the end of the input or after an error.
  Type peek() const;
  bool peekNull() const { return ok() && left() != 0 && input_[offset_] == 0xf6; }

  uint64_t readUnsigned(Bounds bounds);
  // An integer of either sign, for COSE labels and algorithms; kRange beyond 63 bits.
  int64_t readInteger();
  Bytes readBytes(Bounds sizeBytes);
  // UTF-8 without control characters.
  std::string_view readText(Bounds sizeBytes);
  uint64_t readArray(Bounds count);
  uint64_t readMap(Bounds count);
  // An unsigned map key above `previous`; give `previous` as −1 before the first.
  uint64_t readKey(int64_t previous);
  void readTag(uint64_t tag);
  // Consumes a null if it is next.
  bool takeNull();
  // Whole item of any kind, checked; its bytes.
  Bytes readItem();
  void finish();

 private:
  struct Head {
    Type type;
    uint64_t argument;
  };
  Head readHead();
  Head expect(Type type);
  Bytes take(uint64_t sizeBytes);
  void walk(unsigned depth);
  void walkMap(uint64_t count, unsigned depth);

  Bytes input_;
  size_t offset_ = 0;
  Error error_ = Error::kNone;
};

// kNone if the input is exactly one deterministic item.
Error check(Bytes input);

// Whether the bytes are UTF-8 (RFC 3629): no overlong forms, no surrogates.
bool isUtf8(Bytes text);

}  // namespace kudurru::cbor
