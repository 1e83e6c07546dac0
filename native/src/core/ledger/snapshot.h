// A snapshot: the ledger's state at one place of its journal, so that a start replays from there
// and not from the beginning. Derived data: it is believed only where the journal's own bytes at
// that place agree with it.
//
//   0 magic 8 | 8 version u32, 1 | 12 zeros 4 | 16 ledgerId 32
//   48 where replay goes on: segment u32, offset u64, record u64 | 68 the last group: the same
//   88 groups u64 | 96 records u64 | 104 statements u64: places kept in lookup/
//   112 tree size below which all tile files are durable u64
//   120 bytes of chunks of large bodies u64 | 128 those of them that statements commit to u64
//   136 count u8 × (type u8 | number of the newest record's place u64)
//   then the state (log-state-form.cpp) | SHA-256 of all before 32
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "core/ledger/chunks.h"
#include "core/ledger/places.h"

namespace kudurru {

struct Snapshot {
  LedgerId ledgerId{};
  Position position;
  Position lastGroup;
  PlaceCounts places;
  uint64_t tilesDurable = 0;
  ChunkCounts chunks;
  Bytes state;
};

std::vector<uint8_t> encodeSnapshot(const Snapshot& snapshot);
// Total: nothing for bytes that encodeSnapshot did not write. `state` is within the bytes.
std::optional<Snapshot> decodeSnapshot(Bytes bytes);

// "00000007.snapshot", by the segment in which replay goes on; empty for any other name.
std::string snapshotName(uint32_t segment);
std::optional<uint32_t> parseSnapshotName(const std::string& name);

constexpr const char* kNextSnapshotName = "next.snapshot";
constexpr uint64_t kSnapshotBytesMax = uint64_t{1} << 30;

}  // namespace kudurru
