// The fields of the kinds that the ledger itself depends on (SPEC.md §7). Each reader gives nothing
// for fields of another form; `fields` are those of an EntryView of that kind.
#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "core/entry/entry.h"

namespace kudurru {

std::optional<Bytes> readProvisioningRecord(Bytes fields);  // of a genesis

struct AgentEnrolFields {
  std::string_view agentId;
  Bytes key;  // COSE_Key
};
std::optional<AgentEnrolFields> readAgentEnrol(Bytes fields);

struct SessionOpenFields {
  uint64_t agentIndex = 0;
  uint64_t sessionNumber = 0;
};
std::optional<SessionOpenFields> readSessionOpen(Bytes fields);

struct SessionCloseFields {
  uint64_t sessionIndex = 0;
  uint64_t actionCount = 0;
};
std::optional<SessionCloseFields> readSessionClose(Bytes fields);

std::optional<StatementFields> readStatementFields(Bytes fields);
std::optional<ActionFields> readActionFields(Bytes fields);

struct CommitmentField {
  uint8_t field = 0;
  uint64_t length = 0;
  Bytes digest;
  bool deposited = false;
};
// The commitments of a system entry; empty for a kind without, nothing for a malformed list.
std::optional<std::vector<CommitmentField>> readCommitments(const EntryView& entry);

}  // namespace kudurru
