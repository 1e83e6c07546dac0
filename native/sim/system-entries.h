// The entries that the daemon makes by itself, as its TypeScript part writes them: here with
// made-up owners, devices and attestations, which nothing in the core looks into.
#pragma once

#include <string>

#include "context.h"
#include "core/ledger/ledger-types.h"
#include "signing-agent.h"

namespace kudurru::sim {

std::vector<uint8_t> provisioningRecord();

SystemEntry genesisEntry(const Clock& clock);
SystemEntry bootEntry(const Clock& clock, uint64_t number);
SystemEntry uncleanStartEntry(const Clock& clock);
// With the owner's contact as a private body.
SystemEntry enrolEntry(const Clock& clock, const bench::SigningAgent& agent, Random& random);
struct SessionOpening {
  uint64_t agentIndex = 0;
  uint64_t number = 0;
  Bytes request;
};
SystemEntry sessionOpenEntry(const Clock& clock, const SessionOpening& opening);
SystemEntry sessionCloseEntry(const Clock& clock, uint64_t sessionIndex, uint64_t actionCount);
SystemEntry anchorEntry(const Clock& clock, uint64_t sequence, uint64_t size, const Hash& root);
// The sequence of an anchor entry, from its fields.
uint64_t anchorSequenceOf(Bytes fields);
SystemEntry alarmEntry(const Clock& clock, const std::string& words);
SystemEntry stopEntry(const Clock& clock);

}  // namespace kudurru::sim
