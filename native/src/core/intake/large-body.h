// Bodies of more than kBodySizeBytesMax on their way: announced by their first chunk, hashed as the
// chunks come, handed over with the submission that names them. One object a connection. At most
// one body is unfinished, and none keeps its bytes: each chunk goes on to the ledger at once.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/hash/sha256.h"
#include "core/intake/batch.h"
#include "core/submission/body-chunk.h"

namespace kudurru::intake {

// Chunks of a connection that were received and are not in the journal yet.
constexpr size_t kChunksInFlightMax = 2;

class LargeBodies {
 public:
  using FillRandom = std::function<void(MutableBytes)>;

  // Takes the next chunk and says in `item` what it is of, or refuses it: then it is out of turn.
  Refusal take(const submission::BodyChunk& chunk, const FillRandom& fillRandom, ChunkItem& item);

  // What comes of the last body is not kept from now on: its statement is refused with this, unless
  // it is in the ledger already.
  void drop(const Refusal& refusal) { arriving_.back().dropped = refusal; }
  bool isDropping() const { return !arriving_.empty() && arriving_.back().dropped; }

  // Gives the submission the bodies it names as large, and refuses it where they are not exactly
  // those that came since the one before. A body that did not come stays null: a statement that is
  // in the ledger already is answered without it. Whatever the outcome, none is left here.
  void handOver(SubmitItem& item);

 private:
  struct Arriving {
    std::shared_ptr<LargeBody> body;
    uint64_t received = 0;
    bool matches = false;  // complete, and its bytes are those of the commitment
    Refusal dropped{};

    bool isComplete() const { return received == body->length; }
  };

  Refusal begin(const submission::BodyChunk& chunk, const FillRandom& fillRandom);
  static submission::Fault match(const std::vector<Arriving>& arrived, SubmitItem& item);

  std::vector<Arriving> arriving_;  // only the last may be unfinished
  Sha256 hash_;                     // of the last one's bytes so far
};

}  // namespace kudurru::intake
