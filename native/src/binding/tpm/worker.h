// The thread that owns one TPM context, and the queue in front of it.
//
// Requests run in the order in which they were put; each reply is handed to `deliver`, on the
// worker's thread. stop() interrupts the call that waits, answers what is still queued as lost,
// and joins the thread.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>

#include "core/tpm/context.h"

namespace kudurru::tpm {

class Worker {
 public:
  using Deliver = std::function<void(uint32_t id, Reply reply)>;

  explicit Worker(Deliver deliver);
  ~Worker();
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;

  void put(uint32_t id, Request request);
  void stop();

 private:
  struct Job {
    uint32_t id;
    Request request;
  };

  void runJobs();

  Deliver deliver_;
  Context context_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Job> jobs_;
  bool stopping_ = false;
  std::thread thread_;  // last: it uses all the above
};

}  // namespace kudurru::tpm
