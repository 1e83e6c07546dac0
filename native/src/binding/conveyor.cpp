#include "binding/conveyor.h"

#include <pthread.h>

#include <algorithm>
#include <exception>
#include <utility>

#include "core/clock/suspend.h"
#include "core/intake/submit-item.h"

namespace kudurru::binding {

Conveyor::~Conveyor() { disconnect(); }

void Conveyor::connect(ConveyorOptions options, Intake intake) {
  disconnect();
  {
    const std::lock_guard lock(intakeMutex_);
    intake_ = std::move(intake);
  }
  const std::lock_guard lock(mutex_);
  options_ = std::move(options);
  stopping_ = false;
  for (unsigned i = 0; i < options_.helpers; ++i) helpers_.emplace_back([this] { help(); });
}

void Conveyor::disconnect() {
  std::vector<std::thread> helpers;
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    helpers.swap(helpers_);
  }
  helpersWake_.notify_all();
  for (std::thread& helper : helpers) helper.join();
  const std::lock_guard lock(intakeMutex_);
  intake_ = {};
}

bool Conveyor::hasKeys(const std::vector<intake::SubmitItem>& items,
                       const std::vector<intake::ChunkItem>& chunks) const {
  std::shared_ptr<const ScopeKeys> keys;
  {
    const std::lock_guard lock(mutex_);
    keys = keys_;
  }
  for (const intake::ChunkItem& chunk : chunks) {
    if (!keys->contains(chunk.body->scope)) return false;
  }
  std::string_view known;
  for (const intake::SubmitItem& item : items) {
    if (!item.mayBeNew()) continue;
    for (const submission::Body& body : item.parsed.bodies) {
      if (body.scope == known) continue;
      if (!keys->contains(std::string(body.scope))) return false;
      known = body.scope;
    }
  }
  return true;
}

bool Conveyor::hasRoom() {
  const std::lock_guard lock(mutex_);
  intakeWaits_ = open_ != nullptr &&
                 (open_->items.size() >= options_.itemsMax ||
                  open_->actions >= options_.actionsMax || open_->bytes >= options_.bytesMax);
  return !intakeWaits_;
}

void Conveyor::put(std::vector<intake::SubmitItem>&& items,
                   std::vector<intake::ChunkItem>&& chunks) {
  bool first = false;
  bool shared = false;
  bool many = false;
  {
    const std::lock_guard lock(mutex_);
    first = open_ == nullptr;
    if (first) open_ = std::make_shared<Gathering>();
    open_->keys = keys_;
    for (intake::SubmitItem& item : items) {
      open_->actions += item.parsed.envelopes.size();
      open_->bytes += item.frame.size();
      open_->items.push_back(std::move(item));
    }
    for (intake::ChunkItem& chunk : chunks) {
      open_->bytes += chunk.frame.size();
      open_->chunks.push_back(std::move(chunk));
    }
    // One item is done sooner than a thread is woken, where the ledger's thread is free for it.
    const size_t unclaimed = open_->items.size() - open_->claimed;
    shared = unclaimed > (ledgerBusy_ ? 0 : 1);
    many = unclaimed > 2;
  }
  if (many) {
    helpersWake_.notify_all();
  } else if (shared) {
    helpersWake_.notify_one();
  }
  if (!first) return;
  const std::lock_guard lock(ledgerMutex_);
  if (callLedger_) callLedger_();
}

void Conveyor::leaveLedger() {
  const std::lock_guard lock(ledgerMutex_);
  callLedger_ = nullptr;
}

void Conveyor::useScopeKey(const std::string& scope, const Hash& key) {
  const std::lock_guard lock(mutex_);
  auto keys = std::make_shared<ScopeKeys>(*keys_);
  (*keys)[scope] = key;
  keys_ = std::move(keys);
}

std::shared_ptr<Conveyor::Gathering> Conveyor::workToDo() const {
  for (const auto& gathering : {taken_, open_}) {
    if (gathering != nullptr && gathering->claimed < gathering->items.size()) return gathering;
  }
  return nullptr;
}

void Conveyor::help() {
  pthread_setname_np(pthread_self(), "verify");
  BodyCipher cipher;
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    const std::shared_ptr<Gathering> gathering = workToDo();
    if (gathering == nullptr) {
      helpersWake_.wait(lock);
    } else {
      workOnOne(lock, *gathering, cipher);
    }
  }
}

bool Conveyor::workOnOne(std::unique_lock<std::mutex>& lock, Gathering& gathering,
                         BodyCipher& cipher) {
  if (gathering.claimed == gathering.items.size()) return false;
  // The items of a deque stay where they are while others are appended.
  intake::SubmitItem& item = gathering.items[gathering.claimed++];
  const std::shared_ptr<const ScopeKeys> keys = gathering.keys;
  lock.unlock();
  std::string failure;
  try {
    intake::verifySignature(item);
    if (item.mayBeNew()) sealBodies(item, *keys, cipher);
  } catch (const std::exception& error) {
    failure = error.what();
  }
  lock.lock();
  if (!failure.empty()) gathering.failure = std::move(failure);
  if (++gathering.done == gathering.items.size()) done_.notify_one();
  return true;
}

// No more can join it from now on; whoever has time works on what is left.
std::shared_ptr<Conveyor::Gathering> Conveyor::takeGathered(std::unique_lock<std::mutex>& lock) {
  taken_ = std::exchange(open_, nullptr);
  const std::shared_ptr<Gathering> gathering = taken_;
  if (gathering == nullptr) return nullptr;
  if (std::exchange(intakeWaits_, false)) {
    lock.unlock();
    {
      const std::lock_guard intakeLock(intakeMutex_);
      if (intake_.wake) intake_.wake();
    }
    lock.lock();
  }
  while (workOnOne(lock, *gathering, cipher_)) {
  }
  done_.wait(lock, [&] { return gathering->done == gathering->items.size(); });
  taken_ = nullptr;
  return gathering;
}

int64_t Conveyor::taiMinusUtcSeconds(int64_t realtimeNs) const {
  int64_t seconds = 0;
  for (const LeapStep& step : options_.leapSteps) {
    if (step.fromRealtimeNs <= realtimeNs) seconds = step.taiMinusUtcSeconds;
  }
  return seconds;
}

Status Conveyor::apply(Ledger* ledger, Gathering& gathering, intake::Batch& batch) {
  batch.items.reserve(gathering.items.size());
  for (intake::SubmitItem& item : gathering.items) batch.items.push_back(std::move(item));
  batch.chunks = std::move(gathering.chunks);
  batch.bytes = gathering.bytes;
  if (!gathering.failure.empty()) return failure(Code::kIoFailed, gathering.failure);
  if (ledger == nullptr) return failure(Code::kClosed, "the ledger is not open");
  try {
    ApplyResult result;
    const int64_t offset =
        batch.items.empty() ? 0 : taiMinusUtcSeconds(batch.items.front().realtimeNs);
    ledger->clock().noteSuspended(clock::suspendedNs(1));
    return ledger->apply({&batch, offset, nullptr}, &result);
  } catch (const std::exception& error) {
    return failure(Code::kIoFailed, error.what());
  }
}

void Conveyor::run(Ledger* ledger, const std::function<void()>& onDurable) {
  std::unique_lock lock(mutex_);
  ledgerBusy_ = true;
  const std::shared_ptr<Gathering> gathering = takeGathered(lock);
  lock.unlock();
  intake::Batch batch;
  Status status;
  if (gathering != nullptr) status = apply(ledger, *gathering, batch);
  onDurable();
  lock.lock();
  ledgerBusy_ = false;
  lock.unlock();
  if (!status.ok()) return fail(status);
  const std::lock_guard intakeLock(intakeMutex_);
  if (intake_.answer && batch.forLedger()) intake_.answer(std::move(batch));
}

void Conveyor::fail(const Status& status) {
  const std::lock_guard lock(intakeMutex_);
  if (intake_.fail) intake_.fail(status);
}

}  // namespace kudurru::binding
