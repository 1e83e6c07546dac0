#include "binding/ledger-thread.h"

#include <pthread.h>

#include <exception>
#include <utility>

#include "binding/addon-state.h"

namespace kudurru::binding {
namespace {

constexpr size_t kQueueUnbounded = 0;

}  // namespace

LedgerThread::LedgerThread(Napi::Env env, LedgerOptions options,
                           std::function<void(bool)> keepOwner)
    : keepOwner_(std::move(keepOwner)) {
  host_.options = std::move(options);
  const auto nothing = Napi::Function::New(env, [](const Napi::CallbackInfo&) {});
  // An environment that ends takes the function with it, before this object goes.
  settler_ = Napi::ThreadSafeFunction::New(env, nothing, "kudurru ledger", kQueueUnbounded, 1,
                                           [gone = settlerGone_](Napi::Env) { *gone = true; });
  settler_.Unref(env);
  thread_ = std::thread([this] { run(); });
}

LedgerThread::~LedgerThread() {
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
  {
    const std::lock_guard lock(mutex_);
    queue_.push_back(posted);
  }
  wake_.notify_one();
  return posted->deferred.Promise();
}

void LedgerThread::run() {
  pthread_setname_np(pthread_self(), "ledger");
  for (;;) {
    std::shared_ptr<Posted> posted;
    {
      std::unique_lock lock(mutex_);
      wake_.wait(lock, [this] { return ending_ || !queue_.empty(); });
      if (ending_) return;
      posted = std::move(queue_.front());
      queue_.pop_front();
    }
    try {
      posted->result = posted->job(host_);
    } catch (const std::exception& error) {
      posted->result.status = failure(Code::kIoFailed, error.what());
    }
    posted->job = nullptr;
    settler_.BlockingCall(
        [this, posted](Napi::Env env, const Napi::Function&) { settle(env, *posted); });
  }
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
