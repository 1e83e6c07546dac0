#include "binding/intake-thread.h"

#include <pthread.h>

#include <algorithm>
#include <exception>
#include <utility>

namespace kudurru::binding {
namespace {

// Longest wait for something to happen; times are checked as often.
constexpr int kStepMs = 1000;
// JavaScript is told of commits no more often: what it does with them is not hasty, and each time
// takes a processor from those who are.
constexpr int64_t kTellEveryMs = 20;

// Ends the thread.
struct LedgerEnded final : std::exception {
  explicit LedgerEnded(Status ended) : status(std::move(ended)) {}
  const char* what() const noexcept override { return status.message.c_str(); }
  Status status;
};

uint64_t actionsIn(const intake::SubmitItem& item) {
  return item.refusal ? 0 : item.parsed.envelopes.size();
}

void addScope(Delivery& delivery, std::string_view scope) {
  const bool known = std::ranges::find(delivery.scopes, scope) != delivery.scopes.end();
  if (!known) delivery.scopes.emplace_back(scope);
}

Delivery deliveryOf(intake::Batch&& batch) {
  Delivery delivery;
  for (const intake::ChunkItem& chunk : batch.chunks) addScope(delivery, chunk.body->scope);
  for (const intake::SubmitItem& item : batch.items) {
    if (item.refusal) continue;
    delivery.actions += actionsIn(item);
    if (!item.mayBeNew()) continue;
    for (const submission::Body& body : item.parsed.bodies) addScope(delivery, body.scope);
  }
  delivery.batch = std::make_shared<intake::Batch>(std::move(batch));
  return delivery;
}

}  // namespace

std::vector<Waiter> waitersIn(const intake::Batch& batch) {
  std::vector<Waiter> waiters;
  for (const intake::SubmitItem& item : batch.items) {
    if (item.refusal || item.level <= 1) continue;
    waiters.push_back({item.connection, *item.firstSequence, item.receipt.firstIndex, item.level});
  }
  return waiters;
}

IntakeThread::IntakeThread(std::unique_ptr<intake::Server> server, Napi::ThreadSafeFunction notify)
    : server_(std::move(server)), notify_(std::move(notify)), thread_([this] { run(); }) {}

IntakeThread::~IntakeThread() { quit(); }

void IntakeThread::quit() {
  if (!thread_.joinable()) return;
  {
    const std::lock_guard lock(mutex_);
    quit_ = true;
  }
  server_->wake();
  thread_.join();
}

void IntakeThread::post(Command command) {
  {
    const std::lock_guard lock(mutex_);
    if (ended_) return;
    commands_.push_back(std::move(command));
  }
  server_->wake();
}

void IntakeThread::connect(std::shared_ptr<Conveyor> conveyor, ConveyorOptions options) {
  post([this, conveyor, options](intake::Server&) {
    if (conveyor_) conveyor_->disconnect();
    conveyor_ = conveyor;
    const auto answered = [this](intake::Batch&& batch) {
      auto items = std::make_shared<intake::Batch>(std::move(batch));
      post([this, items](intake::Server& server) {
        noteCommitted(*items);
        server.intake().answer(std::move(*items));
      });
    };
    const auto failed = [this](const Status& status) {
      post([status](intake::Server&) { throw LedgerEnded(status); });
    };
    conveyor_->connect(options, {answered, [this] { server_->wake(); }, failed});
  });
}

void IntakeThread::answer(intake::Batch&& batch) {
  auto items = std::make_shared<intake::Batch>(std::move(batch));
  post([this, items](intake::Server& server) {
    isHeld_ = false;
    server.intake().answer(std::move(*items));
  });
}

void IntakeThread::wantBatch() {
  {
    const std::lock_guard lock(mutex_);
    wanted_ = true;
  }
  server_->wake();
}

std::optional<Delivery> IntakeThread::takeDelivery() {
  const std::lock_guard lock(mutex_);
  return std::exchange(delivery_, std::nullopt);
}

std::string IntakeThread::failure() const {
  const std::lock_guard lock(mutex_);
  return failure_;
}

std::optional<Status> IntakeThread::ledgerFailure() const {
  const std::lock_guard lock(mutex_);
  return ledgerFailure_;
}

intake::Stats IntakeThread::stats() const {
  const std::lock_guard lock(mutex_);
  return stats_;
}

void IntakeThread::run() {
  pthread_setname_np(pthread_self(), "intake");
  std::string failure;
  std::optional<Status> ledgerFailure;
  try {
    runUntilEnd();
    server_->closeAll();
  } catch (const LedgerEnded& ended) {
    failure = ended.status.message;
    ledgerFailure = ended.status;
  } catch (const std::exception& error) {
    failure = error.what();
  }
  if (conveyor_) conveyor_->disconnect();
  {
    const std::lock_guard lock(mutex_);
    failure_ = std::move(failure);
    ledgerFailure_ = std::move(ledgerFailure);
    ended_ = true;
    commands_.clear();
  }
  notify(true);
  if (!notifyClosed_) notify_.Release();
}

void IntakeThread::runUntilEnd() {
  for (;;) {
    runCommands();
    passOn();
    deliver();
    {
      const std::lock_guard lock(mutex_);
      stats_ = server_->intake().stats();
      if (quit_) return;
    }
    if (server_->ended() && !hasNews()) return;
    server_->step(stepMs());
  }
}

void IntakeThread::runCommands() {
  std::vector<Command> commands;
  {
    const std::lock_guard lock(mutex_);
    commands.swap(commands_);
  }
  for (const Command& command : commands) command(*server_);
}

bool IntakeThread::isWanted() const {
  const std::lock_guard lock(mutex_);
  return wanted_;
}

// Submissions go to the ledger, the rest waits for JavaScript.
void IntakeThread::passOn() {
  intake::Intake& intake = server_->intake();
  if (!conveyor_) {
    if (intake.hasWork() && isWanted()) forJavaScript_ = intake.takeBatch();
    return;
  }
  while (!isHeld_ && !forJavaScript_.forLedger() && intake.hasWork() && conveyor_->hasRoom()) {
    intake::Batch batch = intake.takeBatch();
    for (intake::SessionRequest& request : batch.requests) {
      forJavaScript_.requests.push_back(std::move(request));
    }
    if (!batch.forLedger()) continue;
    if (conveyor_->hasKeys(batch.items, batch.chunks)) {
      conveyor_->put(std::move(batch.items), std::move(batch.chunks));
    } else {
      forJavaScript_.items = std::move(batch.items);
      forJavaScript_.chunks = std::move(batch.chunks);
      forJavaScript_.bytes = batch.bytes;
    }
  }
}

bool IntakeThread::hasNews() const {
  if (forJavaScript_.forLedger() || !forJavaScript_.requests.empty()) return true;
  if (committed_.actions == 0) return false;
  return !committed_.waiters.empty() || server_->ended() ||
         intake::now().ms() - toldAtMs_ >= kTellEveryMs;
}

int IntakeThread::stepMs() const {
  if (committed_.actions == 0 || !isWanted()) return kStepMs;
  const int64_t waitedMs = intake::now().ms() - toldAtMs_;
  return static_cast<int>(std::clamp<int64_t>(kTellEveryMs - waitedMs, 0, kTellEveryMs));
}

void IntakeThread::noteCommitted(const intake::Batch& batch) {
  for (const intake::SubmitItem& item : batch.items) committed_.actions += actionsIn(item);
  for (Waiter& waiter : waitersIn(batch)) committed_.waiters.push_back(waiter);
}

void IntakeThread::deliver() {
  if (!hasNews()) return;
  {
    const std::lock_guard lock(mutex_);
    if (!std::exchange(wanted_, false)) return;
  }
  isHeld_ = conveyor_ && forJavaScript_.forLedger();
  Delivery delivery = deliveryOf(std::exchange(forJavaScript_, {}));
  delivery.committed = std::exchange(committed_, {});
  toldAtMs_ = intake::now().ms();
  {
    const std::lock_guard lock(mutex_);
    delivery_ = std::move(delivery);
  }
  notify(false);
}

// Once JavaScript's environment is closing, the function may be gone with the answer.
void IntakeThread::notify(bool end) {
  if (notifyClosed_) return;
  const auto call = [end](Napi::Env env, Napi::Function function) {
    function.Call({Napi::Boolean::New(env, end)});
  };
  notifyClosed_ = notify_.NonBlockingCall(call) == napi_closing;
}

}  // namespace kudurru::binding
