// The bytes of a journal segment: a 4 KiB header, then records at 8-byte boundaries, then zeros.
// All integers are big-endian. Every checksum of a record is seeded with its segment's random salt:
// bytes that an agent submits can never pass for a record, nor can one of another segment.
//
//   header  0 magic 8 | 8 version u32 | 12 segment u32 | 16 first record u64 | 24 ledgerId 32
//           56 salt 16 | 72 zeros | 4092 crc32c of all before u32
//   record  0 magic u32 | 4 type u8 | 5 zeros 3 | 8 length u32 | 12 crc32c of payload u32
//           16 number u64 | 24 durableBefore u64 | 32 crc32c of 0..31 u32 | 36 zeros 4 | 40 payload
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>

#include "core/journal/storage.h"

namespace kudurru {

using LedgerId = std::array<uint8_t, 32>;

constexpr uint32_t kJournalVersion = 1;
constexpr uint64_t kSegmentHeaderBytes = 4096;
constexpr uint64_t kRecordHeaderBytes = 40;
constexpr uint64_t kRecordAlignment = 8;

enum class RecordType : uint8_t {
  kGroup = 1,
  kCheckpoint = 2,
  kPrepare = 3,
  kScopeKey = 4,
  kStop = 5,
  kBodyChunk = 6,
  kRetired = 7
};

struct SegmentHeader {
  LedgerId ledgerId{};
  uint32_t segment = 0;
  uint64_t firstRecord = 0;
  std::array<uint8_t, 16> salt{};

  // The start value of every checksum in the segment.
  uint32_t seed() const;
};

struct RecordHeader {
  RecordType type = RecordType::kGroup;
  uint32_t length = 0;  // of the payload, without padding
  uint32_t payloadChecksum = 0;
  uint64_t number = 0;  // counts from 0 over the whole journal
  // Records below this number were synced when this one was written. It tells a torn tail (never
  // acknowledged) from decay (acknowledged, then lost).
  uint64_t durableBefore = 0;
};

using SegmentHeaderBytes = std::array<uint8_t, kSegmentHeaderBytes>;
using RecordHeaderBytes = std::array<uint8_t, kRecordHeaderBytes>;

SegmentHeaderBytes encodeSegmentHeader(const SegmentHeader& header);
// Not of this format at all, or of a later version: unknownFormat; right magic, wrong sum: corrupt.
Status decodeSegmentHeader(Bytes bytes, SegmentHeader* header);

RecordHeaderBytes encodeRecordHeader(const RecordHeader& header, uint32_t seed);
// Empty unless every byte is as encodeRecordHeader writes it.
std::optional<RecordHeader> decodeRecordHeader(Bytes bytes, uint32_t seed);

constexpr uint64_t recordBytes(uint64_t payloadBytes) {
  const uint64_t bytes = kRecordHeaderBytes + payloadBytes;
  return (bytes + kRecordAlignment - 1) / kRecordAlignment * kRecordAlignment;
}

// "00000007.journal" and back; empty for any other name.
std::string segmentName(uint32_t segment);
std::optional<uint32_t> parseSegmentName(const std::string& name);

constexpr const char* kNextSegmentName = "next.journal";

}  // namespace kudurru
