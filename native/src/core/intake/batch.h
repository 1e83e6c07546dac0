// What intake hands to the pipeline: the frames that arrived while the batch before was being made
// durable. One owner at a time: intake fills it, verification marks it, the ledger answers it,
// intake sends the answers. Everything a submission points to lives in its own `frame`, so an item
// can be moved freely.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "core/submission/submission.h"

namespace kudurru::intake {

using Hash = std::array<uint8_t, 32>;

// SPEC.md §7, the daemon's side of a `committed` answer.
struct Receipt {
  uint64_t first_index = 0;  // of the statement entry
  uint32_t count = 0;        // actions
  uint64_t tree_size = 0;    // after the group
  Hash root{};
  std::vector<uint8_t> time;  // the statement entry's time, encoded
};

// A refusal has a static code (see daemon/src/base/errors.ts) and words for the person; code null:
// none.
struct Refusal {
  const char* code = nullptr;
  std::string message;
  uint8_t retry = 0;  // 0 never, 1 later, 2 restart
};

// The enrolled key that the statements of a session must be signed with.
struct SessionKey {
  int8_t algorithm = 0;             // COSE: -19 Ed25519, -9 ESP256
  std::vector<uint8_t> public_key;  // Ed25519: 32 bytes; P-256: x || y, 64 bytes
  Hash kid{};                       // SPEC.md §2, thumbprint of the COSE_Key
};

struct SubmitItem {
  uint64_t connection = 0;                // id of the connection, never used twice in a run
  std::shared_ptr<const SessionKey> key;  // never null
  Hash session{};                         // the session bound to that connection
  std::vector<uint8_t> frame;  // the payload of the submit frame; `parsed` points into it
  submission::Submission parsed;
  int64_t realtime_ns = 0;  // CLOCK_REALTIME when the frame's last byte was received
  int64_t monotonic_raw_ns = 0;
  uint8_t writer_level = 0;  // SPEC.md §7
  uint8_t level = 1;         // receipt asked for: 1 committed, 2 anchored, 3 final
  Refusal refusal;           // set by any step; a refused item leaves nothing in the ledger
  Receipt receipt;           // set by the ledger when not refused
};

// Frames that open or close a session: rare, decided in TypeScript.
struct SessionRequest {
  enum class Kind : uint8_t { kOpen, kClose, kDisconnected };
  Kind kind = Kind::kOpen;
  uint64_t connection = 0;
  std::vector<uint8_t> payload;  // open: the COSE_Sign1; close: the 32-byte session id
  Hash challenge{};              // the one this connection was given
  int64_t realtime_ns = 0;
  int64_t monotonic_raw_ns = 0;
};

struct Batch {
  std::vector<SubmitItem> items;
  std::vector<SessionRequest> requests;
  uint64_t bytes = 0;
};

}  // namespace kudurru::intake
