// The time of entries of one appliance: by the segment in force, else by the system clock without a
// window. Set between two batches, so every entry of a batch follows from the same segment, and the
// evidence of it stands before it in the log. A segment ends when the machine is suspended, which
// its clock does not count. Owned by the ledger, and like it not thread-safe.
#pragma once

#include <map>
#include <optional>

#include "core/clock/segment.h"
#include "core/entry/entry.h"
#include "core/intake/batch.h"
#include "core/ledger/log-state.h"

namespace kudurru {

// When something came, by both clocks.
struct Arrival {
  uint64_t taiNs = 0;  // of the system clock
  uint64_t monotonicRawNs = 0;
};

class EntryClock {
 public:
  // `suspendedNs`: as it was when the segment's evidence was taken (core/clock/suspend.h).
  void use(const clock::Segment& segment, int64_t suspendedNs = 0);
  // From now on there is the system clock alone.
  void drop() { segment_.reset(); }
  // As it is before a batch. What came before a suspend has no more than the system clock then, as
  // what came after it.
  void noteSuspended(int64_t suspendedNs);
  // Submissions of this agent are refused while the level is lower. 0: none is.
  void require(uint64_t agentIndex, uint8_t level) { levelsWanted_[agentIndex] = level; }

  // Never before the appliance's last entry: a clock that went back is held there.
  EntryTime timeOf(const Arrival& arrival, const ApplianceState& appliance) const;
  intake::Refusal refusalOf(uint64_t agentIndex, const EntryTime& time) const;

 private:
  std::optional<clock::Segment> segment_;
  int64_t suspendedNs_ = 0;
  std::map<uint64_t, uint8_t> levelsWanted_;  // by the index of the agent's enrolment
};

}  // namespace kudurru
