#include "binding/intake-object.h"

#include <algorithm>
#include <memory>
#include <utility>

#include "binding/addon-state.h"
#include "binding/convert.h"
#include "binding/intake-convert.h"
#include "binding/ledger-object.h"
#include "core/intake/submit-item.h"

namespace kudurru::binding {
namespace {

using intake::SessionRequest;

constexpr size_t kQueueUnbounded = 0;

Napi::Error failed(Napi::Env env, const char* code, const char* operation, std::string message) {
  return makeError(env, {"intake", code, operation, std::move(message)});
}

class VerifyBatchWorker final : public Napi::AsyncWorker {
 public:
  VerifyBatchWorker(Napi::Env env, SharedBatch batch, std::shared_ptr<WorkerPool> pool)
      : AsyncWorker(env),
        batch_(std::move(batch)),
        pool_(std::move(pool)),
        deferred_(Napi::Promise::Deferred::New(env)) {}

  Napi::Promise promise() const { return deferred_.Promise(); }

  void Execute() override {
    pool_->run(batch_->items.size(),
               [this](size_t index) { intake::verifySignature(batch_->items[index]); });
  }

  void OnOK() override { deferred_.Resolve(Env().Undefined()); }

  void OnError(const Napi::Error& error) override {
    deferred_.Reject(failed(Env(), "verify-failed", "verify", error.Message()).Value());
  }

 private:
  SharedBatch batch_;
  std::shared_ptr<WorkerPool> pool_;
  Napi::Promise::Deferred deferred_;
};

bool isAnswered(const intake::SubmitItem& item) {
  return item.refusal || (item.receipt.count != 0 && !item.receipt.time.empty());
}

}  // namespace

Napi::Function IntakeObject::define(Napi::Env env) {
  return DefineClass(
      env, "Intake",
      {InstanceMethod("connect", &IntakeObject::connect),
       InstanceMethod("next", &IntakeObject::next), InstanceMethod("verify", &IntakeObject::verify),
       InstanceMethod("answer", &IntakeObject::answer),
       InstanceMethod("waiters", &IntakeObject::waiters),
       InstanceMethod("bindSession", &IntakeObject::bindSession),
       InstanceMethod("refuse", &IntakeObject::refuse),
       InstanceMethod("refuseSubmissions", &IntakeObject::refuseSubmissions),
       InstanceMethod("pushAnchored", &IntakeObject::pushAnchored),
       InstanceMethod("closeSession", &IntakeObject::closeSession),
       InstanceMethod("writerFacts", &IntakeObject::writerFacts),
       InstanceMethod("stats", &IntakeObject::stats), InstanceMethod("stop", &IntakeObject::stop)});
}

// (options, writerLevel): probed by the caller, so that both see the same.
IntakeObject::IntakeObject(const Napi::CallbackInfo& info) : ObjectWrap(info) {
  Napi::Env env = info.Env();
  const auto options = info[0].As<Napi::Object>();
  writerLevel_ = static_cast<intake::WriterLevel>(info[1].As<Napi::Number>().Uint32Value());
  intake::ServerOptions serverOptions = serverOptionsOf(options, writerLevel_);
  limits_ = serverOptions.intake.limits;
  std::unique_ptr<intake::Server> server;
  if (const auto problem = intake::Server::open(serverOptions, server)) {
    throw failed(env, problem->code, "startIntake", problem->message);
  }
  const unsigned threads = options.Get("verifyThreads").As<Napi::Number>().Uint32Value();
  pool_ = std::make_shared<WorkerPool>(threads - 1);
  verifyThreads_ = threads;
  const auto onNotify = Napi::Function::New(env, [this](const Napi::CallbackInfo& call) {
    if (call[0].As<Napi::Boolean>()) return ended(call.Env());
    delivered(call.Env());
  });
  auto notify = Napi::ThreadSafeFunction::New(env, onNotify, "kudurru intake", kQueueUnbounded, 1);
  thread_ = std::make_unique<IntakeThread>(std::move(server), std::move(notify));
  // Kept alive by its thread until that has ended. Where the environment ends first, the thread
  // must be gone before the function that it calls is: hooks run in the reverse of their order.
  Ref();
  cleanupHook_ = env.AddCleanupHook(quitThread, this);
}

void IntakeObject::quitThread(IntakeObject* object) { object->thread_->quit(); }

// (ledger, [[fromRealtimeNs, taiMinusUtcSeconds]])
void IntakeObject::connect(const Napi::CallbackInfo& info) {
  const LedgerObject& ledger = *LedgerObject::Unwrap(info[0].As<Napi::Object>());
  ConveyorOptions options;
  options.helpers = verifyThreads_ - 1;
  options.leapSteps = leapStepsOf(info[1].As<Napi::Array>());
  options.itemsMax = limits_.batchItemsMax;
  options.actionsMax = limits_.batchActionsMax;
  options.bytesMax = limits_.batchBytesMax;
  thread_->connect(ledger.conveyor(), std::move(options));
}

Napi::Value IntakeObject::next(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  if (nextPromise_.has_value()) {
    throw failed(env, "next-pending", "next", "the batch before has not come yet");
  }
  nextPromise_ = Napi::Promise::Deferred::New(env);
  const Napi::Promise promise = nextPromise_->Promise();
  if (ended_) {
    settleEnd(env);
  } else {
    thread_->wantBatch();
  }
  return promise;
}

void IntakeObject::delivered(Napi::Env env) {
  const std::optional<Delivery> delivery = thread_->takeDelivery();
  auto promise = std::exchange(nextPromise_, std::nullopt);
  if (!delivery.has_value() || !promise.has_value()) return;
  for (const SessionRequest& request : delivery->batch->requests) {
    if (request.kind != SessionRequest::Kind::kOpen) continue;
    known_[request.connection] = {*request.writer, std::make_shared<intake::OutgoingGauge>(),
                                  std::make_shared<std::atomic<size_t>>(0)};
  }
  promise->Resolve(toObject(env, *delivery));
}

void IntakeObject::ended(Napi::Env env) {
  ended_ = true;
  settleEnd(env);
  cleanupHook_.Remove(env);
  Unref();
}

void IntakeObject::settleEnd(Napi::Env env) {
  const std::string failure = thread_->failure();
  const std::optional<Status> ledgerFailure = thread_->ledgerFailure();
  for (auto* promise : {&nextPromise_, &stopPromise_}) {
    auto settled = std::exchange(*promise, std::nullopt);
    if (!settled.has_value()) continue;
    if (failure.empty()) {
      settled->Resolve(env.Null());
    } else if (ledgerFailure.has_value()) {
      settled->Reject(
          makeError(env, {"ledger", std::string(codeName(ledgerFailure->code)), "apply", failure})
              .Value());
    } else {
      settled->Reject(failed(env, "intake-failed", "run", failure).Value());
    }
  }
}

Napi::Value IntakeObject::verify(const Napi::CallbackInfo& info) {
  auto worker = std::make_unique<VerifyBatchWorker>(info.Env(), batchOf(info[0]), pool_);
  const Napi::Promise promise = worker->promise();
  // Deletes itself when it is done.
  worker.release()->Queue();
  return promise;
}

// The items go back to the thread, which writes the answers and frees them. The result: waiters.
Napi::Value IntakeObject::answer(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const SharedBatch batch = batchOf(info[0]);
  if (!std::ranges::all_of(batch->items, isAnswered)) {
    throw failed(env, "batch-unanswered", "answer",
                 "an item of the batch has neither a refusal nor a receipt");
  }
  const Napi::Array waiters = toArray(env, waitersIn(*batch));
  for (const SessionRequest& request : batch->requests) {
    if (request.kind == SessionRequest::Kind::kDisconnected) known_.erase(request.connection);
  }
  if (!batch->forLedger()) return waiters;
  thread_->answer(std::exchange(*batch, {}));
  return waiters;
}

Napi::Value IntakeObject::waiters(const Napi::CallbackInfo& info) {
  return toArray(info.Env(), waitersIn(*batchOf(info[0])));
}

void IntakeObject::bindSession(const Napi::CallbackInfo& info) {
  const uint64_t id = integerOf(info[0]);
  intake::Binding binding = bindingOf(info[1].As<Napi::Object>());
  if (binding.key == nullptr) {
    throw failed(info.Env(), "key-unusable", "bindSession",
                 "the public key is not a usable one of its algorithm");
  }
  if (const auto known = known_.find(id); known != known_.end()) {
    binding.gauge = known->second.gauge;
  }
  thread_->post([id, binding](intake::Server& server) { server.intake().bind(id, binding); });
}

// (connection, {code, message, retry}, firstSequence or null, close)
void IntakeObject::refuse(const Napi::CallbackInfo& info) {
  const uint64_t id = integerOf(info[0]);
  const intake::Refusal refusal = refusalOf(info[1].As<Napi::Object>());
  std::optional<uint64_t> firstSequence;
  if (!info[2].IsNull()) firstSequence = integerOf(info[2]);
  const bool end = info[3].As<Napi::Boolean>();
  if (end) known_.erase(id);
  thread_->post([id, refusal, firstSequence, end](intake::Server& server) {
    server.intake().refuse(id, refusal, firstSequence, end);
  });
}

// ({code, message, retry} or null): with null submissions are taken again.
void IntakeObject::refuseSubmissions(const Napi::CallbackInfo& info) {
  intake::Refusal refusal;
  if (!info[0].IsNull()) refusal = refusalOf(info[0].As<Napi::Object>());
  thread_->post([refusal](intake::Server& server) { server.intake().refuseSubmissions(refusal); });
}

intake::Refusal IntakeObject::refusalOf(const Napi::Object& given) {
  return {keep(given.Get("code").As<Napi::String>()), given.Get("message").As<Napi::String>(),
          static_cast<intake::Retry>(given.Get("retry").As<Napi::Number>().Uint32Value())};
}

const char* IntakeObject::keep(const std::string& code) {
  return codes_.insert(code).first->c_str();
}

Napi::Value IntakeObject::pushAnchored(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const uint64_t id = integerOf(info[0]);
  const uint64_t firstSequence = integerOf(info[1]);
  const Bytes receipt = bytesOf(info[2]);
  const auto known = known_.find(id);
  if (known == known_.end() || known->second.gauge->ended) return Napi::Boolean::New(env, false);
  const auto posted = known->second.postedBytes;
  const size_t owed = known->second.gauge->sizeBytes + *posted;
  if (owed + receipt.size() > limits_.outgoingBytesMax) return Napi::Boolean::New(env, false);
  *posted += receipt.size();
  auto copy = std::make_shared<const std::vector<uint8_t>>(receipt.begin(), receipt.end());
  thread_->post([id, firstSequence, copy, posted](intake::Server& server) {
    server.intake().pushAnchored(id, firstSequence, *copy);
    *posted -= copy->size();
  });
  return Napi::Boolean::New(env, true);
}

void IntakeObject::closeSession(const Napi::CallbackInfo& info) {
  const uint64_t id = integerOf(info[0]);
  const Hash session = hashOf(info[1]);
  const uint64_t actionCount = integerOf(info[2]);
  known_.erase(id);
  thread_->post([id, session, actionCount](intake::Server& server) {
    server.intake().closeSession(id, session, actionCount);
  });
}

Napi::Value IntakeObject::writerFacts(const Napi::CallbackInfo& info) {
  const auto known = known_.find(integerOf(info[0]));
  if (known == known_.end()) {
    throw failed(info.Env(), "connection-unknown", "writerFacts",
                 "no such connection asked for a session, or it is gone");
  }
  return toObject(info.Env(), known->second.writer);
}

Napi::Value IntakeObject::stats(const Napi::CallbackInfo& info) {
  return toObject(info.Env(), thread_->stats());
}

Napi::Value IntakeObject::stop(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  if (!stopPromise_.has_value()) stopPromise_ = Napi::Promise::Deferred::New(env);
  const Napi::Promise promise = stopPromise_->Promise();
  if (ended_) {
    settleEnd(env);
  } else {
    thread_->post([](intake::Server& server) { server.stop(); });
  }
  return promise;
}

}  // namespace kudurru::binding
