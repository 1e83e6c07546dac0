// What goes into the ledger and what it answers.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "core/intake/batch.h"
#include "core/ledger/places.h"

namespace kudurru {

constexpr std::string_view kSystemScope = "system";

struct LedgerOptions {
  std::string folder;  // its parent must exist
  LedgerId ledgerId{};
  uint64_t appliance = 0;
  uint32_t processId = 0;
  uint64_t segmentBytes = uint64_t{64} << 20;
  bool syncsTiles = false;  // the owner does, see Ledger::tilesToSync
};

struct PrivateBody {
  uint8_t field = 0;
  Hash salt{};
  std::vector<uint8_t> bytes;
};

// An entry that the daemon makes itself.
struct SystemEntry {
  uint8_t kind = 0;
  uint64_t taiNs = 0;
  uint64_t monotonicRawNs = 0;
  std::vector<uint8_t> fields;  // a CBOR array
  std::vector<PrivateBody> bodies;

  intake::Refusal refusal;  // results: where refused, nothing of it remains
  uint64_t index = 0;
  Hash leafHash{};
};

struct ApplyInput {
  intake::Batch* batch = nullptr;  // items first; may be null
  int64_t taiMinusUtcSeconds = 0;  // for the times of items
  std::vector<SystemEntry>* system = nullptr;
};

struct ApplyResult {
  uint64_t firstIndex = 0;
  uint64_t treeSize = 0;
  Hash root{};
  uint32_t accepted = 0;  // submissions
  uint32_t repeated = 0;  // answered with the receipt they had
  uint32_t refused = 0;   // by the ledger
};

// A submission of the batch under way that is answered once all of it is durable.
struct OwedAnswer {
  intake::SubmitItem* item;
  uint64_t statementIndex;
};

// Of what opening a ledger has replayed.
struct LedgerOpening {
  std::optional<uint32_t> snapshot;  // the one it began from, by its segment; empty: the beginning
  Position replayedFrom;
  uint32_t neededFrom = 0;  // the oldest segment that the snapshot counts on
  uint64_t replayedRecords = 0;
};

// The segment and the group last read.
struct LastRead {
  std::unique_ptr<SegmentFile> segment;
  GroupPlace place;
  std::vector<uint8_t> bytes;
};

struct RecordsAsked {
  uint64_t newest = UINT64_MAX;        // at most so many
  uint64_t fromRecord = 0;             // none of a lower number
  uint64_t beforeRecord = UINT64_MAX;  // none of this number or a higher one
};

// A group that was written.
struct GroupFacts {
  uint64_t firstIndex = 0;
  uint64_t treeSize = 0;
  Hash root{};
};

struct StoredRecord {
  uint64_t record = 0;    // its number
  uint64_t treeSize = 0;  // when it was written
  std::vector<uint8_t> bytes;
};

}  // namespace kudurru
