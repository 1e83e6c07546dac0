// The time of entries of one appliance: by the segment in force, else by the system clock without a
// window. Set between two batches, so every entry of a batch follows from the same segment, and the
// evidence of it stands before it in the log. Owned by the ledger, and like it not thread-safe.
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
  void use(const clock::Segment& segment) { segment_ = segment; }
  // Submissions of this agent are refused while the level is lower. 0: none is.
  void require(uint64_t agentIndex, uint8_t level) { levelsWanted_[agentIndex] = level; }

  // Never before the appliance's last entry: a clock that went back is held there.
  EntryTime timeOf(const Arrival& arrival, const ApplianceState& appliance) const;
  intake::Refusal refusalOf(uint64_t agentIndex, const EntryTime& time) const;

 private:
  std::optional<clock::Segment> segment_;
  std::map<uint64_t, uint8_t> levelsWanted_;  // by the index of the agent's enrolment
};

}  // namespace kudurru
