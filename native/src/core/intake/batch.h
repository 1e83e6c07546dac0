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

struct SubmitItem {
  uint64_t connection = 0;                // id of the connection, never used twice in a run
  Hash session{};                         // the session bound to that connection
  std::shared_ptr<const SessionKey> key;  // that session's; never null
  std::vector<uint8_t> frame;     // the payload of the submit frame; `parsed` points into it
  submission::Submission parsed;  // meaningful only where refusal is none
  int64_t realtimeNs = 0;         // CLOCK_REALTIME when the frame's last byte was received
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
  Receipt receipt;          // set by the ledger when not refused
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

// Items come before requests: whoever works on a batch applies all items first, then the requests
// in their order.
struct Batch {
  std::vector<SubmitItem> items;
  std::vector<SessionRequest> requests;
  uint64_t bytes = 0;  // of the items' frames
};

}  // namespace kudurru::intake
