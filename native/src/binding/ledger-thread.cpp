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
      const bool hasTime = hasFilesBehind(0);
      wake_.wait(lock, [&] { return ending_ || !queue_.empty() || hasTime; });
      if (ending_) return;
      if (!queue_.empty()) {
        task = std::move(queue_.front());
        queue_.pop_front();
      }
    }
    if (!task) {
      writeNextFile();
      continue;
    }
    filesWait_ = false;
    task();
    for (size_t i = 0; i < kFilesInTurnMax && hasFilesBehind(kFilesBehindMax); ++i) writeNextFile();
  }
}

// What the outside reads is written when nothing else is to be done, or when it has become much.
bool LedgerThread::hasFilesBehind(size_t most) const {
  return host_.ledger != nullptr && !filesWait_ && host_.ledger->filesBehind() > most;
}

// A disk that is full, or a ledger that has ended, is found by whoever next wants something of it.
void LedgerThread::writeNextFile() { filesWait_ = !host_.ledger->writeNextFile().ok(); }

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
  facts_ = factsOf(host_.ledger->state(), host_.options.appliance);
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
