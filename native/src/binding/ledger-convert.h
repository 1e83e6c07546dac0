// The ledger's values ↔ JavaScript. Indexes, sizes and times are bigints, small numbers numbers.
#pragma once

#include <napi.h>

#include <vector>

#include "core/ledger/ledger.h"

namespace kudurru::binding {

// {folder, ledgerId, appliance, segmentBytes}
LedgerOptions ledgerOptionsOf(const Napi::Object& object);
// {newest, fromRecord, beforeRecord}
RecordsAsked recordsAskedOf(const Napi::Object& object);
// Of the facade's ClockSegment.
clock::Segment segmentOf(const Napi::Object& object);
// [{number, taiNs, monotonicRawNs, fields, bodies: [{field, salt, bytes}]}]
std::vector<SystemEntry> systemEntriesOf(const Napi::Array& array);

// What the JavaScript side may ask for at any moment without a job.
struct LedgerFacts {
  uint64_t size = 0;
  Hash root{};
  uint64_t lastTaiNs = 0;
  uint64_t bootIndex = 0;
  uint64_t bootCount = 0;
  uint64_t unnamedChunkBytes = 0;
};
LedgerFacts factsOf(const Ledger& ledger, uint64_t appliance);

Napi::Object toObject(Napi::Env env, const LedgerFacts& facts);
Napi::Object toObject(Napi::Env env, const JournalReport& report);
Napi::Object toObject(Napi::Env env, const LedgerOpening& opening);
Napi::Array toArray(Napi::Env env, const std::vector<SystemEntry>& outcomes);
Napi::Array toArray(Napi::Env env, const std::vector<Hash>& hashes);
Napi::Array toArray(Napi::Env env, const std::vector<std::vector<uint8_t>>& items);
Napi::Array toArray(Napi::Env env, const std::vector<StoredRecord>& records);
Napi::Array toArray(Napi::Env env, const std::vector<AgentState>& agents);
Napi::Object toObject(Napi::Env env, const SessionState& session);

}  // namespace kudurru::binding
