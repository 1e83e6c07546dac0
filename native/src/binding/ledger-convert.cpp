#include "binding/ledger-convert.h"

#include <unistd.h>

#include <string>

#include "binding/convert.h"
#include "binding/intake-convert.h"

namespace kudurru::binding {
namespace {

Napi::Value big(Napi::Env env, uint64_t value) { return Napi::BigInt::New(env, value); }

Napi::Object toObject(Napi::Env env, const Position& position) {
  auto object = Napi::Object::New(env);
  object.Set("segment", position.segment);
  object.Set("offset", big(env, position.offset));
  object.Set("record", big(env, position.record));
  return object;
}

// One for each element, made by `convert`.
template <class Items, class Convert>
Napi::Array arrayOf(Napi::Env env, const Items& items, Convert&& convert) {
  auto array = Napi::Array::New(env, items.size());
  uint32_t at = 0;
  for (const auto& item : items) array.Set(at++, convert(item));
  return array;
}

}  // namespace

LedgerOptions ledgerOptionsOf(const Napi::Object& object) {
  LedgerOptions options;
  options.folder = object.Get("folder").As<Napi::String>().Utf8Value();
  options.ledgerId = hashOf(object.Get("ledgerId"));
  options.appliance = integerOf(object.Get("appliance"));
  options.segmentBytes = integerOf(object.Get("segmentBytes"));
  options.processId = static_cast<uint32_t>(::getpid());
  return options;
}

RecordsAsked recordsAskedOf(const Napi::Object& object) {
  return {integerOf(object.Get("newest")), integerOf(object.Get("fromRecord")),
          integerOf(object.Get("beforeRecord"))};
}

clock::Segment segmentOf(const Napi::Object& object) {
  const auto signedOf = [&object](const char* name) {
    bool isLossless = false;
    return object.Get(name).As<Napi::BigInt>().Int64Value(&isLossless);
  };
  const auto widthOf = [&object](const char* name) -> std::optional<uint64_t> {
    const Napi::Value value = object.Get(name);
    if (value.IsNull()) return std::nullopt;
    return integerOf(value);
  };
  clock::Segment segment;
  segment.baseRawNs = signedOf("baseRawNs");
  segment.baseTaiNs = signedOf("baseTaiNs");
  segment.ratePpb = signedOf("ratePpb");
  segment.statisticalNs = widthOf("statisticalNs");
  segment.adversarialNs = widthOf("adversarialNs");
  segment.statisticalGrowthPpb = integerOf(object.Get("statisticalGrowthPpb"));
  segment.adversarialGrowthPpb = integerOf(object.Get("adversarialGrowthPpb"));
  segment.level = static_cast<uint8_t>(object.Get("level").As<Napi::Number>().Uint32Value());
  segment.evidenceIndex = integerOf(object.Get("evidenceIndex"));
  segment.lockedUntilRawNs = signedOf("lockedUntilRawNs");
  segment.holdoverUntilRawNs = signedOf("holdoverUntilRawNs");
  segment.widthMaxNs = integerOf(object.Get("widthMaxNs"));
  return segment;
}

std::vector<SystemEntry> systemEntriesOf(const Napi::Array& array) {
  std::vector<SystemEntry> entries(array.Length());
  for (uint32_t at = 0; at < array.Length(); ++at) {
    const auto object = array.Get(at).As<Napi::Object>();
    SystemEntry& entry = entries[at];
    entry.kind = static_cast<uint8_t>(object.Get("number").As<Napi::Number>().Uint32Value());
    entry.taiNs = integerOf(object.Get("taiNs"));
    entry.monotonicRawNs = integerOf(object.Get("monotonicRawNs"));
    const Bytes fields = bytesOf(object.Get("fields"));
    entry.fields.assign(fields.begin(), fields.end());
    const auto bodies = object.Get("bodies").As<Napi::Array>();
    entry.bodies.resize(bodies.Length());
    for (uint32_t body = 0; body < bodies.Length(); ++body) {
      const auto parts = bodies.Get(body).As<Napi::Object>();
      const Bytes bytes = bytesOf(parts.Get("bytes"));
      entry.bodies[body].field =
          static_cast<uint8_t>(parts.Get("field").As<Napi::Number>().Uint32Value());
      entry.bodies[body].salt = hashOf(parts.Get("salt"));
      entry.bodies[body].bytes.assign(bytes.begin(), bytes.end());
    }
  }
  return entries;
}

LedgerFacts factsOf(const Ledger& ledger, uint64_t appliance) {
  const LogState& state = ledger.state();
  const ApplianceState own = state.applianceState(appliance);
  const ChunkCounts& chunks = ledger.chunkCounts();
  return {state.size(),
          state.root(),
          own.lastTaiNs,
          own.bootIndex,
          state.countOfKind(EntryKind::kBoot),
          chunks.storedBytes - chunks.namedBytes};
}

Napi::Object toObject(Napi::Env env, const LedgerFacts& facts) {
  auto object = Napi::Object::New(env);
  object.Set("size", big(env, facts.size));
  object.Set("root", toUint8Array(env, facts.root));
  object.Set("lastTaiNs", big(env, facts.lastTaiNs));
  object.Set("bootIndex", big(env, facts.bootIndex));
  object.Set("bootCount", static_cast<double>(facts.bootCount));
  object.Set("unnamedChunkBytes", big(env, facts.unnamedChunkBytes));
  return object;
}

Napi::Object toObject(Napi::Env env, const JournalReport& report) {
  auto object = Napi::Object::New(env);
  object.Set("created", report.created);
  object.Set("stoppedCleanly", report.stoppedCleanly);
  object.Set("tornBytes", big(env, report.tornBytes));
  object.Set("tornAt", toObject(env, report.tornAt));
  object.Set("tailRead", std::string(tailReadName(report.tailRead)));
  return object;
}

Napi::Object toObject(Napi::Env env, const LedgerOpening& opening) {
  auto object = Napi::Object::New(env);
  object.Set("snapshot", opening.snapshot ? Napi::Number::New(env, *opening.snapshot) : env.Null());
  object.Set("from", toObject(env, opening.replayedFrom));
  object.Set("records", big(env, opening.replayedRecords));
  return object;
}

Napi::Array toArray(Napi::Env env, const std::vector<SystemEntry>& outcomes) {
  return arrayOf(env, outcomes, [env](const SystemEntry& entry) {
    auto object = Napi::Object::New(env);
    if (entry.refusal) {
      auto refusal = Napi::Object::New(env);
      refusal.Set("code", entry.refusal.code);
      refusal.Set("message", entry.refusal.message);
      refusal.Set("retry", static_cast<double>(entry.refusal.retry));
      object.Set("refusal", refusal);
    } else {
      object.Set("index", big(env, entry.index));
      object.Set("leafHash", toUint8Array(env, entry.leafHash));
    }
    return object;
  });
}

Napi::Array toArray(Napi::Env env, const std::vector<Hash>& hashes) {
  return arrayOf(env, hashes, [env](const Hash& hash) { return toUint8Array(env, hash); });
}

Napi::Array toArray(Napi::Env env, const std::vector<std::vector<uint8_t>>& items) {
  return arrayOf(env, items,
                 [env](const std::vector<uint8_t>& item) { return toUint8Array(env, item); });
}

Napi::Array toArray(Napi::Env env, const std::vector<StoredRecord>& records) {
  return arrayOf(env, records, [env](const StoredRecord& record) {
    auto object = Napi::Object::New(env);
    object.Set("record", big(env, record.record));
    object.Set("treeSize", big(env, record.treeSize));
    object.Set("bytes", toUint8Array(env, record.bytes));
    return object;
  });
}

Napi::Array toArray(Napi::Env env, const std::vector<AgentState>& agents) {
  return arrayOf(env, agents, [env](const AgentState& agent) {
    auto object = Napi::Object::New(env);
    object.Set("index", big(env, agent.index));
    object.Set("agentId", agent.id);
    object.Set("nextSessionNumber", static_cast<double>(agent.nextSessionNumber));
    return object;
  });
}

Napi::Object toObject(Napi::Env env, const SessionState& session) {
  auto object = Napi::Object::New(env);
  object.Set("index", big(env, session.index));
  object.Set("id", toUint8Array(env, session.id));
  object.Set("agentIndex", big(env, session.agentIndex));
  object.Set("number", static_cast<double>(session.number));
  object.Set("nextSequence", big(env, session.nextSequence));
  object.Set("previousStatementHash", toUint8Array(env, session.previousStatementHash));
  return object;
}

}  // namespace kudurru::binding
