#include "binding/intake-convert.h"

#include <algorithm>

#include "binding/convert.h"
#include "core/cbor/writer.h"
#include "core/hash/sha256.h"

namespace kudurru::binding {
namespace {

using intake::SessionRequest;

Napi::Value bigint(Napi::Env env, uint64_t value) { return Napi::BigInt::New(env, value); }
Napi::Value bigint(Napi::Env env, int64_t value) { return Napi::BigInt::New(env, value); }
Napi::Value number(Napi::Env env, uint64_t value) {
  return Napi::Number::New(env, static_cast<double>(value));
}

template <class Value>
void readLimit(const Napi::Object& limits, const char* name, Value& value) {
  const Napi::Value given = limits.Get(name);
  if (!given.IsUndefined()) value = static_cast<Value>(integerOf(given));
}

intake::Limits limitsOf(const Napi::Object& object) {
  intake::Limits limits;
  readLimit(object, "connectionsMax", limits.connectionsMax);
  readLimit(object, "inFlightMax", limits.inFlightMax);
  readLimit(object, "connectionBytesMax", limits.connectionBytesMax);
  readLimit(object, "agentBytesMax", limits.agentBytesMax);
  readLimit(object, "totalBytesMax", limits.totalBytesMax);
  readLimit(object, "outgoingBytesHigh", limits.outgoingBytesHigh);
  readLimit(object, "outgoingBytesMax", limits.outgoingBytesMax);
  readLimit(object, "outgoingTotalBytesMax", limits.outgoingTotalBytesMax);
  readLimit(object, "batchItemsMax", limits.batchItemsMax);
  readLimit(object, "batchActionsMax", limits.batchActionsMax);
  readLimit(object, "batchBytesMax", limits.batchBytesMax);
  readLimit(object, "queueTimeMs", limits.queueTimeMs);
  readLimit(object, "stallTimeMs", limits.stallTimeMs);
  readLimit(object, "frameTimeMs", limits.frameTimeMs);
  readLimit(object, "handshakeTimeMs", limits.handshakeTimeMs);
  readLimit(object, "drainTimeMs", limits.drainTimeMs);
  return limits;
}

// SPEC.md §2: the thumbprint of the COSE_Key with exactly the required members.
Hash keyIdOf(Algorithm algorithm, Bytes encoded) {
  std::vector<uint8_t> key;
  cbor::Writer writer(key);
  if (algorithm == Algorithm::kEd25519) {
    writer.writeMap(3).writeUnsigned(1).writeUnsigned(1).writeInteger(-1).writeUnsigned(6);
    writer.writeInteger(-2).writeBytes(encoded);
  } else {
    const size_t size = (encoded.size() - 1) / 2;
    writer.writeMap(4).writeUnsigned(1).writeUnsigned(2).writeInteger(-1).writeUnsigned(1);
    writer.writeInteger(-2).writeBytes(encoded.subspan(1, size));
    writer.writeInteger(-3).writeBytes(encoded.subspan(1 + size));
  }
  return sha256(key);
}

const char* nameOf(SessionRequest::Kind kind) {
  switch (kind) {
    case SessionRequest::Kind::kOpen:
      return "open";
    case SessionRequest::Kind::kClose:
      return "close";
    case SessionRequest::Kind::kDisconnected:
      return "disconnected";
  }
  return "disconnected";
}

Napi::Object toObject(Napi::Env env, const SessionRequest& request) {
  auto object = Napi::Object::New(env);
  object.Set("kind", nameOf(request.kind));
  object.Set("connection", bigint(env, request.connection));
  object.Set("payload", toUint8Array(env, request.payload));
  object.Set("challenge", toUint8Array(env, request.challenge));
  object.Set("realtimeNs", bigint(env, request.realtimeNs));
  object.Set("monotonicRawNs", bigint(env, request.monotonicRawNs));
  return object;
}

template <class Value, class Make>
Napi::Value orNull(Napi::Env env, const std::optional<Value>& value, Make make) {
  if (!value.has_value()) return env.Null();
  return make(*value);
}

}  // namespace

uint64_t integerOf(const Napi::Value& value) {
  if (value.IsBigInt()) {
    bool lossless = false;
    return value.As<Napi::BigInt>().Uint64Value(&lossless);
  }
  return static_cast<uint64_t>(value.As<Napi::Number>().Int64Value());
}

Hash hashOf(const Napi::Value& value) {
  Hash hash{};
  const Bytes bytes = bytesOf(value);
  std::copy_n(bytes.begin(), std::min(bytes.size(), hash.size()), hash.begin());
  return hash;
}

intake::ServerOptions serverOptionsOf(const Napi::Object& object, intake::WriterLevel level) {
  intake::ServerOptions options;
  options.listener.path = object.Get("socketPath").As<Napi::String>();
  options.listener.mode = object.Get("socketMode").As<Napi::Number>().Uint32Value();
  options.listener.descriptor = object.Get("descriptor").As<Napi::Number>().Int32Value();
  options.listener.writerLevel = level;
  options.intake.ledgerId = hashOf(object.Get("ledgerId"));
  options.intake.origin = object.Get("origin").As<Napi::String>();
  options.intake.writerLevel = level;
  options.intake.limits = limitsOf(object.Get("limits").As<Napi::Object>());
  return options;
}

intake::Binding bindingOf(const Napi::Object& object) {
  intake::Binding binding;
  binding.opened.sessionId = hashOf(object.Get("sessionId"));
  binding.opened.sessionIndex = integerOf(object.Get("sessionIndex"));
  binding.opened.sessionNumber = integerOf(object.Get("sessionNumber"));
  binding.opened.nextSequence = integerOf(object.Get("nextSequence"));
  binding.opened.previousStatementHash = hashOf(object.Get("previousStatementHash"));
  const auto algorithm =
      static_cast<Algorithm>(object.Get("algorithm").As<Napi::Number>().Int32Value());
  const Bytes encoded = bytesOf(object.Get("publicKey"));
  std::shared_ptr<const PublicKey> key = PublicKey::parse(algorithm, encoded);
  if (key == nullptr) return binding;
  binding.key = std::make_shared<const intake::SessionKey>(
      intake::SessionKey{std::move(key), keyIdOf(algorithm, encoded)});
  return binding;
}

Napi::Object toObject(Napi::Env env, const Delivery& delivery) {
  const intake::Batch& batch = *delivery.batch;
  auto requests = Napi::Array::New(env, batch.requests.size());
  for (uint32_t i = 0; i < batch.requests.size(); ++i) {
    requests[i] = toObject(env, batch.requests[i]);
  }
  auto scopes = Napi::Array::New(env, delivery.scopes.size());
  for (uint32_t i = 0; i < delivery.scopes.size(); ++i) scopes[i] = delivery.scopes[i];
  auto object = Napi::Object::New(env);
  object.Set("handle", wrapBatch(env, delivery.batch));
  object.Set("items", number(env, batch.items.size()));
  object.Set("chunks", number(env, batch.chunks.size()));
  object.Set("actions", number(env, delivery.actions));
  object.Set("bytes", number(env, batch.bytes));
  object.Set("requests", requests);
  object.Set("scopes", scopes);
  auto committed = Napi::Object::New(env);
  committed.Set("actions", number(env, delivery.committed.actions));
  committed.Set("waiters", toArray(env, delivery.committed.waiters));
  object.Set("committed", committed);
  return object;
}

Napi::Object toObject(Napi::Env env, const intake::WriterFacts& facts) {
  const auto text = [env](const std::string& value) { return Napi::String::New(env, value); };
  const auto integer = [env](uint64_t value) { return number(env, value); };
  const bool unique = facts.level == intake::WriterLevel::kPidfdInode;
  auto object = Napi::Object::New(env);
  object.Set("pid", facts.writer.pid);
  object.Set("uid", facts.writer.uid);
  object.Set("gid", facts.writer.gid);
  object.Set("inode", unique ? bigint(env, facts.writer.inode) : env.Null());
  object.Set("startTime", orNull(env, facts.startTime, integer));
  object.Set("exe", orNull(env, facts.exe, text));
  object.Set("cgroup", orNull(env, facts.cgroup, text));
  object.Set("level", static_cast<unsigned>(facts.level));
  return object;
}

Napi::Object toObject(Napi::Env env, const intake::Stats& stats) {
  auto refusals = Napi::Object::New(env);
  for (const auto& [code, count] : stats.refusals) refusals.Set(code, number(env, count));
  auto object = Napi::Object::New(env);
  object.Set("connections", number(env, stats.connections));
  object.Set("connectionsInAll", number(env, stats.connectionsInAll));
  object.Set("waitingConnections", number(env, stats.waitingConnections));
  object.Set("queuedFrames", number(env, stats.queuedItems));
  object.Set("inBatches", number(env, stats.inBatches));
  object.Set("heldBytes", number(env, stats.heldBytes));
  object.Set("heldBytesHighest", number(env, stats.heldBytesHighest));
  object.Set("outgoingBytes", number(env, stats.outgoingBytes));
  object.Set("agents", number(env, stats.agents));
  object.Set("batches", number(env, stats.batches));
  object.Set("submissions", number(env, stats.submissions));
  object.Set("refusals", refusals);
  return object;
}

Napi::Array toArray(Napi::Env env, const std::vector<Waiter>& waiters) {
  auto array = Napi::Array::New(env, waiters.size());
  for (uint32_t i = 0; i < waiters.size(); ++i) {
    auto waiter = Napi::Object::New(env);
    waiter.Set("connection", bigint(env, waiters[i].connection));
    waiter.Set("firstSequence", number(env, waiters[i].firstSequence));
    waiter.Set("firstIndex", bigint(env, waiters[i].firstIndex));
    waiter.Set("level", waiters[i].level);
    array[i] = waiter;
  }
  return array;
}

std::vector<LeapStep> leapStepsOf(const Napi::Array& array) {
  std::vector<LeapStep> steps;
  for (uint32_t i = 0; i < array.Length(); ++i) {
    const auto step = array.Get(i).As<Napi::Array>();
    steps.push_back({static_cast<int64_t>(integerOf(step.Get(uint32_t{0}))),
                     step.Get(uint32_t{1}).As<Napi::Number>().Int64Value()});
  }
  return steps;
}

}  // namespace kudurru::binding
