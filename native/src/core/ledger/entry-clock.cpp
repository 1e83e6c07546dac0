#include "core/ledger/entry-clock.h"

#include <algorithm>

#include "core/clock/suspend.h"

namespace kudurru {

void EntryClock::use(const clock::Segment& segment, int64_t suspendedNs) {
  segment_ = segment;
  suspendedNs_ = suspendedNs;
}

void EntryClock::noteSuspended(int64_t suspendedNs) {
  if (suspendedNs > suspendedNs_ + clock::kSuspendMinNs) drop();
}

EntryTime EntryClock::timeOf(const Arrival& arrival, const ApplianceState& appliance) const {
  EntryTime time;
  time.monotonicRawNs = std::min(arrival.monotonicRawNs, kTimeNsMax);
  time.bootIndex = appliance.bootIndex;
  if (!segment_) {
    time.taiNs = std::max(std::min(arrival.taiNs, kTimeNsMax), appliance.lastTaiNs);
    return time;
  }
  const auto rawNs = static_cast<int64_t>(time.monotonicRawNs);
  const clock::SegmentReading reading = clock::readingAt(*segment_, rawNs, appliance.lastTaiNs);
  time.taiNs = reading.taiNs;
  time.statisticalNs = reading.statisticalNs;
  time.adversarialNs = reading.adversarialNs;
  time.level = reading.level;
  time.timeEvidenceIndex = segment_->evidenceIndex;
  return time;
}

intake::Refusal EntryClock::refusalOf(uint64_t agentIndex, const EntryTime& time) const {
  const auto wanted = levelsWanted_.find(agentIndex);
  if (wanted == levelsWanted_.end() || time.level >= wanted->second) return {};
  return {"time-level", "the level of time is below the one that this agent requires",
          intake::Retry::kLater};
}

}  // namespace kudurru
