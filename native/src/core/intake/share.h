// What one agent has of intake: its connections in turn, and the memory that they hold. Agents are
// told apart by the key that signs for them; connections without a session have one share together.
// So nobody gets more by opening more connections or by sending further ahead.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>

#include "core/bytes.h"

namespace kudurru::intake {

struct Share {
  Hash kid{};                    // of the agent's key; zeros: connections without a session
  std::deque<uint64_t> ready;    // connections with work, in turn
  std::deque<uint64_t> waiting;  // connections whose next frame waits for room, in turn
  size_t heldBytes = 0;
  size_t connections = 0;
  // What it may still take from this turn (costOf in intake.cpp); none is kept without work.
  uint64_t credit = 0;
  size_t toLookAt = 0;         // of `waiting`, in the pass under way
  bool inTurn = false;         // stands in the list of shares with work
  bool inWaitingTurn = false;  // stands in the list of shares with waiting connections

  bool unused() const { return connections == 0 && heldBytes == 0 && !inTurn && !inWaitingTurn; }
};

// A map: shares are pointed at, and stay where they are.
using Shares = std::map<Hash, Share>;

}  // namespace kudurru::intake
