// Checks a state folder from its bytes on disk alone: every record, the chain, every leaf hash and
// the root of each group, every statement's root, every body against its commitment, and the tiles
// against the entries. Reads only; another process may be writing.
#pragma once

#include <functional>
#include <string>
#include <unordered_map>
#include <vector>

#include "core/journal/journal-reader.h"

namespace kudurru {

struct FsckProgress {
  uint64_t entries = 0;
  uint64_t bytesDone = 0;
  uint64_t bytesTotal = 0;
};

struct FsckOptions {
  std::string folder;
  uint64_t fromIndex = 0;  // bodies and tiles of entries before it are passed over
  std::unordered_map<std::string, Hash> scopeKeys;      // bodies of other scopes stay sealed
  std::function<bool(const FsckProgress&)> onProgress;  // false ends the scan
};

struct FsckReport {
  Status finding;  // the first damage; ok when there is none
  LedgerId ledgerId{};
  uint64_t entries = 0;  // whole up to here
  Hash root{};           // over them
  uint64_t records = 0;
  uint64_t bodies = 0;
  uint64_t bodiesOpened = 0;
  uint64_t tiles = 0;                   // full tiles and bundles on disk that were compared
  std::vector<std::string> wrongTiles;  // these can be made again; at most 16 are named
  uint64_t tornBytes = 0;               // behind the last record: never acknowledged
  bool stoppedCleanly = false;
  bool isComplete = false;  // read to the end
  Position stoppedAt;       // where the journal is whole up to
};

// The status is of the scan itself: a folder that cannot be read, or is of no ledger.
Status fsck(Storage& storage, const FsckOptions& options, FsckReport* report);

// The ledger that the oldest segment names. notFound where there is no journal.
Status readLedgerId(Storage& storage, const std::string& stateFolder, LedgerId* ledgerId);

}  // namespace kudurru
