#include <cstring>

#include "core/cbor/cbor.h"

namespace kudurru::cbor {
namespace {

bool isContinuation(uint8_t byte) { return (byte & 0xc0) == 0x80; }

// Bytes of the one character at the start of `text`; 0 if there is none that is well formed.
size_t characterSizeBytes(Bytes text) {
  const uint8_t first = text[0];
  if (first < 0x80) return 1;
  if (first < 0xc2 || first > 0xf4) return 0;
  const size_t size = first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
  if (text.size() < size) return 0;
  for (size_t i = 1; i < size; ++i) {
    if (!isContinuation(text[i])) return 0;
  }
  const uint8_t second = text[1];
  if (first == 0xe0 && second < 0xa0) return 0;   // overlong
  if (first == 0xed && second >= 0xa0) return 0;  // surrogate
  if (first == 0xf0 && second < 0x90) return 0;   // overlong
  if (first == 0xf4 && second >= 0x90) return 0;  // above U+10FFFF
  return size;
}

}  // namespace

bool isUtf8(Bytes text) {
  constexpr uint64_t kHighBits = 0x8080808080808080;
  while (!text.empty()) {
    uint64_t eight = kHighBits;
    if (text.size() >= sizeof eight) std::memcpy(&eight, text.data(), sizeof eight);
    if ((eight & kHighBits) == 0) {
      text = text.subspan(sizeof eight);
      continue;
    }
    const size_t size = characterSizeBytes(text);
    if (size == 0) return false;
    text = text.subspan(size);
  }
  return true;
}

}  // namespace kudurru::cbor
