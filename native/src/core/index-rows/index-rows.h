// What the search index keeps of entries (SPEC.md §4, §7): rows read from published entry bundles.
// The index is derived and never trusted, so a row repeats the entry and judges nothing of it.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "core/bytes.h"
#include "core/journal/status.h"
#include "core/submission/submission.h"

namespace kudurru {

struct ActionRow {
  uint64_t index = 0;
  uint64_t taiNs = 0;
  uint64_t sessionIndex = 0;
  uint64_t sequence = 0;
  uint8_t kind = 0;    // 1 intent, 2 outcome, 3 observation
  uint8_t status = 0;  // 0: none
  std::string_view operation;
  std::string_view tool;        // empty: none
  std::string_view externalId;  // empty: none
  Bytes traceId;                // empty: none, else 16 bytes
  std::optional<submission::Reference> intent;
};

struct SessionRow {
  uint64_t index = 0;
  uint64_t agentIndex = 0;
  Hash id{};  // leaf hash of its entry
};

struct AnchorRow {
  uint64_t index = 0;
  uint64_t size = 0;
};

// Each kind ascending by index. Views point into the bundle that they were read from.
struct IndexRows {
  uint64_t entries = 0;
  std::vector<ActionRow> actions;
  std::vector<SessionRow> sessions;
  std::vector<AnchorRow> anchors;
  Hash lastLeafHash{};  // of the bundle's last entry: the chain makes it that of all before, too
};

// Reads a C2SP entry bundle (length u16, entry)* whose first entry stands at `firstIndex`. Total;
// kCorrupt names the first entry that is none, and `out` then says nothing.
Status readIndexRows(uint64_t firstIndex, Bytes bundle, IndexRows* out);

}  // namespace kudurru
