// Any bytes in any pieces as frames: the parser agrees with a reading of the whole, and takes
// neither more bytes nor more memory than was announced.
#include "core/frame/frame-parser.h"

#include <algorithm>
#include <cstdlib>

namespace {

using namespace kudurru;
using namespace kudurru::frame;

void require(bool condition) {
  if (!condition) std::abort();
}

struct Whole {
  size_t frames = 0;
  size_t payloadBytes = 0;
  bool failed = false;
};

// The grammar of SPEC.md §6 over a complete input.
Whole readWhole(Bytes input) {
  Whole whole;
  while (input.size() >= kLengthBytes) {
    const uint32_t length =
        static_cast<uint32_t>(input[0]) << 24 | input[1] << 16 | input[2] << 8 | input[3];
    whole.failed = length < kFrameSizeBytesMin || length > kFrameSizeBytesMax;
    if (whole.failed || input.size() < kHeaderBytes) break;
    whole.failed = length - 1 > payloadSizeBytesMax(input[4]);
    if (whole.failed || input.size() < kLengthBytes + length) break;
    ++whole.frames;
    whole.payloadBytes += length - 1;
    input = input.subspan(kLengthBytes + length);
  }
  return whole;
}

}  // namespace

// The first byte sets the sizes of the pieces.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const size_t piece = 1 + data[0] % 64;
  const Bytes input(data + 1, size - 1);
  Parser parser;
  Whole seen;
  Bytes rest = input;
  while (!rest.empty() && parser.state() != Parser::State::kFailed) {
    const Bytes offered = rest.first(std::min(piece, rest.size()));
    const size_t taken = parser.feed(offered);
    require(taken <= offered.size());
    rest = rest.subspan(taken);
    if (parser.state() == Parser::State::kAnnounced) {
      require(parser.payloadSizeBytes() <=
              payloadSizeBytesMax(static_cast<uint8_t>(parser.type())));
      parser.admit();
    } else if (parser.state() == Parser::State::kComplete) {
      const size_t announced = parser.payloadSizeBytes();
      const std::vector<uint8_t> payload = parser.takePayload();
      require(payload.size() == announced && !parser.midFrame());
      ++seen.frames;
      seen.payloadBytes += payload.size();
    }
  }
  seen.failed = parser.state() == Parser::State::kFailed;
  const Whole whole = readWhole(input);
  require(seen.failed == whole.failed && seen.frames == whole.frames);
  require(seen.payloadBytes == whole.payloadBytes);
  require(seen.failed == (parser.error() != Error::kNone));
  return 0;
}
