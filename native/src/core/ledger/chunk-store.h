// Large bodies in the ledger: their chunks go into the journal ahead of the statement, and the
// group of the statement lists where they stand.
#pragma once

#include <vector>

#include "core/body/body-cipher.h"
#include "core/journal/journal.h"
#include "core/ledger/chunks.h"
#include "core/ledger/group.h"

namespace kudurru {

class ChunkStore {
 public:
  const ChunkCounts& counts() const { return counts_; }
  void restore(const ChunkCounts& counts) { counts_ = counts; }

  // Seals the chunk and appends it; `key` is of its scope, null where there is none yet. A chunk
  // that cannot be kept is remembered with its body: the statement that commits to it is refused
  // for the same reason, and what comes of the body after it is not written.
  Status store(const intake::ChunkItem& item, const Hash* key, Journal& journal);
  // Completes the sealed bodies of an accepted submission: where the chunks of the large ones are.
  void list(intake::SubmitItem& item);

  // What a replay meets.
  void noteRecord(Bytes payload) { counts_.storedBytes += payload.size(); }
  void noteGroup(const GroupView& group);

 private:
  ChunkCounts counts_;
  BodyCipher cipher_;
  std::vector<uint8_t> sealed_;
};

// Why the submission's large bodies are not all in the journal; none where they are.
intake::Refusal checkLargeBodies(const intake::SubmitItem& item);

}  // namespace kudurru
