// Any bytes as payloads of body-chunk frames of one connection, then a submission: what is taken is
// the next chunk of the one unfinished body, and is written again to the same bytes.
#include "core/submission/body-chunk.h"

#include <algorithm>
#include <cstdlib>
#include <vector>

#include "core/cbor/writer.h"
#include "core/intake/large-body.h"

namespace {

using namespace kudurru;
using namespace kudurru::submission;

void require(bool condition) {
  if (!condition) std::abort();
}

std::vector<uint8_t> encode(const BodyChunk& chunk) {
  std::vector<uint8_t> out;
  cbor::Writer writer(out);
  writer.writeArray(chunk.announces() ? 6 : 3).writeBytes(chunk.digest);
  if (chunk.announces()) {
    if (chunk.scope == kDefaultScope) {
      writer.writeNull();
    } else {
      writer.writeText(chunk.scope);
    }
    writer.writeUnsigned(chunk.field).writeBytes(chunk.salt).writeUnsigned(chunk.length);
  } else {
    writer.writeUnsigned(chunk.offset);
  }
  writer.writeBytes(chunk.bytes);
  return out;
}

constexpr uint8_t kCutHere = 0xee;

// The bytes of a full chunk in the place of the mark at the end: the input stays short.
std::vector<uint8_t> fill(Bytes payload) {
  std::vector<uint8_t> filled(payload.begin(), payload.end());
  if (filled.empty() || filled.back() != kCutHere) return filled;
  filled.resize(filled.size() - 1 + kChunkSizeBytes, 1);
  return filled;
}

class Arrival {
 public:
  void take(Bytes input) {
    const std::vector<uint8_t> payload = fill(input);
    BodyChunk chunk;
    if (readBodyChunk(payload, chunk) != cbor::Error::kNone) return;
    require(cbor::check(payload) == cbor::Error::kNone);
    require(!chunk.bytes.empty() && chunk.bytes.size() <= kChunkSizeBytes);
    const bool isDefault = chunk.announces() && chunk.scope == kDefaultScope;
    if (!isDefault) require(encode(chunk) == payload);
    intake::ChunkItem item;
    const auto fillRandom = [](MutableBytes bytes) { std::ranges::fill(bytes, 7); };
    if (bodies_.take(chunk, fillRandom, item)) return;
    require(item.body != nullptr && item.number < chunkCount(item.body->length));
    require(item.bytes.size() == chunkSizeBytes(item.body->length, item.number));
  }

  void submit() {
    intake::SubmitItem item;
    bodies_.handOver(item);
    require(item.largeBodies.empty());
  }

 private:
  intake::LargeBodies bodies_;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  Arrival arrival;
  // Payloads stand behind one another, each after its length.
  for (Bytes left(data, size); left.size() > 1;) {
    const size_t length = std::min<size_t>(left[0], left.size() - 1);
    arrival.take(left.subspan(1, length));
    left = left.subspan(1 + length);
  }
  arrival.submit();
  return 0;
}
