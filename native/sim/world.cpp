#include "world.h"

#include <algorithm>

#include "core/hash/sha256.h"
#include "system-entries.h"

namespace kudurru::sim {
namespace {

constexpr uint64_t kSettleStepsMax = 4'000;
// What intake may hold above its bound: one parsed frame.
constexpr uint64_t kParsedFrameBytes = 64 * 1024;
constexpr uint64_t kNsPerMs = 1'000'000;

}  // namespace

World::World(const RunOptions& options)
    : options_(options),
      context_(options.seed),
      storage_(context_, disk_),
      history_(context_, storage_, sha256(provisioningRecord())) {
  context_.canary = options.canary;
  context_.trace.prints = options.prints;
  chooseProfile();
  chooseSizes();
  daemon_ = std::make_unique<DaemonTwin>(context_, storage_, history_, daemonOptions_);
}

// What kind of world this is: no faults beside crashes, a failing disk, or a lying one.
void World::chooseProfile() {
  Random& random = context_.schedule;
  const uint64_t drawn = random.below(10);
  mode_ = drawn < 4 ? Mode::kFriendly : drawn < 8 ? Mode::kFailing : Mode::kHostile;
  if (options_.canary != Canary::kNone) {
    mode_ = options_.canary == Canary::kForgedDisk ? Mode::kHostile : Mode::kFriendly;
  }
  if (isPlanned()) mode_ = Mode::kFriendly;
  if (mode_ == Mode::kFailing) {
    rates_.error = static_cast<uint32_t>(random.below(4'000));
    rates_.interrupted = static_cast<uint32_t>(random.below(30'000));
    rates_.shortCount = static_cast<uint32_t>(random.below(60'000));
    rates_.slow = static_cast<uint32_t>(random.below(20'000));
  }
  if (mode_ == Mode::kHostile && options_.canary == Canary::kNone) {
    rates_.lost = random.percent(60) ? 20'000 : 0;
    rates_.misdirected = random.percent(60) ? 20'000 : 0;
  }
  context_.faults.rates = rates_;
  context_.faults.crashAt = options_.crashAtCall;
  disk_.readsDirect = random.percent(75);
}

void World::chooseSizes() {
  Random& random = context_.schedule;
  steps_ = isPlanned() ? 500 : random.between(600, 3'000);
  crashPercent_ = isPlanned() ? 0 : random.between(1, 3);
  daemonOptions_.ledgerId = sha256(provisioningRecord());
  daemonOptions_.segmentBytes = random.between(16, 56) * 8'192;
  intake::Limits& limits = daemonOptions_.limits;
  limits.totalBytesMax = random.between(24, 96) * 1'024;
  limits.agentBytesMax = limits.totalBytesMax / 2;
  limits.connectionBytesMax = limits.totalBytesMax / 4;
  limits.batchItemsMax = random.between(1, 24);
  const uint64_t agents = random.between(1, 5);
  const bool isHeavy = random.percent(25) || options_.canary == Canary::kUnboundedIntake;
  for (uint64_t number = 0; number < agents; ++number) {
    agents_.push_back(std::make_unique<Agent>(context_, history_, number, daemonOptions_.ledgerId));
    AgentHabits& habits = agents_.back()->habits;
    habits.actionsMax = random.between(1, isHeavy ? 12 : 6);
    habits.bodyBytesMax = random.percent(30) ? 0 : random.between(1, isHeavy ? 4'000 : 400);
    habits.inFlightMax = isHeavy ? 24 : random.between(1, 8);
    habits.misbehavesPercent = static_cast<uint32_t>(random.below(8));
  }
}

Outcome World::run() {
  Outcome outcome;
  outcome.seed = options_.seed;
  outcome.mode = mode_ == Mode::kFriendly  ? "friendly"
                 : mode_ == Mode::kFailing ? "failing"
                                           : "hostile";
  try {
    play();
  } catch (const Violation& violation) {
    outcome.invariant = violation.invariant;
    outcome.message = violation.message;
    context_.trace.note("violated " + outcome.invariant + ": " + outcome.message);
  } catch (const Noticed& noticed) {
    // Only a world that was damaged may end so.
    context_.trace.note("noticed " + noticed.message);
    context_.count("damage noticed");
    if (!isDamaged()) outcome.invariant = kRecovers, outcome.message = noticed.message;
  }
  if (history_.size() != 0) context_.trace.note(hexOf(history_.rootAt(history_.size())));
  outcome.step = context_.trace.step;
  outcome.calls = context_.faults.calls;
  outcome.entries = history_.size();
  outcome.traceHash = context_.trace.digest();
  outcome.counts = context_.counts;
  return outcome;
}

void World::play() {
  start();
  while (!isOver_ && context_.trace.step < steps_) step();
  if (!isOver_) settle();
  if (!isOver_) finish();
}

// A deed of the daemon: it may die of it.
template <class Deed>
void World::attempt(Deed&& deed) {
  try {
    deed();
  } catch (const Crash&) {
    context_.trace.note("killed at call " + std::to_string(context_.faults.calls));
    die(chooseDeath());
  } catch (const Exit& exit) {
    context_.trace.note("exit: " + exit.message);
    context_.count("exits with code 70");
    if (isDamaged()) throw Noticed{exit.message};
    require(wasInjected(), kRecovers, "the daemon ended itself: " + exit.message);
    die(chooseDeath());
  }
  if (!daemon_->isRunning() && !isOver_) start();
}

void World::beginStep() {
  if (++context_.trace.step != options_.crashAtStep) return;
  die(chooseDeath());
  start();
}

void World::step() {
  beginStep();
  context_.clock.monotonicNs += context_.schedule.between(1'000, 2'000'000);
  const uint64_t choice = context_.schedule.below(1'000);
  if (choice < 250) {
    Agent& agent = *agents_[context_.schedule.below(agents_.size())];
    agent.listen();
    if (!agent.isConnected()) connectAgents();
    agent.act(false);
  } else if (choice < 560) {
    exchange(false);
  } else if (choice < 930) {
    attempt([&] { stepOfDaemon(choice); });
  } else {
    stepOfBox(choice);
  }
  check();
}

void World::stepOfDaemon(uint64_t choice) {
  if (choice < 860) {
    const bool isStalled = context_.trace.step < stalledBefore_;
    if (!isStalled && daemon_->hasWork()) daemon_->advancePipeline();
  } else if (choice < 900) {
    if (daemon_->isAnchoring() || context_.schedule.percent(30)) daemon_->advanceAnchor();
  } else if (choice < 915) {
    daemon_->publish();
  } else {
    if (context_.schedule.percent(20)) daemon_->raiseAlarm();
  }
}

void World::stepOfBox(uint64_t choice) {
  Random& random = context_.schedule;
  if (choice < 950) return disk_.writeBack(context_.diskRandom);
  if (choice < 960) return tick(random.below(1'500) * kNsPerMs);
  if (choice < 965) {
    const int64_t most = 3'000'000'000;
    context_.clock.realtimeOffsetNs += static_cast<int64_t>(random.below(2 * most)) - most;
    context_.count("clock steps");
    return;
  }
  if (choice < 975 && mode_ != Mode::kHostile) return history_.checkProof(daemon_->ledger());
  if (choice < 980 && mode_ != Mode::kHostile) return history_.checkBodies(daemon_->ledger(), 3);
  if (choice < 984 && mode_ == Mode::kFailing) return fillDisk();
  if (choice < 985) {
    stalledBefore_ = context_.trace.step + random.between(20, 200);
    context_.count("stalls of the pipeline");
    return;
  }
  if (!random.percent(static_cast<uint32_t>(crashPercent_ * 25))) return;
  if (choice < 989) {
    context_.faults.crashAt = context_.faults.calls + random.between(1, 30);
  } else if (choice < 994) {
    die(Death::kPowerCut);
    start();
  } else if (choice < 998) {
    die(Death::kKill);
    start();
  } else {
    restartInOrder();
  }
}

// After every step.
void World::check() {
  if (!daemon_->isRunning() || isOver_) return;
  history_.follow(daemon_->ledger());
  const uint64_t held = daemon_->intake().stats().heldBytes;
  require(held <= daemonOptions_.limits.totalBytesMax + kParsedFrameBytes, kMemoryIsBounded,
          "intake holds " + std::to_string(held) + " bytes");
}

void World::tick(uint64_t ns) {
  context_.clock.monotonicNs += ns;
  daemon_->intake().checkTime(context_.clock.ms());
}

// Nothing fails any more: each submission gets its answer.
void World::settle() {
  context_.faults.rates = {};
  if (!isPlanned()) context_.faults.crashAt = 0;
  disk_.capacityBytes = UINT64_MAX;
  const auto isSettled = [&] {
    return std::ranges::all_of(agents_, [](const auto& agent) { return agent->isSettled(); });
  };
  for (uint64_t left = kSettleStepsMax; !isSettled() && !isOver_; --left) {
    require(left != 0, kEachIsAnswered, "agents wait for ever: " + agents_[0]->describe());
    beginStep();
    for (const auto& agent : agents_) {
      agent->listen();
      agent->act(true);
    }
    connectAgents();
    attempt([&] {
      exchange(true);
      if (daemon_->hasWork()) daemon_->advancePipeline();
    });
    tick(20 * kNsPerMs);
    check();
  }
}

void World::finish() {
  if (mode_ == Mode::kHostile) {
    die(Death::kPowerCut);
    decay();
    start();
    return;
  }
  history_.checkBodies(daemon_->ledger(), UINT64_MAX);
  checkFolder();
  restartInOrder();
  check();
}

}  // namespace kudurru::sim
