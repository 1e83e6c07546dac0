// Where each agent stood at a size of the log (SPEC.md §9): the leaves under `agentHeadsRoot`.
#pragma once

#include <vector>

#include "core/ledger/log-state.h"

namespace kudurru {

// `[agentId, sessionNumber, lastSequence, lastIndex]` of each agent with an action, by id.
std::vector<std::vector<uint8_t>> agentHeadLeaves(const LogState& state);
// The same of agents that all have a head, in this order.
std::vector<std::vector<uint8_t>> agentHeadLeaves(const std::vector<AgentState>& agents);

// RFC 6962 root over the leaves.
Hash agentHeadsRoot(const std::vector<std::vector<uint8_t>>& leaves);

}  // namespace kudurru
