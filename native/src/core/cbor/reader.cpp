#include <algorithm>
#include <limits>

#include "core/cbor/cbor.h"

namespace kudurru::cbor {
namespace {

constexpr uint8_t kFalse = 0xf4;
constexpr uint8_t kNull = 0xf6;

bool hasControlCharacter(Bytes text) {
  return std::any_of(text.begin(), text.end(), [](uint8_t c) { return c < 0x20 || c == 0x7f; });
}

bool within(uint64_t value, Bounds bounds) { return value >= bounds.min && value <= bounds.max; }

// Bytewise order of two encoded keys; a prefix never occurs, as both are whole items.
bool ascends(Bytes before, Bytes after) {
  return std::lexicographical_compare(before.begin(), before.end(), after.begin(), after.end());
}

}  // namespace

void Reader::fail(Error error) {
  if (ok()) error_ = error;
}

Type Reader::peek() const {
  if (!ok() || left() == 0) return Type::kEnd;
  return static_cast<Type>(input_[offset_] >> 5);
}

Reader::Head Reader::readHead() {
  if (!ok()) return {Type::kEnd, 0};
  if (left() == 0) {
    fail(Error::kTruncated);
    return {Type::kEnd, 0};
  }
  const uint8_t initial = input_[offset_];
  const Type type = static_cast<Type>(initial >> 5);
  const unsigned info = initial & 31;
  if (type == Type::kSimple && (initial < kFalse || initial > kNull)) fail(Error::kSimple);
  if (info > 27) fail(Error::kIndefinite);
  if (!ok()) return {Type::kEnd, 0};
  if (info < 24) {
    ++offset_;
    return {type, info};
  }
  const size_t width = size_t{1} << (info - 24);
  if (left() <= width) {
    fail(Error::kTruncated);
    return {Type::kEnd, 0};
  }
  uint64_t argument = 0;
  for (size_t i = 1; i <= width; ++i) argument = argument << 8 | input_[offset_ + i];
  const uint64_t least = width == 1 ? 24 : uint64_t{1} << (4 * width);
  if (argument < least) {
    fail(Error::kNotShortest);
    return {Type::kEnd, 0};
  }
  offset_ += 1 + width;
  return {type, argument};
}

// An item of another type is left where it is, so that `offset` names it.
Reader::Head Reader::expect(Type type) {
  if (ok() && left() != 0 && peek() != type) fail(Error::kType);
  return readHead();
}

Bytes Reader::take(uint64_t sizeBytes) {
  if (ok() && sizeBytes > left()) fail(Error::kTruncated);
  if (!ok()) return {};
  const Bytes taken = input_.subspan(offset_, sizeBytes);
  offset_ += sizeBytes;
  return taken;
}

uint64_t Reader::readUnsigned(Bounds bounds) {
  const size_t start = offset_;
  const uint64_t value = expect(Type::kUnsigned).argument;
  if (ok() && !within(value, bounds)) {
    offset_ = start;
    fail(Error::kRange);
  }
  return ok() ? value : 0;
}

int64_t Reader::readInteger() {
  const size_t start = offset_;
  const bool negative = peek() == Type::kNegative;
  const uint64_t argument = expect(negative ? Type::kNegative : Type::kUnsigned).argument;
  if (ok() && argument > static_cast<uint64_t>(std::numeric_limits<int64_t>::max())) {
    offset_ = start;
    fail(Error::kRange);
  }
  if (!ok()) return 0;
  const int64_t value = static_cast<int64_t>(argument);
  return negative ? -1 - value : value;
}

Bytes Reader::readBytes(Bounds sizeBytes) {
  const size_t start = offset_;
  const uint64_t size = expect(Type::kBytes).argument;
  const Bytes bytes = take(size);
  if (ok() && !within(size, sizeBytes)) {
    offset_ = start;
    fail(Error::kRange);
  }
  return ok() ? bytes : Bytes{};
}

std::string_view Reader::readText(Bounds sizeBytes) {
  const size_t start = offset_;
  const Bytes bytes = take(expect(Type::kText).argument);
  if (!ok()) return {};
  if (!isUtf8(bytes)) {
    fail(Error::kUtf8);
  } else if (hasControlCharacter(bytes)) {
    fail(Error::kControlCharacter);
  } else if (!within(bytes.size(), sizeBytes)) {
    fail(Error::kRange);
  }
  if (!ok()) {
    offset_ = start;
    return {};
  }
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

uint64_t Reader::readArray(Bounds count) {
  const size_t start = offset_;
  const uint64_t items = expect(Type::kArray).argument;
  if (ok() && !within(items, count)) {
    offset_ = start;
    fail(Error::kRange);
  }
  return ok() ? items : 0;
}

uint64_t Reader::readMap(Bounds count) {
  const size_t start = offset_;
  const uint64_t pairs = expect(Type::kMap).argument;
  if (ok() && !within(pairs, count)) {
    offset_ = start;
    fail(Error::kRange);
  }
  return ok() ? pairs : 0;
}

uint64_t Reader::readKey(int64_t previous) {
  const size_t start = offset_;
  const uint64_t key = readUnsigned({0, kSafeIntegerMax});
  if (ok() && static_cast<int64_t>(key) <= previous) {
    offset_ = start;
    fail(Error::kKeyOrder);
  }
  return ok() ? key : 0;
}

void Reader::readTag(uint64_t tag) {
  const size_t start = offset_;
  if (expect(Type::kTag).argument != tag && ok()) {
    offset_ = start;
    fail(Error::kTag);
  }
}

bool Reader::takeNull() {
  if (!peekNull()) return false;
  ++offset_;
  return true;
}

Bytes Reader::readItem() {
  const size_t start = offset_;
  walk(0);
  return ok() ? input_.subspan(start, offset_ - start) : Bytes{};
}

void Reader::finish() {
  if (ok() && left() != 0) fail(Error::kTrailing);
}

// Recursion is bounded by kDepthMax, whatever the input claims.
void Reader::walk(unsigned depth) {
  if (depth > kDepthMax) fail(Error::kDepth);
  const Head head = readHead();
  if (!ok()) return;
  switch (head.type) {
    case Type::kBytes:
      take(head.argument);
      return;
    case Type::kText:
      if (!isUtf8(take(head.argument))) fail(Error::kUtf8);
      return;
    case Type::kArray:
      // Each item takes a byte, so the loop is bounded by the input, not by the claimed count.
      for (uint64_t i = 0; i < head.argument && ok(); ++i) walk(depth + 1);
      return;
    case Type::kMap:
      walkMap(head.argument, depth);
      return;
    case Type::kTag:
      if (head.argument != kTagCoseSign1) fail(Error::kTag);
      walk(depth + 1);
      return;
    default:
      return;
  }
}

void Reader::walkMap(uint64_t count, unsigned depth) {
  Bytes previous;
  for (uint64_t i = 0; i < count && ok(); ++i) {
    const size_t start = offset_;
    const Type type = peek();
    const bool known = type == Type::kUnsigned || type == Type::kNegative || type == Type::kText;
    if (type != Type::kEnd && !known) fail(Error::kKeyType);
    walk(depth + 1);
    if (!ok()) return;
    const Bytes key = input_.subspan(start, offset_ - start);
    if (i != 0 && !ascends(previous, key)) fail(Error::kKeyOrder);
    previous = key;
    walk(depth + 1);
  }
}

Error check(Bytes input) {
  Reader reader(input);
  reader.readItem();
  reader.finish();
  return reader.error();
}

const char* nameOf(Error error) {
  switch (error) {
    case Error::kNone:
      return "none";
    case Error::kTruncated:
      return "truncated";
    case Error::kNotShortest:
      return "not-shortest";
    case Error::kIndefinite:
      return "indefinite-length";
    case Error::kSimple:
      return "simple-value";
    case Error::kTag:
      return "tag";
    case Error::kUtf8:
      return "utf8";
    case Error::kControlCharacter:
      return "control-character";
    case Error::kKeyType:
      return "key-type";
    case Error::kKeyOrder:
      return "key-order";
    case Error::kDepth:
      return "depth";
    case Error::kTrailing:
      return "trailing-bytes";
    case Error::kType:
      return "type";
    case Error::kRange:
      return "range";
  }
  return "none";
}

}  // namespace kudurru::cbor
