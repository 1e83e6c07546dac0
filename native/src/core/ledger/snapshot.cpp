#include "core/ledger/snapshot.h"

#include <cstdio>

#include "core/hash/sha256.h"
#include "core/ledger/fields.h"

namespace kudurru {
namespace {

constexpr std::array<uint8_t, 8> kSnapshotMagic = {'K', 'U', 'D', 'U', 'R', 'R', 'U', 'S'};
constexpr uint32_t kSnapshotVersion = 1;
constexpr size_t kDigestBytes = 32;
constexpr const char* kSuffix = ".snapshot";
constexpr size_t kDigits = 8;

void readLastRecords(FieldReader& in, PlaceCounts* places) {
  const uint8_t count = in.byte();
  uint8_t last = 0;
  for (uint8_t at = 0; in.ok() && at < count; ++at) {
    const uint8_t type = in.byte();
    const uint64_t number = in.u64();
    if (type <= last || number >= places->records) in.refuse();
    places->lastOfType[type] = number;
    last = type;
  }
}

}  // namespace

std::vector<uint8_t> encodeSnapshot(const Snapshot& snapshot) {
  std::vector<uint8_t> bytes;
  FieldWriter out(bytes);
  out.bytes(kSnapshotMagic);
  out.u32(kSnapshotVersion);
  out.u32(0);
  out.bytes(snapshot.ledgerId);
  out.position(snapshot.position);
  out.position(snapshot.lastGroup);
  out.u64(snapshot.places.groups);
  out.u64(snapshot.places.records);
  out.u64(snapshot.places.statements);
  out.u64(snapshot.tilesDurable);
  out.u64(snapshot.chunks.storedBytes);
  out.u64(snapshot.chunks.namedBytes);
  out.byte(static_cast<uint8_t>(snapshot.places.lastOfType.size()));
  for (const auto& [type, number] : snapshot.places.lastOfType) {
    out.byte(type);
    out.u64(number);
  }
  out.bytes(snapshot.state);
  out.bytes(sha256(bytes));
  return bytes;
}

std::optional<Snapshot> decodeSnapshot(Bytes bytes) {
  if (bytes.size() < kDigestBytes) return std::nullopt;
  const Bytes content = bytes.first(bytes.size() - kDigestBytes);
  const Hash digest = sha256(content);
  if (!std::ranges::equal(digest, bytes.last(kDigestBytes))) return std::nullopt;
  FieldReader in(content);
  Snapshot snapshot;
  const bool isKnown = std::ranges::equal(in.bytes(kSnapshotMagic.size()), kSnapshotMagic) &&
                       in.u32() == kSnapshotVersion && in.u32() == 0;
  if (!isKnown) return std::nullopt;
  in.into(snapshot.ledgerId);
  snapshot.position = in.position();
  snapshot.lastGroup = in.position();
  snapshot.places.groups = in.u64();
  snapshot.places.records = in.u64();
  snapshot.places.statements = in.u64();
  snapshot.tilesDurable = in.u64();
  snapshot.chunks = {in.u64(), in.u64()};
  readLastRecords(in, &snapshot.places);
  snapshot.state = in.rest();
  if (!in.ok()) return std::nullopt;
  return snapshot;
}

std::string snapshotName(uint32_t segment) {
  char digits[16];
  std::snprintf(digits, sizeof digits, "%08u", segment);
  return std::string(digits) + kSuffix;
}

std::optional<uint32_t> parseSnapshotName(const std::string& name) {
  const size_t digits = name.find_first_not_of("0123456789");
  if (digits == std::string::npos || digits < kDigits || digits > kDigits + 2) return std::nullopt;
  const uint64_t number = std::stoull(name.substr(0, digits));
  if (number > UINT32_MAX || snapshotName(static_cast<uint32_t>(number)) != name) {
    return std::nullopt;
  }
  return static_cast<uint32_t>(number);
}

}  // namespace kudurru
