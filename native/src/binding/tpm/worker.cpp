#include "binding/tpm/worker.h"

#include <chrono>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <optional>
#include <utility>

namespace kudurru::tpm {

namespace {

// An interrupted call comes back at once; the caller of stop() waits no longer than this.
constexpr std::chrono::milliseconds kStopPatience(200);

Reply closed(Effect effect) {
  Reply reply;
  reply.reason = Reason::kLost;
  reply.text = "the TPM connection was closed";
  reply.effect = effect;
  return reply;
}

}  // namespace

// What the thread uses. Everything but the context is guarded by the mutex; the context is the
// thread's, apart from its interrupt().
struct Worker::Shared {
  struct Job {
    uint32_t id;
    Request request;
  };

  std::mutex mutex;
  std::condition_variable changed;
  std::deque<Job> jobs;
  std::optional<uint32_t> running;
  bool stopping = false;
  bool finished = false;
  Deliver deliver;  // empty once nobody listens
  Context context;
};

Worker::Worker(Deliver deliver) : shared_(std::make_shared<Shared>()) {
  shared_->deliver = std::move(deliver);
  thread_ = std::thread([shared = shared_] { runJobs(*shared); });
}

Worker::~Worker() { stop(); }

void Worker::put(uint32_t id, Request request) {
  {
    const std::lock_guard lock(shared_->mutex);
    shared_->jobs.push_back({id, std::move(request)});
  }
  shared_->changed.notify_all();
}

void Worker::stop() {
  if (!thread_.joinable()) return;
  Shared& shared = *shared_;
  std::unique_lock lock(shared.mutex);
  shared.stopping = true;
  for (const auto& job : shared.jobs) shared.deliver(job.id, closed(Effect::kNone));
  shared.jobs.clear();
  shared.changed.notify_all();
  shared.context.interrupt();
  const bool finished =
      shared.changed.wait_for(lock, kStopPatience, [&shared] { return shared.finished; });
  if (finished) {
    lock.unlock();
    thread_.join();
    return;
  }
  if (shared.running) shared.deliver(*shared.running, closed(Effect::kUnknown));
  shared.deliver = nullptr;
  thread_.detach();
}

void Worker::runJobs(Shared& shared) {
  std::unique_lock lock(shared.mutex);
  for (;;) {
    shared.changed.wait(lock, [&shared] { return shared.stopping || !shared.jobs.empty(); });
    if (shared.stopping) break;
    const Shared::Job job = std::move(shared.jobs.front());
    shared.jobs.pop_front();
    shared.running = job.id;
    lock.unlock();
    Reply reply = shared.context.run(job.request);
    lock.lock();
    shared.running.reset();
    if (shared.deliver) shared.deliver(job.id, std::move(reply));
  }
  shared.finished = true;
  shared.changed.notify_all();
}

}  // namespace kudurru::tpm
