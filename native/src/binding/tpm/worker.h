// The thread that owns one TPM context, and the queue in front of it.
//
// Requests run in the order in which they were put; each reply is handed to `deliver`, which must
// not block. stop() interrupts the call that waits and answers everything else as lost. A thread
// that does not come back, because a transport waits where nothing can interrupt it, is left to
// itself: what it uses lives as long as it does, and it delivers nothing any more.
#pragma once

#include <functional>
#include <memory>
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
  struct Shared;
  static void runJobs(Shared& shared);

  std::shared_ptr<Shared> shared_;
  std::thread thread_;
};

}  // namespace kudurru::tpm
