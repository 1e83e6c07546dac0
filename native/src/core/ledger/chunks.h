// Large bodies in the journal: each chunk is a record of its own, durable before the group whose
// statement commits to the body; that group's body section lists the records. A chunk that no group
// lists is never shown. Integers are big-endian.
//
//   record   0 version u8, 1 | 1 zeros 3 | 4 number u32 | 8 count u32 | 12 upload 32 | 44 sealed
//   list     0 upload 32 | 32 length of the body u64 | 40 (segment u32, offset u64, record u64)*
#pragma once

#include <optional>
#include <vector>

#include "core/body/body-cipher.h"
#include "core/intake/batch.h"
#include "core/journal/segment-file.h"
#include "core/submission/body-chunk.h"

namespace kudurru {

// The sealed form of one chunk (SPEC.md §3) and what tells it from every other.
struct ChunkView {
  uint32_t number = 0;
  uint32_t count = 0;
  Bytes upload;
  Bytes sealed;

  // Total: a payload that is not of this form gives nothing.
  static std::optional<ChunkView> parse(Bytes payload);
};

constexpr size_t kChunkHeaderBytes = 44;
using ChunkHeader = std::array<uint8_t, kChunkHeaderBytes>;
ChunkHeader encodeChunkHeader(uint32_t number, uint32_t count, Bytes upload);

// Bytes of the chunk's sealed form: the first holds the salt as well.
constexpr size_t sealedChunkBytes(uint64_t length, uint32_t number) {
  const size_t salt = number == 0 ? kSaltSizeBytes : 0;
  return salt + submission::chunkSizeBytes(length, number) + kTagSizeBytes;
}

// The chunks of one body, in their order.
struct ChunkList {
  Bytes upload;
  uint64_t length = 0;
  Bytes places;

  uint32_t count() const { return submission::chunkCount(length); }
  Position at(uint32_t number) const;  // number < count()

  // Strict: a length of a large body, as many records as it has chunks, in the journal's order.
  static std::optional<ChunkList> parse(Bytes bytes);
};

constexpr size_t kChunkPlaceBytes = 20;
constexpr size_t kChunkListHeadBytes = 40;

constexpr size_t chunkListBytes(uint64_t length) {
  return kChunkListHeadBytes + kChunkPlaceBytes * submission::chunkCount(length);
}

// Of the payloads of its records.
uint64_t storedBytesOf(const ChunkList& list);

// `out` has chunkListBytes(body.length).
void writeChunkList(const intake::LargeBody& body, MutableBytes out);

// Chunks of large bodies in the journal, as bytes of their records' payloads.
struct ChunkCounts {
  uint64_t storedBytes = 0;
  uint64_t namedBytes = 0;  // of bodies that a statement commits to: the rest is never shown
};

// What the ledger knows of a large body that is arriving: where its chunks are, or why they are not
// all there.
struct ChunkRecords {
  std::vector<Position> places;
  intake::Refusal refusal;
};

}  // namespace kudurru
