#include "core/ledger/agent-heads.h"

#include "core/cbor/writer.h"
#include "core/tree/merkle.h"

namespace kudurru {

std::vector<std::vector<uint8_t>> agentHeadLeaves(const LogState& state) {
  return agentHeadLeaves(state.agentsWithActions());
}

std::vector<std::vector<uint8_t>> agentHeadLeaves(const std::vector<AgentState>& agents) {
  std::vector<std::vector<uint8_t>> leaves;
  for (const AgentState& agent : agents) {
    std::vector<uint8_t>& leaf = leaves.emplace_back();
    cbor::Writer(leaf)
        .writeArray(4)
        .writeText(agent.id)
        .writeUnsigned(agent.head->sessionNumber)
        .writeUnsigned(agent.head->lastSequence)
        .writeUnsigned(agent.head->lastIndex);
  }
  return leaves;
}

Hash agentHeadsRoot(const std::vector<std::vector<uint8_t>>& leaves) {
  std::vector<Hash> hashes;
  for (const std::vector<uint8_t>& leaf : leaves) hashes.push_back(leafHash(leaf));
  return treeRoot(hashes);
}

}  // namespace kudurru
