// Threads that share the work of one batch. The core has no threads of its own.
#pragma once

#include <atomic>
#include <condition_variable>
#include <exception>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace kudurru::binding {

class WorkerPool {
 public:
  // `helpers` threads besides the caller's; with none, run() is a plain loop.
  explicit WorkerPool(unsigned helpers);
  ~WorkerPool();
  WorkerPool(const WorkerPool&) = delete;
  WorkerPool& operator=(const WorkerPool&) = delete;

  // Calls work(0) … work(count − 1), each once, in no order, on several threads; returns when all
  // are done. Callers wait for each other. The first exception is thrown again here, after the
  // other items have been worked on.
  void run(size_t count, const std::function<void(size_t)>& work);

  // One helper for each processor but the caller's.
  static unsigned defaultHelpers();

 private:
  void help();
  void workOnItems(const std::function<void(size_t)>& work, size_t count);

  std::mutex callers_;  // held for the length of run()
  std::mutex mutex_;
  std::condition_variable wake_;
  std::condition_variable done_;
  const std::function<void(size_t)>* work_ = nullptr;
  size_t count_ = 0;
  std::atomic<size_t> next_ = 0;
  unsigned busy_ = 0;   // helpers inside workOnItems
  uint64_t batch_ = 0;  // counts run() calls, so that a helper joins each at most once
  std::exception_ptr failure_;
  bool stopping_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace kudurru::binding
