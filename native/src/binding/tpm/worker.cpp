#include "binding/tpm/worker.h"

#include <utility>

namespace kudurru::tpm {

Worker::Worker(Deliver deliver) : deliver_(std::move(deliver)), thread_([this] { runJobs(); }) {}

Worker::~Worker() { stop(); }

void Worker::put(uint32_t id, Request request) {
  {
    const std::lock_guard lock(mutex_);
    jobs_.push_back({id, std::move(request)});
  }
  changed_.notify_one();
}

void Worker::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_one();
  context_.interrupt();
  if (thread_.joinable()) thread_.join();
}

void Worker::runJobs() {
  std::unique_lock lock(mutex_);
  for (;;) {
    changed_.wait(lock, [this] { return stopping_ || !jobs_.empty(); });
    if (jobs_.empty()) return;
    Job job = std::move(jobs_.front());
    jobs_.pop_front();
    const bool stopped = stopping_;
    lock.unlock();
    Reply reply;
    if (stopped) {
      reply.reason = Reason::kLost;
      reply.text = "the TPM connection was closed";
    } else {
      reply = context_.run(job.request);
    }
    deliver_(job.id, std::move(reply));
    lock.lock();
  }
}

}  // namespace kudurru::tpm
