#include "core/journal/segment.h"

#include <algorithm>
#include <cstdio>
#include <cstring>

#include "core/journal/big-endian.h"
#include "core/journal/crc32c.h"

namespace kudurru {
namespace {

constexpr std::array<uint8_t, 8> kSegmentMagic = {'K', 'U', 'D', 'U', 'R', 'R', 'U', 'J'};
constexpr uint32_t kRecordMagic = 0x4b726563;  // "Krec"
constexpr size_t kHeaderChecksumAt = kSegmentHeaderBytes - 4;
constexpr size_t kRecordChecksumAt = 32;

bool isKnownType(uint8_t type) {
  return type >= static_cast<uint8_t>(RecordType::kGroup) &&
         type <= static_cast<uint8_t>(RecordType::kRetired);
}

}  // namespace

uint32_t SegmentHeader::seed() const { return crc32c(salt); }

SegmentHeaderBytes encodeSegmentHeader(const SegmentHeader& header) {
  SegmentHeaderBytes bytes{};
  std::copy(kSegmentMagic.begin(), kSegmentMagic.end(), bytes.begin());
  put32(&bytes[8], kJournalVersion);
  put32(&bytes[12], header.segment);
  put64(&bytes[16], header.firstRecord);
  std::copy(header.ledgerId.begin(), header.ledgerId.end(), bytes.begin() + 24);
  std::copy(header.salt.begin(), header.salt.end(), bytes.begin() + 56);
  put32(&bytes[kHeaderChecksumAt], crc32c(Bytes(bytes).first(kHeaderChecksumAt)));
  return bytes;
}

Status decodeSegmentHeader(Bytes bytes, SegmentHeader* header) {
  if (bytes.size() != kSegmentHeaderBytes) {
    return failure(Code::kCorrupt, "segment header is cut short");
  }
  if (!std::equal(kSegmentMagic.begin(), kSegmentMagic.end(), bytes.begin())) {
    return failure(Code::kUnknownFormat, "not a journal segment: wrong first bytes");
  }
  if (get32(&bytes[kHeaderChecksumAt]) != crc32c(bytes.first(kHeaderChecksumAt))) {
    return failure(Code::kCorrupt, "segment header does not match its checksum");
  }
  const uint32_t version = get32(&bytes[8]);
  if (version != kJournalVersion) {
    return failure(Code::kUnknownFormat,
                   "journal format version " + std::to_string(version) + " is not known");
  }
  header->segment = get32(&bytes[12]);
  header->firstRecord = get64(&bytes[16]);
  std::copy_n(bytes.begin() + 24, header->ledgerId.size(), header->ledgerId.begin());
  std::copy_n(bytes.begin() + 56, header->salt.size(), header->salt.begin());
  return {};
}

RecordHeaderBytes encodeRecordHeader(const RecordHeader& header, uint32_t seed) {
  RecordHeaderBytes bytes{};
  put32(&bytes[0], kRecordMagic);
  bytes[4] = static_cast<uint8_t>(header.type);
  put32(&bytes[8], header.length);
  put32(&bytes[12], header.payloadChecksum);
  put64(&bytes[16], header.number);
  put64(&bytes[24], header.durableBefore);
  put32(&bytes[kRecordChecksumAt], crc32c(Bytes(bytes).first(kRecordChecksumAt), seed));
  return bytes;
}

std::optional<RecordHeader> decodeRecordHeader(Bytes bytes, uint32_t seed) {
  if (bytes.size() < kRecordHeaderBytes || get32(&bytes[0]) != kRecordMagic) return std::nullopt;
  if (!isKnownType(bytes[4])) return std::nullopt;
  RecordHeader header;
  header.type = static_cast<RecordType>(bytes[4]);
  header.length = get32(&bytes[8]);
  header.payloadChecksum = get32(&bytes[12]);
  header.number = get64(&bytes[16]);
  header.durableBefore = get64(&bytes[24]);
  const RecordHeaderBytes expected = encodeRecordHeader(header, seed);
  if (std::memcmp(expected.data(), bytes.data(), expected.size()) != 0) return std::nullopt;
  return header;
}

std::string segmentName(uint32_t segment) {
  char name[24];
  std::snprintf(name, sizeof name, "%08u.journal", segment);
  return name;
}

std::optional<uint32_t> parseSegmentName(const std::string& name) {
  uint64_t number = 0;
  size_t digits = 0;
  for (; digits < name.size() && digits < 10 && name[digits] >= '0' && name[digits] <= '9';
       ++digits) {
    number = number * 10 + static_cast<uint64_t>(name[digits] - '0');
  }
  if (digits < 8 || number > UINT32_MAX) return std::nullopt;
  const uint32_t segment = static_cast<uint32_t>(number);
  if (segmentName(segment) != name) return std::nullopt;
  return segment;
}

}  // namespace kudurru
