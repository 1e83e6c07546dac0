// The payload of one body-chunk frame (SPEC.md §6, type 0x05). A body of more than
// kBodySizeBytesMax bytes comes ahead of the submission that names it, in chunks of
// kChunkSizeBytes; only the last may be shorter. The first chunk announces the body.
#pragma once

#include "core/submission/submission.h"

namespace kudurru::submission {

struct BodyChunk {
  Bytes digest;         // of the body's commitment, 32 bytes
  uint64_t offset = 0;  // of the chunk's first byte in the body: a multiple of kChunkSizeBytes
  Bytes bytes;          // 1 … kChunkSizeBytes
  // What the first chunk announces, and no other has.
  std::string_view scope;
  uint8_t field = 0;
  Bytes salt;           // 32 bytes
  uint64_t length = 0;  // of the whole body: above kBodySizeBytesMax

  bool announces() const { return offset == 0; }
};

// Chunks of a body of this length.
constexpr uint32_t chunkCount(uint64_t length) {
  return static_cast<uint32_t>((length + kChunkSizeBytes - 1) / kChunkSizeBytes);
}

// Bytes of the chunk with this number, which is below chunkCount(length).
constexpr size_t chunkSizeBytes(uint64_t length, uint32_t number) {
  const uint64_t left = length - uint64_t{number} * kChunkSizeBytes;
  return static_cast<size_t>(left < kChunkSizeBytes ? left : kChunkSizeBytes);
}

// [digest, scope / null, field, salt, length, bytes] or [digest, offset, bytes]. Total and pure;
// `out` points into the payload and is meaningful only where there is no error.
cbor::Error readBodyChunk(Bytes payload, BodyChunk& out);

}  // namespace kudurru::submission
