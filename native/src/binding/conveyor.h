// The way of submissions from intake to the ledger and back without JavaScript. Intake's thread
// puts what it received; helpers check signatures and seal bodies at once; the ledger's thread
// takes all that has gathered when it is free, works with the helpers on what is left, applies it
// as one group and gives the answers to intake's thread. So while one sync runs, the next group
// gathers and is checked, and a lone submission waits for nobody.
//
// What needs a decision does not come here: session requests, and submissions of a scope whose key
// is not in use yet. Nothing here knows JavaScript.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "core/intake/batch.h"
#include "core/ledger/ledger.h"

namespace kudurru::binding {

// From an instant of CLOCK_REALTIME on, TAI is ahead of UTC by so many seconds. Ascending.
struct LeapStep {
  int64_t fromRealtimeNs = 0;
  int64_t taiMinusUtcSeconds = 0;
};

struct ConveyorOptions {
  unsigned helpers = 0;  // threads beside the ledger's
  std::vector<LeapStep> leapSteps;
  // One group gathers no more than this, but for the batch that passes it.
  size_t itemsMax = 1024;
  size_t actionsMax = 16'384;
  size_t bytesMax = size_t{16} << 20;
};

class Conveyor {
 public:
  struct Intake {
    std::function<void(intake::Batch&&)> answer;  // each item has its receipt or refusal
    std::function<void()> wake;                   // there is room again
    std::function<void(const Status&)> fail;      // the ledger has ended
  };
  // `callLedger` makes the ledger's thread call `run`, after all that it was given before.
  explicit Conveyor(std::function<void()> callLedger) : callLedger_(std::move(callLedger)) {}
  ~Conveyor();
  Conveyor(const Conveyor&) = delete;
  Conveyor& operator=(const Conveyor&) = delete;

  // --- intake's thread ---
  void connect(ConveyorOptions options, Intake intake);
  // Nothing of intake is called after this has returned.
  void disconnect();
  // Whether all their scopes have keys in use.
  bool hasKeys(const std::vector<intake::SubmitItem>& items,
               const std::vector<intake::ChunkItem>& chunks = {}) const;
  // False: `wake` is called when there is room.
  bool hasRoom();
  void put(std::vector<intake::SubmitItem>&& items, std::vector<intake::ChunkItem>&& chunks = {});

  // --- the ledger's thread ---
  void useScopeKey(const std::string& scope, const Hash& key);
  // Takes what has gathered through the ledger; null: there is none any more. `onDurable` comes
  // before the answers: whoever has one may ask what the log says now.
  void run(Ledger* ledger, const std::function<void()>& onDurable);
  // The ledger has ended between two groups: intake hears of it, if it is connected.
  void fail(const Status& status);
  // The ledger's thread is not called from now on.
  void leaveLedger();

 private:
  // Items in the order in which they came. Their number grows until the ledger takes them. Chunks
  // of large bodies come before all items: the ledger seals those itself.
  struct Gathering {
    std::deque<intake::SubmitItem> items;
    std::vector<intake::ChunkItem> chunks;
    size_t claimed = 0;  // items that somebody works on, or has
    size_t done = 0;
    size_t actions = 0;
    size_t bytes = 0;
    std::shared_ptr<const ScopeKeys> keys;
    std::string failure;  // of a library; ends the ledger
  };

  void help();
  // Works on one item; the lock is not held meanwhile. False where none is left.
  bool workOnOne(std::unique_lock<std::mutex>& lock, Gathering& gathering, BodyCipher& cipher);
  std::shared_ptr<Gathering> workToDo() const;
  std::shared_ptr<Gathering> takeGathered(std::unique_lock<std::mutex>& lock);
  Status apply(Ledger* ledger, Gathering& gathering, intake::Batch& batch);
  int64_t taiMinusUtcSeconds(int64_t realtimeNs) const;

  std::mutex ledgerMutex_;  // held while the ledger's thread is called
  std::function<void()> callLedger_;
  ConveyorOptions options_;
  mutable std::mutex mutex_;
  std::condition_variable helpersWake_;
  std::condition_variable done_;
  std::shared_ptr<const ScopeKeys> keys_ = std::make_shared<ScopeKeys>();
  std::shared_ptr<Gathering> open_;   // null: nothing has come since the ledger took the last
  std::shared_ptr<Gathering> taken_;  // the ledger waits for it
  bool ledgerBusy_ = false;           // a group is on its way to the disk
  bool intakeWaits_ = false;          // for room
  bool stopping_ = false;
  std::mutex intakeMutex_;  // held while intake is called
  Intake intake_;
  BodyCipher cipher_;  // the ledger thread's
  std::vector<std::thread> helpers_;
};

}  // namespace kudurru::binding
