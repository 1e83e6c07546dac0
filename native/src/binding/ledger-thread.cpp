#include "binding/ledger-thread.h"

#include <pthread.h>

#include <exception>
#include <utility>

#include "binding/addon-state.h"

namespace kudurru::binding {
namespace {

constexpr size_t kQueueUnbounded = 0;
// What a busy ledger may owe: some megabytes that are still in memory.
constexpr size_t kFilesBehindMax = 48;
// What it writes of them between two tasks: a group of the largest fills so many twice.
constexpr size_t kFilesInTurnMax = 64;

}  // namespace

LedgerThread::LedgerThread(Napi::Env env, LedgerOptions options,
                           std::function<void(bool)> keepOwner)
    : keepOwner_(std::move(keepOwner)), conveyor_(std::make_shared<Conveyor>([this] {
        enqueue([this] { conveyor_->run(host_.ledger.get(), [this] { noteFacts(); }); });
      })) {
  host_.options = std::move(options);
  host_.options.syncsTiles = true;
  const auto nothing = Napi::Function::New(env, [](const Napi::CallbackInfo&) {});
  // An environment that ends takes the function with it, before this object goes.
  settler_ = Napi::ThreadSafeFunction::New(env, nothing, "kudurru ledger", kQueueUnbounded, 1,
                                           [gone = settlerGone_](Napi::Env) { *gone = true; });
  settler_.Unref(env);
  thread_ = std::thread([this] { run(); });
}

LedgerThread::~LedgerThread() {
  conveyor_->leaveLedger();
  {
    const std::lock_guard lock(mutex_);
    ending_ = true;
    queue_.clear();
  }
  wake_.notify_one();
  thread_.join();
  if (syncer_.joinable()) syncer_.join();
  if (!*settlerGone_) settler_.Release();
}

Napi::Promise LedgerThread::post(Napi::Env env, const char* operation, Job job) {
  const auto posted = std::make_shared<Posted>(
      Posted{std::move(job), operation, Napi::Promise::Deferred::New(env), {}});
  if (underWay_++ == 0) {
    settler_.Ref(env);
    keepOwner_(true);
  }
  enqueue([this, posted] { runJob(posted); });
  return posted->deferred.Promise();
}

void LedgerThread::enqueue(std::function<void()> task) {
  {
    const std::lock_guard lock(mutex_);
    queue_.push_back(std::move(task));
  }
  wake_.notify_one();
}

LedgerFacts LedgerThread::facts() const {
  const std::lock_guard lock(factsMutex_);
  return facts_;
}

void LedgerThread::run() {
  pthread_setname_np(pthread_self(), "ledger");
  for (;;) {
    std::function<void()> task;
    {
      std::unique_lock lock(mutex_);
      const bool hasTime = hasIdleWork();
      wake_.wait(lock, [&] { return ending_ || !queue_.empty() || hasTime; });
      if (ending_) return;
      if (!queue_.empty()) {
        task = std::move(queue_.front());
        queue_.pop_front();
      }
    }
    if (!task) {
      doIdleWork();
      continue;
    }
    filesWait_ = false;
    task();
    syncTiles();
    for (size_t i = 0; i < kFilesInTurnMax && hasFilesBehind(kFilesBehindMax); ++i) writeNextFile();
  }
}

bool LedgerThread::hasIdleWork() const {
  return hasFilesBehind(0) || (host_.ledger != nullptr && host_.ledger->wantsRoomWritten());
}

void LedgerThread::doIdleWork() {
  if (host_.ledger->wantsRoomWritten()) {
    failIfFatal(host_.ledger->writeRoom());
  } else {
    writeNextFile();
  }
}

// The tiles are made durable by a thread of its own: it waits for the whole file system.
void LedgerThread::syncTiles() {
  const uint64_t size = host_.ledger == nullptr ? 0 : host_.ledger->tilesToSync();
  if (size == 0 || isSyncing_) return;
  isSyncing_ = true;
  if (syncer_.joinable()) syncer_.join();
  syncer_ = std::thread([this, size] {
    pthread_setname_np(pthread_self(), "tile sync");
    const int error = host_.storage->syncFileSystem(host_.options.folder);
    enqueue([this, size, error] {
      isSyncing_ = false;
      if (host_.ledger != nullptr) failIfFatal(host_.ledger->tilesSynced(size, error));
    });
  });
}

// What the outside reads is written when nothing else is to be done, or when it has become much.
bool LedgerThread::hasFilesBehind(size_t most) const {
  return host_.ledger != nullptr && !filesWait_ && host_.ledger->filesBehind() > most;
}

// A disk that is full is tried again after the next task.
void LedgerThread::writeNextFile() {
  const Status status = host_.ledger->writeNextFile();
  filesWait_ = !status.ok();
  failIfFatal(status);
}

// The ledger has ended, and nobody waits for an answer that would say so.
void LedgerThread::failIfFatal(const Status& status) {
  if (status.fatal()) conveyor_->fail(status);
}

void LedgerThread::runJob(const std::shared_ptr<Posted>& posted) {
  try {
    posted->result = posted->job(host_);
  } catch (const std::exception& error) {
    posted->result.status = failure(Code::kIoFailed, error.what());
  }
  posted->job = nullptr;
  noteFacts();
  settler_.BlockingCall(
      [this, posted](Napi::Env env, const Napi::Function&) { settle(env, *posted); });
}

void LedgerThread::noteFacts() {
  if (host_.ledger == nullptr) return;
  const std::lock_guard lock(factsMutex_);
  if (facts_.size == host_.ledger->state().size()) return;
  facts_ = factsOf(*host_.ledger, host_.options.appliance);
}

void LedgerThread::settle(Napi::Env env, Posted& posted) {
  if (--underWay_ == 0) {
    settler_.Unref(env);
    keepOwner_(false);
  }
  const Status& status = posted.result.status;
  if (status.ok()) {
    posted.deferred.Resolve(posted.result.value ? posted.result.value(env) : env.Undefined());
    return;
  }
  const Failure failed{"ledger", std::string(codeName(status.code)), posted.operation,
                       status.message};
  posted.deferred.Reject(makeError(env, failed).Value());
}

}  // namespace kudurru::binding
