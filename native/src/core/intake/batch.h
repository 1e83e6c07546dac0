// What intake hands to the pipeline: the frames that arrived while the batch before was being made
// durable. One owner at a time: intake fills it, verification marks it, the ledger answers it,
// intake sends the answers. Everything a submission points to lives in its own `frame`, so an item
// can be moved freely.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/intake/writer.h"
#include "core/submission/submission.h"
#include "core/verify/public-key.h"

namespace kudurru {
struct ChunkRecords;  // core/ledger/chunks.h
}

namespace kudurru::intake {

// SPEC.md §7, the daemon's side of a `committed` answer.
struct Receipt {
  uint64_t firstIndex = 0;  // of the statement entry
  uint32_t count = 0;       // actions
  uint64_t treeSize = 0;    // after the group
  Hash root{};
  std::vector<uint8_t> time;  // the statement entry's time, encoded
};

// Wire values of a refusal's `retry` (SPEC.md §6).
enum class Retry : uint8_t { kNever = 0, kLater = 1, kRestart = 2 };

// A refusal has a static code (see daemon/src/base/errors.ts) and words for the person; code null:
// none.
struct Refusal {
  const char* code = nullptr;
  std::string message;
  Retry retry = Retry::kNever;

  explicit operator bool() const { return code != nullptr; }
};

// The enrolled key that the statements of a session must be signed with.
struct SessionKey {
  std::shared_ptr<const PublicKey> key;
  Hash kid{};  // SPEC.md §2, thumbprint of the COSE_Key
};

// A body of more than submission::kBodySizeBytesMax, as its first chunk announced it: intake and
// the ledger know it by this object, and none of it is changed but `records`.
struct LargeBody {
  Hash digest{};  // of its commitment
  Hash salt{};
  Hash upload{};  // random: tells this coming of the body from every other
  std::string scope;
  uint8_t field = 0;
  uint64_t length = 0;
  std::shared_ptr<ChunkRecords> records;  // the ledger's own: intake never looks at it
};

// One chunk of a large body, on its way to the journal. It is not answered.
struct ChunkItem {
  uint64_t connection = 0;
  std::vector<uint8_t> frame;       // the payload of the body-chunk frame
  std::shared_ptr<LargeBody> body;  // never null
  uint32_t number = 0;              // from 0
  Bytes bytes;                      // the chunk's, in `frame`
  uint64_t heldBytes = 0;           // as a submission's
};

struct SubmitItem {
  uint64_t connection = 0;                // id of the connection, never used twice in a run
  Hash session{};                         // the session bound to that connection
  std::shared_ptr<const SessionKey> key;  // that session's; never null
  std::vector<uint8_t> frame;     // the payload of the submit frame; `parsed` points into it
  submission::Submission parsed;  // meaningful only where refusal is none
  // Of those bodies that are large, in their order; null where one did not come.
  std::vector<std::shared_ptr<LargeBody>> largeBodies;
  int64_t realtimeNs = 0;  // CLOCK_REALTIME when the frame's last byte was received
  int64_t monotonicRawNs = 0;
  // The bodies as a group record holds them (core/ledger/seal-bodies.h); empty until they are
  // sealed.
  std::vector<uint8_t> sealed;
  uint64_t heldBytes = 0;  // intake's own account of the memory, given back with the answer
  // None where the statement could not be read.
  std::optional<uint64_t> firstSequence;
  uint8_t writerLevel = 0;  // SPEC.md §7
  uint8_t level = 1;        // receipt asked for: 1 committed, 2 anchored, 3 final
  Refusal refusal;          // set by any step; a refused item leaves nothing in the ledger
  Refusal unlessRepeated;   // where set: its refusal, unless it is in the ledger already
  Receipt receipt;          // set by the ledger when not refused

  // Its bodies are wanted: it is neither refused nor answered only where it is a repeat.
  bool mayBeNew() const { return !refusal && !unlessRepeated; }
};

// Frames that open or close a session: rare, decided in TypeScript.
struct SessionRequest {
  enum class Kind : uint8_t { kOpen, kClose, kDisconnected };
  Kind kind = Kind::kOpen;
  uint64_t connection = 0;
  std::vector<uint8_t> payload;       // open: the COSE_Sign1; close: the 32-byte session id
  Hash challenge{};                   // the one this connection was given
  std::optional<WriterFacts> writer;  // open: of the frame's writer
  int64_t realtimeNs = 0;
  int64_t monotonicRawNs = 0;
};

// Chunks come before items and items before requests: whoever works on a batch applies all chunks
// first, then all items, then the requests in their order.
struct Batch {
  std::vector<ChunkItem> chunks;
  std::vector<SubmitItem> items;
  std::vector<SessionRequest> requests;
  uint64_t bytes = 0;  // of the frames of chunks and items

  bool forLedger() const { return !chunks.empty() || !items.empty(); }
};

}  // namespace kudurru::intake
