// The one thread that owns a ledger. Jobs run in the order in which they were posted; each settles
// its promise on the JavaScript thread. While a job is under way the process stays alive.
#pragma once

#include <napi.h>

#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>

#include "binding/conveyor.h"
#include "binding/ledger-convert.h"
#include "core/ledger/retirement.h"

namespace kudurru::binding {

// What the thread works on; the JavaScript thread never looks inside.
struct LedgerHost {
  std::unique_ptr<Storage> storage = posixStorage();
  LedgerOptions options;
  std::unique_ptr<Ledger> ledger;
  JournalReport report;
  std::unique_ptr<Retirement> retirement;  // of the ledger, which has ended by it
};

// What a job found: an error, or how to make the promise's value once back in JavaScript.
struct JobResult {
  Status status;
  std::function<Napi::Value(Napi::Env)> value;
};

using Job = std::function<JobResult(LedgerHost&)>;

class LedgerThread {
 public:
  // `keepOwner` is told on the JavaScript thread when the first job comes (true) and when the last
  // one is settled (false): the owner must not be collected in between.
  LedgerThread(Napi::Env env, LedgerOptions options, std::function<void(bool)> keepOwner);
  // Finishes the job under way and drops the others: their promises stay open, since the
  // environment ends.
  ~LedgerThread();
  LedgerThread(const LedgerThread&) = delete;
  LedgerThread& operator=(const LedgerThread&) = delete;

  // Rejects with a NativeError of the domain "ledger" that names the operation.
  Napi::Promise post(Napi::Env env, const char* operation, Job job);
  // Submissions come this way, in turn with the jobs.
  const std::shared_ptr<Conveyor>& conveyor() const { return conveyor_; }
  // As of the last group that was made durable.
  LedgerFacts facts() const;

 private:
  struct Posted {
    Job job;
    const char* operation;
    Napi::Promise::Deferred deferred;
    JobResult result;
  };

  void run();
  void enqueue(std::function<void()> task);
  void runJob(const std::shared_ptr<Posted>& posted);
  // What nobody waits for.
  bool hasIdleWork() const;
  void doIdleWork();
  bool hasFilesBehind(size_t most) const;
  void writeNextFile();
  void syncTiles();
  void failIfFatal(const Status& status);
  void noteFacts();
  void settle(Napi::Env env, Posted& posted);

  LedgerHost host_;
  bool filesWait_ = false;  // writing one has failed; a job is awaited. The ledger's thread only
  const std::function<void(bool)> keepOwner_;
  Napi::ThreadSafeFunction settler_;
  const std::shared_ptr<bool> settlerGone_ = std::make_shared<bool>(false);
  uint64_t underWay_ = 0;  // JavaScript thread only
  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<std::function<void()>> queue_;
  bool ending_ = false;
  bool isSyncing_ = false;  // the ledger's thread only
  std::thread syncer_;      // started and joined by the ledger's thread
  mutable std::mutex factsMutex_;
  LedgerFacts facts_;
  const std::shared_ptr<Conveyor> conveyor_;
  std::thread thread_;
};

}  // namespace kudurru::binding
