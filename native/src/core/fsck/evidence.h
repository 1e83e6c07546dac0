// What a check of the journal's bytes hands on to whoever knows signatures of log key and TPM:
// checkpoints, and the entries that say who and what signs.
#pragma once

#include <optional>
#include <vector>

#include "core/bytes.h"
#include "core/journal/segment-file.h"

namespace kudurru::fsck {

struct Evidence {
  bool isEntry = false;    // else a record
  bool isRetired = false;  // an entry of a retired segment, from its bundle
  uint8_t number = 0;      // the entry's kind, or the record's type
  Position position;       // of the record; of an entry, that which holds it
  uint64_t index = 0;      // of an entry
  Hash leafHash{};
  uint64_t treeSize = 0;  // when the record was written; for an entry, with it
  // Of a checkpoint or an anchor: the root of the tree of its size, as the entries give it.
  std::optional<Hash> root;
  // Of an anchor: the root over the agents' heads in that tree.
  std::optional<Hash> agentHeadsRoot;
  std::vector<uint8_t> bytes;
};

}  // namespace kudurru::fsck
