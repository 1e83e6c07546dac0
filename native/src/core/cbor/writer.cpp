#include "core/cbor/writer.h"

namespace kudurru::cbor {

size_t writeHead(uint8_t* at, Type type, uint64_t argument) {
  const uint8_t major = static_cast<uint8_t>(static_cast<uint8_t>(type) << 5);
  if (argument < 24) {
    at[0] = static_cast<uint8_t>(major | argument);
    return 1;
  }
  const unsigned logWidth = argument <= 0xff      ? 0
                            : argument <= 0xffff  ? 1
                            : argument >> 32 == 0 ? 2
                                                  : 3;
  const size_t width = size_t{1} << logWidth;
  at[0] = static_cast<uint8_t>(major | (24 + logWidth));
  for (size_t i = 0; i < width; ++i) {
    at[1 + i] = static_cast<uint8_t>(argument >> (8 * (width - 1 - i)));
  }
  return 1 + width;
}

Writer& Writer::head(Type type, uint64_t argument) {
  uint8_t bytes[kHeadSizeBytesMax];
  return writeRaw({bytes, writeHead(bytes, type, argument)});
}

Writer& Writer::writeInteger(int64_t value) {
  if (value >= 0) return head(Type::kUnsigned, static_cast<uint64_t>(value));
  return head(Type::kNegative, static_cast<uint64_t>(-1 - value));
}

Writer& Writer::writeBool(bool value) {
  out_.push_back(value ? 0xf5 : 0xf4);
  return *this;
}

Writer& Writer::writeNull() {
  out_.push_back(0xf6);
  return *this;
}

}  // namespace kudurru::cbor
