// What the parts of one simulated world share: chance, time, faults, the trace.
#pragma once

#include <map>
#include <string>

#include "canary.h"
#include "core/hash/sha256.h"
#include "random.h"

namespace kudurru::sim {

// Thrown where the process is killed.
struct Crash {};
// Thrown where the process ends itself: code 70, after an error that only a restart can judge.
struct Exit {
  std::string message;
};
// Thrown where hostile damage was noticed: the daemon refuses to go on.
struct Noticed {
  std::string message;
};

// Moves only when the world, or a slow disk, says so.
struct Clock {
  uint64_t monotonicNs = 1'000'000'000;
  int64_t realtimeOffsetNs = 1'900'000'000'000'000'000;

  int64_t realtimeNs() const { return static_cast<int64_t>(monotonicNs) + realtimeOffsetNs; }
  int64_t ms() const { return static_cast<int64_t>(monotonicNs / 1'000'000); }
};

// What happened, as a running hash: two runs are the same run when theirs are equal.
class Trace {
 public:
  bool prints = false;
  uint64_t step = 0;

  void note(const std::string& what);
  std::string digest() const;

 private:
  Sha256 hash_;
};

// Chances in a million, of each call that can meet them.
struct FaultRates {
  uint32_t error = 0;        // EIO; a failed sync may have written any part
  uint32_t interrupted = 0;  // EINTR
  uint32_t shortCount = 0;   // fewer bytes than asked for
  uint32_t slow = 0;         // a call that takes up to two seconds
  uint32_t lost = 0;         // the disk says that it wrote, and did not
  uint32_t misdirected = 0;  // the disk wrote elsewhere
};

struct Faults {
  FaultRates rates;
  bool quiet = false;      // the checkers' own reads: no fault, not counted
  bool opening = false;    // the ledger is being opened
  bool recording = false;  // a record other than a group is being appended
  uint64_t calls = 0;      // that can change something, over all lives of the daemon
  uint64_t crashAt = 0;    // the process dies at this call; 0: at none
  uint64_t injected = 0;
  uint64_t damages = 0;  // of a lying disk
};

struct Context {
  explicit Context(uint64_t seed)
      : schedule(seed), diskRandom(seed ^ 0x6469736b), agentRandom(seed ^ 0x6167656e74) {}

  Random schedule;     // whose turn it is
  Random diskRandom;   // what the disk does
  Random agentRandom;  // what agents send
  Clock clock;
  Trace trace;
  Faults faults;
  Canary canary = Canary::kNone;
  bool canaryUsed = false;
  std::map<std::string, uint64_t> counts;

  void count(const std::string& what, uint64_t by = 1) { counts[what] += by; }
  bool is(Canary which) const { return canary == which; }
};

// No faults while it lives.
class Quiet {
 public:
  explicit Quiet(Context& context) : context_(context), before_(context.faults.quiet) {
    context_.faults.quiet = true;
  }
  ~Quiet() { context_.faults.quiet = before_; }
  Quiet(const Quiet&) = delete;
  Quiet& operator=(const Quiet&) = delete;

 private:
  Context& context_;
  const bool before_;
};

std::string hexOf(Bytes bytes);

}  // namespace kudurru::sim
