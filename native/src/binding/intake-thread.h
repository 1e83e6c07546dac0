// The one thread of intake: runs the server, takes commands from the JavaScript thread, and hands
// over a batch when one is asked for and there is work. JavaScript is woken once a batch.
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
#include "core/intake/server.h"

namespace kudurru::binding {

// A batch with what TypeScript wants to know of it at a glance.
struct Delivery {
  SharedBatch batch;
  uint64_t actions = 0;
  std::vector<std::string> scopes;  // erasure scopes of the bodies, each once
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
  // Asks for one delivery.
  void wantBatch();
  std::optional<Delivery> takeDelivery();
  // Why the thread ended by itself; empty after an orderly end.
  std::string failure() const;
  intake::Stats stats() const;

 private:
  void run();
  void runCommands();
  void deliver();
  void notify(bool end);

  std::unique_ptr<intake::Server> server_;  // the thread's own, but for wake()
  Napi::ThreadSafeFunction notify_;
  bool notifyClosed_ = false;
  mutable std::mutex mutex_;
  std::vector<Command> commands_;
  bool wanted_ = false;
  std::optional<Delivery> delivery_;
  intake::Stats stats_;
  std::string failure_;
  bool ended_ = false;
  bool quit_ = false;
  std::thread thread_;
};

}  // namespace kudurru::binding
