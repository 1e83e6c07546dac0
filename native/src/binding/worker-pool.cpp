#include "binding/worker-pool.h"

#include <pthread.h>

#include <algorithm>

namespace kudurru::binding {

WorkerPool::WorkerPool(unsigned helpers) {
  threads_.reserve(helpers);
  for (unsigned i = 0; i < helpers; ++i) threads_.emplace_back([this] { help(); });
}

WorkerPool::~WorkerPool() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  for (std::thread& thread : threads_) thread.join();
}

unsigned WorkerPool::defaultHelpers() {
  return std::max(1u, std::thread::hardware_concurrency()) - 1;
}

void WorkerPool::run(size_t count, const std::function<void(size_t)>& work) {
  const std::lock_guard oneCaller(callers_);
  {
    const std::lock_guard lock(mutex_);
    work_ = &work;
    count_ = count;
    next_ = 0;
    failure_ = nullptr;
    ++batch_;
  }
  // One item is done sooner than a thread is woken.
  if (count > 1) wake_.notify_all();
  workOnItems(work, count);
  std::unique_lock lock(mutex_);
  // A helper that wakes from now on finds no item left and no work to hold on to.
  work_ = nullptr;
  done_.wait(lock, [this] { return busy_ == 0; });
  if (failure_ != nullptr) std::rethrow_exception(failure_);
}

void WorkerPool::help() {
  pthread_setname_np(pthread_self(), "verify");
  uint64_t lastBatch = 0;
  std::unique_lock lock(mutex_);
  for (;;) {
    wake_.wait(lock, [&] { return stopping_ || (work_ != nullptr && batch_ != lastBatch); });
    if (stopping_) return;
    lastBatch = batch_;
    ++busy_;
    const std::function<void(size_t)>& work = *work_;
    const size_t count = count_;
    lock.unlock();
    workOnItems(work, count);
    lock.lock();
    if (--busy_ == 0) done_.notify_all();
  }
}

void WorkerPool::workOnItems(const std::function<void(size_t)>& work, size_t count) {
  for (size_t item = next_++; item < count; item = next_++) {
    try {
      work(item);
    } catch (...) {
      const std::lock_guard lock(mutex_);
      if (failure_ == nullptr) failure_ = std::current_exception();
    }
  }
}

}  // namespace kudurru::binding
