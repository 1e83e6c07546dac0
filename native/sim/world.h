// One simulated world: a disk, a daemon, its agents and their connections, driven step by step by
// one seed. Every choice, fault and crash comes from the seed; the invariants are checked after
// each step.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "agent.h"
#include "context.h"
#include "daemon-twin.h"
#include "disk.h"
#include "history.h"
#include "storage-twin.h"

namespace kudurru::sim {

struct RunOptions {
  uint64_t seed = 0;
  Canary canary = Canary::kNone;
  bool prints = false;
  // No chance faults and crashes, but one crash, at this storage call or before this step (0:
  // none).
  bool isPlanned = false;
  uint64_t crashAtCall = 0;
  uint64_t crashAtStep = 0;
};

struct Outcome {
  uint64_t seed = 0;
  std::string mode;
  std::string invariant;  // that was broken; empty where none was
  std::string message;
  uint64_t step = 0;  // the last
  uint64_t calls = 0;
  uint64_t entries = 0;
  std::string traceHash;
  std::map<std::string, uint64_t> counts;
};

class World {
 public:
  explicit World(const RunOptions& options);

  Outcome run();

 private:
  enum class Mode : uint8_t { kFriendly, kFailing, kHostile };
  enum class Death : uint8_t { kKill, kPowerCut };

  void chooseProfile();
  void chooseSizes();
  void play();
  void settle();
  void finish();

  void beginStep();
  // One step of the schedule.
  void step();
  void stepOfBox(uint64_t choice);
  void stepOfDaemon(uint64_t choice);
  template <class Deed>
  void attempt(Deed&& deed);
  void check();

  // --- the network ---
  void connectAgents();
  void deliver(Line& line, uint64_t most);
  void flush(Line& line, uint64_t most);
  void exchange(bool everything);
  void tick(uint64_t ns);

  // --- crashes and starts (world-restart.cpp) ---
  void die(Death death);
  void start();
  bool tryStart();
  void judgeRefusal(const Status& status);
  void judgeStart(const JournalReport& report);
  void checkFolder();
  void restartInOrder();
  void decay();
  void strayByte();
  void fillDisk();
  Death chooseDeath() { return context_.schedule.percent(50) ? Death::kKill : Death::kPowerCut; }
  bool isPlanned() const { return options_.isPlanned; }
  // A fault of the disk, in this life of the daemon.
  bool wasInjected() const { return context_.faults.injected != injectedBefore_; }
  bool isDamaged() const { return context_.faults.damages != 0; }

  const RunOptions options_;
  Context context_;
  Disk disk_;
  StorageTwin storage_;
  History history_;
  Mode mode_ = Mode::kFriendly;
  uint64_t steps_ = 0;
  uint64_t crashPercent_ = 0;
  uint64_t stalledBefore_ = 0;  // the pipeline waits until this step
  FaultRates rates_;
  DaemonOptions daemonOptions_;
  std::unique_ptr<DaemonTwin> daemon_;
  std::vector<std::unique_ptr<Agent>> agents_;
  std::vector<std::shared_ptr<Line>> lines_;
  uint64_t injectedBefore_ = 0;
  bool isOver_ = false;  // damage was noticed: nothing more is to be learned
};

}  // namespace kudurru::sim
