#include "binding/ledger-object.h"

#include <string>
#include <utility>
#include <vector>

#include "binding/batch-holder.h"
#include "binding/convert.h"
#include "binding/intake-convert.h"
#include "binding/ledger-convert.h"
#include "core/clock/suspend.h"
#include "core/journal/big-endian.h"
#include "core/ledger/agent-heads.h"

namespace kudurru::binding {
namespace {

// The answer of one readEntries is bounded: the facade asks again for the rest.
constexpr uint64_t kReadEntriesMax = 1024;

template <class Value>
std::function<Napi::Value(Napi::Env)> arrayMaker(Value value) {
  return [value = std::move(value)](Napi::Env env) { return toArray(env, value); };
}

std::function<Napi::Value(Napi::Env)> bytesMaker(std::vector<uint8_t> bytes) {
  return [bytes = std::move(bytes)](Napi::Env env) { return toUint8Array(env, bytes); };
}

std::vector<uint8_t> copyOf(const Napi::Value& value) {
  const Bytes bytes = bytesOf(value);
  return {bytes.begin(), bytes.end()};
}

}  // namespace

Napi::Function LedgerObject::define(Napi::Env env) {
  return DefineClass(env, "Ledger",
                     {InstanceMethod("open", &LedgerObject::open),
                      InstanceMethod("facts", &LedgerObject::facts),
                      InstanceMethod("apply", &LedgerObject::apply),
                      InstanceMethod("appendRecord", &LedgerObject::appendRecord),
                      InstanceMethod("records", &LedgerObject::records),
                      InstanceMethod("takeNotes", &LedgerObject::takeNotes),
                      InstanceMethod("agents", &LedgerObject::agents),
                      InstanceMethod("agentHeads", &LedgerObject::agentHeads),
                      InstanceMethod("openSessions", &LedgerObject::openSessions),
                      InstanceMethod("lastOfKind", &LedgerObject::lastOfKind),
                      InstanceMethod("readEntries", &LedgerObject::readEntries),
                      InstanceMethod("groupOf", &LedgerObject::groupOf),
                      InstanceMethod("inclusionPath", &LedgerObject::inclusionPath),
                      InstanceMethod("consistencyPath", &LedgerObject::consistencyPath),
                      InstanceMethod("rootAt", &LedgerObject::rootAt),
                      InstanceMethod("publish", &LedgerObject::publish),
                      InstanceMethod("remakeTile", &LedgerObject::remakeTile),
                      InstanceMethod("openBody", &LedgerObject::openBody),
                      InstanceMethod("useScopeKey", &LedgerObject::useScopeKey),
                      InstanceMethod("useSegment", &LedgerObject::useSegment),
                      InstanceMethod("dropSegment", &LedgerObject::dropSegment),
                      InstanceMethod("requireTimeLevel", &LedgerObject::requireTimeLevel),
                      InstanceMethod("retire", &LedgerObject::retire),
                      InstanceMethod("retireNext", &LedgerObject::retireNext),
                      InstanceMethod("stop", &LedgerObject::stop),
                      InstanceMethod("release", &LedgerObject::release)});
}

LedgerObject::LedgerObject(const Napi::CallbackInfo& info)
    : ObjectWrap(info),
      thread_(std::make_unique<LedgerThread>(info.Env(),
                                             ledgerOptionsOf(info[0].As<Napi::Object>()),
                                             [this](bool isBusy) { isBusy ? Ref() : Unref(); })) {}

Napi::Value LedgerObject::post(Napi::Env env, const char* operation, Job job) {
  return thread_->post(env, operation, [job = std::move(job)](LedgerHost& host) -> JobResult {
    if (!host.ledger) return {failure(Code::kClosed, "the ledger is not open"), {}};
    return job(host);
  });
}

Napi::Value LedgerObject::open(const Napi::CallbackInfo& info) {
  return thread_->post(info.Env(), "openLedger", [](LedgerHost& host) -> JobResult {
    Status status = Ledger::open(*host.storage, host.options, &host.ledger, &host.report);
    if (!status.ok()) return {status, {}};
    const LedgerFacts facts = factsOf(*host.ledger, host.options.appliance);
    return {{}, [facts, report = host.report, replay = host.ledger->opening()](Napi::Env env) {
              auto object = toObject(env, report);
              object.Set("replay", toObject(env, replay));
              object.Set("facts", toObject(env, facts));
              return object;
            }};
  });
}

Napi::Value LedgerObject::facts(const Napi::CallbackInfo& info) {
  return toObject(info.Env(), thread_->facts());
}

// (batch handle or null, taiMinusUtcSeconds, system entries)
Napi::Value LedgerObject::apply(const Napi::CallbackInfo& info) {
  SharedBatch batch;
  if (!info[0].IsNull()) batch = batchOf(info[0]);
  const int64_t offset = info[1].As<Napi::Number>().Int64Value();
  auto system = systemEntriesOf(info[2].As<Napi::Array>());
  return post(info.Env(), "apply",
              [batch, offset, system = std::move(system)](LedgerHost& host) mutable -> JobResult {
                ApplyResult result;
                host.ledger->clock().noteSuspended(clock::suspendedNs(1));
                Status status = host.ledger->apply({batch.get(), offset, &system}, &result);
                if (!status.ok()) return {status, {}};
                const LedgerFacts facts = factsOf(*host.ledger, host.options.appliance);
                return {{}, [facts, result, system = std::move(system)](Napi::Env env) {
                          auto object = Napi::Object::New(env);
                          object.Set("facts", toObject(env, facts));
                          object.Set("firstIndex", Napi::BigInt::New(env, result.firstIndex));
                          object.Set("accepted", result.accepted);
                          object.Set("repeated", result.repeated);
                          object.Set("refused", result.refused);
                          object.Set("outcomes", toArray(env, system));
                          return object;
                        }};
              });
}

// (type, bytes)
Napi::Value LedgerObject::appendRecord(const Napi::CallbackInfo& info) {
  const auto type = static_cast<RecordType>(info[0].As<Napi::Number>().Uint32Value());
  return post(info.Env(), "appendRecord",
              [type, bytes = copyOf(info[1])](LedgerHost& host) -> JobResult {
                return {host.ledger->appendRecord(type, bytes), {}};
              });
}

// (type, {newest, fromRecord, beforeRecord})
Napi::Value LedgerObject::records(const Napi::CallbackInfo& info) {
  const auto type = static_cast<RecordType>(info[0].As<Napi::Number>().Uint32Value());
  const RecordsAsked asked = recordsAskedOf(info[1].As<Napi::Object>());
  return post(info.Env(), "records", [type, asked](LedgerHost& host) -> JobResult {
    std::vector<StoredRecord> records;
    Status status = host.ledger->readRecords(type, asked, &records);
    return {status, arrayMaker(std::move(records))};
  });
}

Napi::Value LedgerObject::takeNotes(const Napi::CallbackInfo& info) {
  return post(info.Env(), "takeNotes", [](LedgerHost& host) -> JobResult {
    return {{}, [notes = host.ledger->takeNotes()](Napi::Env env) {
              auto array = Napi::Array::New(env, notes.size());
              uint32_t at = 0;
              for (const std::string& note : notes) array.Set(at++, note);
              return array;
            }};
  });
}

Napi::Value LedgerObject::agents(const Napi::CallbackInfo& info) {
  return post(info.Env(), "agents", [](LedgerHost& host) -> JobResult {
    std::vector<AgentState> agents;
    for (const auto& [index, agent] : host.ledger->state().agents()) agents.push_back(agent);
    return {{}, arrayMaker(std::move(agents))};
  });
}

Napi::Value LedgerObject::agentHeads(const Napi::CallbackInfo& info) {
  return post(info.Env(), "agentHeads", [](LedgerHost& host) -> JobResult {
    const LedgerFacts facts = factsOf(*host.ledger, host.options.appliance);
    auto leaves = agentHeadLeaves(host.ledger->state());
    const Hash root = agentHeadsRoot(leaves);
    return {{}, [facts, root, leaves = std::move(leaves)](Napi::Env env) {
              auto object = toObject(env, facts);
              object.Set("agentHeadsRoot", toUint8Array(env, root));
              object.Set("leaves", toArray(env, leaves));
              return object;
            }};
  });
}

Napi::Value LedgerObject::openSessions(const Napi::CallbackInfo& info) {
  return post(info.Env(), "openSessions", [](LedgerHost& host) -> JobResult {
    return {{}, [sessions = host.ledger->state().openSessions()](Napi::Env env) {
              auto array = Napi::Array::New(env, sessions.size());
              uint32_t at = 0;
              for (const SessionState& session : sessions) array.Set(at++, toObject(env, session));
              return array;
            }};
  });
}

Napi::Value LedgerObject::lastOfKind(const Napi::CallbackInfo& info) {
  const auto kind = static_cast<EntryKind>(info[0].As<Napi::Number>().Uint32Value());
  return post(info.Env(), "lastOfKind", [kind](LedgerHost& host) -> JobResult {
    const auto index = host.ledger->state().lastOfKind(kind);
    return {{}, [index](Napi::Env env) {
              return index ? Napi::Value(Napi::BigInt::New(env, *index)) : env.Null();
            }};
  });
}

// (first, count): as many as there are, at most kReadEntriesMax.
Napi::Value LedgerObject::readEntries(const Napi::CallbackInfo& info) {
  const uint64_t first = integerOf(info[0]);
  const uint64_t count = std::min(integerOf(info[1]), kReadEntriesMax);
  return post(info.Env(), "readEntries", [first, count](LedgerHost& host) -> JobResult {
    const uint64_t size = host.ledger->state().size();
    const uint64_t there = std::min(count, size - std::min(size, first));
    std::vector<uint8_t> bundle;
    Status status = host.ledger->readEntries(first, there, &bundle);
    std::vector<std::vector<uint8_t>> entries;
    for (size_t at = 0; at < bundle.size(); at += entries.back().size() + 2) {
      const uint8_t* start = bundle.data() + at;
      entries.emplace_back(start + 2, start + 2 + get16(start));
    }
    return {status, arrayMaker(std::move(entries))};
  });
}

Napi::Value LedgerObject::groupOf(const Napi::CallbackInfo& info) {
  const uint64_t index = integerOf(info[0]);
  return post(info.Env(), "groupOf", [index](LedgerHost& host) -> JobResult {
    uint64_t size = 0;
    Hash root;
    Status status = host.ledger->groupOf(index, &size, &root);
    return {status, [size, root](Napi::Env env) {
              auto object = Napi::Object::New(env);
              object.Set("size", Napi::BigInt::New(env, size));
              object.Set("root", toUint8Array(env, root));
              return object;
            }};
  });
}

// (index, size)
Napi::Value LedgerObject::inclusionPath(const Napi::CallbackInfo& info) {
  const uint64_t index = integerOf(info[0]);
  const uint64_t size = integerOf(info[1]);
  return post(info.Env(), "inclusionPath", [index, size](LedgerHost& host) -> JobResult {
    std::vector<Hash> path;
    Status status = kudurru::inclusionPath(host.ledger->nodes(), index, size, &path);
    return {status, arrayMaker(std::move(path))};
  });
}

// (old size, size)
Napi::Value LedgerObject::consistencyPath(const Napi::CallbackInfo& info) {
  const uint64_t oldSize = integerOf(info[0]);
  const uint64_t size = integerOf(info[1]);
  return post(info.Env(), "consistencyPath", [oldSize, size](LedgerHost& host) -> JobResult {
    std::vector<Hash> path;
    Status status = kudurru::consistencyPath(host.ledger->nodes(), oldSize, size, &path);
    return {status, arrayMaker(std::move(path))};
  });
}

Napi::Value LedgerObject::rootAt(const Napi::CallbackInfo& info) {
  const uint64_t size = integerOf(info[0]);
  return post(info.Env(), "rootAt", [size](LedgerHost& host) -> JobResult {
    Hash root;
    Status status = kudurru::rootAt(host.ledger->nodes(), size, &root);
    return {status, bytesMaker({root.begin(), root.end()})};
  });
}

Napi::Value LedgerObject::publish(const Napi::CallbackInfo& info) {
  const uint64_t size = integerOf(info[0]);
  return post(info.Env(), "publish",
              [size](LedgerHost& host) -> JobResult { return {host.ledger->publish(size), {}}; });
}

// (level or null for an entry bundle, index, width)
Napi::Value LedgerObject::remakeTile(const Napi::CallbackInfo& info) {
  TileName name;
  if (!info[0].IsNull()) name.level = info[0].As<Napi::Number>().Uint32Value();
  name.index = integerOf(info[1]);
  name.width = info[2].As<Napi::Number>().Uint32Value();
  return post(info.Env(), "remakeTile", [name](LedgerHost& host) -> JobResult {
    std::vector<uint8_t> bytes;
    Status status = host.ledger->remakeTile(name, &bytes);
    return {status, bytesMaker(std::move(bytes))};
  });
}

// (index, field)
Napi::Value LedgerObject::openBody(const Napi::CallbackInfo& info) {
  const uint64_t index = integerOf(info[0]);
  const auto field = static_cast<uint8_t>(info[1].As<Napi::Number>().Uint32Value());
  return post(info.Env(), "openBody", [index, field](LedgerHost& host) -> JobResult {
    std::vector<uint8_t> plain;
    Status status = host.ledger->openBody(index, field, &plain);
    return {status, bytesMaker(std::move(plain))};
  });
}

// (scope, key)
Napi::Value LedgerObject::useScopeKey(const Napi::CallbackInfo& info) {
  const std::string scope = info[0].As<Napi::String>().Utf8Value();
  return post(info.Env(), "useScopeKey", [this, scope, key = hashOf(info[1])](LedgerHost& host) {
    host.ledger->setScopeKey(scope, key);
    conveyor()->useScopeKey(scope, key);
    return JobResult{};
  });
}

// (segment, suspendedNs). The evidence that the segment names is in the log: jobs and groups are
// one after the other.
Napi::Value LedgerObject::useSegment(const Napi::CallbackInfo& info) {
  const clock::Segment segment = segmentOf(info[0].As<Napi::Object>());
  bool isLossless = false;
  const int64_t suspendedNs = info[1].As<Napi::BigInt>().Int64Value(&isLossless);
  return post(info.Env(), "useSegment", [segment, suspendedNs](LedgerHost& host) -> JobResult {
    if (segment.evidenceIndex >= host.ledger->state().size()) {
      return {failure(Code::kBadArgument, "the log has no such entry of evidence"), {}};
    }
    host.ledger->clock().use(segment, suspendedNs);
    return {};
  });
}

Napi::Value LedgerObject::dropSegment(const Napi::CallbackInfo& info) {
  return post(info.Env(), "dropSegment", [](LedgerHost& host) -> JobResult {
    host.ledger->clock().drop();
    return {};
  });
}

// (agentIndex, level)
Napi::Value LedgerObject::requireTimeLevel(const Napi::CallbackInfo& info) {
  const uint64_t agent = integerOf(info[0]);
  const auto level = static_cast<uint8_t>(info[1].As<Napi::Number>().Uint32Value());
  return post(info.Env(), "requireTimeLevel", [agent, level](LedgerHost& host) -> JobResult {
    host.ledger->clock().require(agent, level);
    return {};
  });
}

// ({before, anchored, folder})
Napi::Value LedgerObject::retire(const Napi::CallbackInfo& info) {
  const auto given = info[0].As<Napi::Object>();
  RetireAsked asked;
  asked.before = integerOf(given.Get("before"));
  asked.anchored = integerOf(given.Get("anchored"));
  asked.folder = given.Get("folder").As<Napi::String>().Utf8Value();
  return post(info.Env(), "retire", [asked](LedgerHost& host) mutable -> JobResult {
    asked.wasStopped = host.report.stoppedCleanly;
    host.retirement = std::make_unique<Retirement>(*host.ledger);
    Status status = host.retirement->begin(asked);
    const RetiredMark mark = host.retirement->mark();
    return {status, [mark, left = host.retirement->left()](Napi::Env env) {
              auto object = Napi::Object::New(env);
              object.Set("firstSegment", mark.firstSegment);
              object.Set("lastSegment", mark.nextSegment() - 1);
              object.Set("firstIndex", Napi::BigInt::New(env, mark.firstIndex));
              object.Set("left", left);
              return object;
            }};
  });
}

Napi::Value LedgerObject::retireNext(const Napi::CallbackInfo& info) {
  return post(info.Env(), "retire", [](LedgerHost& host) -> JobResult {
    uint64_t bytes = 0;
    const bool isUnderWay = host.retirement && host.retirement->left() != 0;
    Status status = isUnderWay ? host.retirement->moveNext(&bytes)
                               : failure(Code::kBadArgument, "no segment is left to be moved");
    return {status, [bytes](Napi::Env env) { return Napi::BigInt::New(env, bytes); }};
  });
}

Napi::Value LedgerObject::stop(const Napi::CallbackInfo& info) {
  return post(info.Env(), "stop",
              [](LedgerHost& host) -> JobResult { return {host.ledger->stop(), {}}; });
}

Napi::Value LedgerObject::release(const Napi::CallbackInfo& info) {
  return thread_->post(info.Env(), "release", [](LedgerHost& host) -> JobResult {
    host.retirement.reset();
    host.ledger.reset();
    return {};
  });
}

}  // namespace kudurru::binding
