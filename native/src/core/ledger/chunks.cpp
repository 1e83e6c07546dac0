#include "core/ledger/chunks.h"

#include <algorithm>

#include "core/journal/big-endian.h"

namespace kudurru {
namespace {

constexpr uint8_t kChunkVersion = 1;
constexpr size_t kUploadAt = 12;
constexpr size_t kUploadBytes = 32;
constexpr uint32_t kChunksMax = submission::chunkCount(submission::kLargeBodySizeBytesMax);

bool follows(const Position& before, const Position& after) {
  const bool further = before.segment == after.segment ? before.offset < after.offset
                                                       : before.segment < after.segment;
  return further && before.record < after.record;
}

}  // namespace

std::optional<ChunkView> ChunkView::parse(Bytes payload) {
  if (payload.size() <= kChunkHeaderBytes + kTagSizeBytes || payload[0] != kChunkVersion ||
      payload[1] != 0 || payload[2] != 0 || payload[3] != 0) {
    return std::nullopt;
  }
  const ChunkView chunk{get32(&payload[4]), get32(&payload[8]),
                        payload.subspan(kUploadAt, kUploadBytes),
                        payload.subspan(kChunkHeaderBytes)};
  const bool isWhole = chunk.count >= 2 && chunk.count <= kChunksMax && chunk.number < chunk.count;
  const size_t salt = chunk.number == 0 ? kSaltSizeBytes : 0;
  const size_t most = salt + submission::kChunkSizeBytes + kTagSizeBytes;
  const bool isFull = chunk.sealed.size() == most;
  const bool mayBeShort = chunk.number + 1 == chunk.count && chunk.sealed.size() < most;
  if (!isWhole || !(isFull || mayBeShort)) return std::nullopt;
  return chunk;
}

ChunkHeader encodeChunkHeader(uint32_t number, uint32_t count, Bytes upload) {
  ChunkHeader header{kChunkVersion};
  put32(&header[4], number);
  put32(&header[8], count);
  std::ranges::copy(upload, header.begin() + kUploadAt);
  return header;
}

Position ChunkList::at(uint32_t number) const {
  const uint8_t* place = &places[number * kChunkPlaceBytes];
  return {get32(place), get64(place + 4), get64(place + 12)};
}

std::optional<ChunkList> ChunkList::parse(Bytes bytes) {
  if (bytes.size() < kChunkListHeadBytes) return std::nullopt;
  const ChunkList list{bytes.first(kUploadBytes), get64(&bytes[kUploadBytes]),
                       bytes.subspan(kChunkListHeadBytes)};
  const bool isLarge = list.length > submission::kBodySizeBytesMax &&
                       list.length <= submission::kLargeBodySizeBytesMax;
  if (!isLarge || bytes.size() != chunkListBytes(list.length)) return std::nullopt;
  for (uint32_t number = 1; number < list.count(); ++number) {
    if (!follows(list.at(number - 1), list.at(number))) return std::nullopt;
  }
  return list;
}

uint64_t storedBytesOf(const ChunkList& list) {
  return list.length + kSaltSizeBytes + list.count() * (kChunkHeaderBytes + kTagSizeBytes);
}

void writeChunkList(const intake::LargeBody& body, MutableBytes out) {
  std::ranges::copy(body.upload, out.begin());
  put64(&out[kUploadBytes], body.length);
  uint8_t* to = &out[kChunkListHeadBytes];
  for (const Position& place : body.records->places) {
    put32(to, place.segment);
    put64(to + 4, place.offset);
    put64(to + 12, place.record);
    to += kChunkPlaceBytes;
  }
}

}  // namespace kudurru
