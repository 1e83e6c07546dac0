// The one thread of intake: runs the server, takes commands from the JavaScript thread, and hands
// over a batch when one is asked for and there is work. JavaScript is woken once a batch.
//
// Once it is connected to a ledger, submissions go there by themselves (conveyor.h). JavaScript is
// handed session requests, submissions of a scope without a key, which nothing overtakes until they
// are answered, and word of what was committed, in small time.
#pragma once

#include <napi.h>

#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "binding/batch-holder.h"
#include "binding/conveyor.h"
#include "core/intake/server.h"

namespace kudurru::binding {

// A submission that was committed and asks for more than that.
struct Waiter {
  uint64_t connection = 0;
  uint64_t firstSequence = 0;
  uint64_t firstIndex = 0;
  uint8_t level = 0;
};
std::vector<Waiter> waitersIn(const intake::Batch& batch);

// What was committed without JavaScript since it was last told.
struct Committed {
  uint64_t actions = 0;
  std::vector<Waiter> waiters;
};

// A batch with what TypeScript wants to know of it at a glance.
struct Delivery {
  SharedBatch batch;
  uint64_t actions = 0;
  std::vector<std::string> scopes;  // erasure scopes of the bodies, each once
  Committed committed;
};

class IntakeThread {
 public:
  using Command = std::function<void(intake::Server&)>;

  // `notify` is called after each delivery, with false, and last at the end, with true.
  IntakeThread(std::unique_ptr<intake::Server> server, Napi::ThreadSafeFunction notify);
  ~IntakeThread();
  IntakeThread(const IntakeThread&) = delete;
  IntakeThread& operator=(const IntakeThread&) = delete;

  // Ends at once and waits for that; what is owed to clients is dropped. May be called again.
  void quit();
  // Commands run in their order, before the next wait. After the end they are dropped.
  void post(Command command);
  // Submissions go to this ledger by themselves from now on.
  void connect(std::shared_ptr<Conveyor> conveyor, ConveyorOptions options);
  // The answered items of a delivery go back.
  void answer(intake::Batch&& batch);
  // Asks for one delivery.
  void wantBatch();
  std::optional<Delivery> takeDelivery();
  // Why the thread ended by itself; empty after an orderly end.
  std::string failure() const;
  // The same where it was the ledger that ended.
  std::optional<Status> ledgerFailure() const;
  intake::Stats stats() const;

 private:
  void run();
  void runUntilEnd();
  void runCommands();
  bool isWanted() const;
  void passOn();
  void deliver();
  bool hasNews() const;
  int stepMs() const;
  void noteCommitted(const intake::Batch& batch);
  void notify(bool end);

  std::unique_ptr<intake::Server> server_;  // the thread's own, but for wake()
  // The thread's own.
  std::shared_ptr<Conveyor> conveyor_;
  intake::Batch forJavaScript_;
  bool isHeld_ = false;  // JavaScript has submissions that nothing may overtake
  Committed committed_;
  int64_t toldAtMs_ = 0;

  Napi::ThreadSafeFunction notify_;
  bool notifyClosed_ = false;
  mutable std::mutex mutex_;
  std::vector<Command> commands_;
  bool wanted_ = false;
  std::optional<Delivery> delivery_;
  intake::Stats stats_;
  std::string failure_;
  std::optional<Status> ledgerFailure_;
  bool ended_ = false;
  bool quit_ = false;
  std::thread thread_;
};

}  // namespace kudurru::binding
