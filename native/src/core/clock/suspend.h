// How long the machine has been suspended since it booted. CLOCK_BOOTTIME counts that time,
// CLOCK_MONOTONIC and CLOCK_MONOTONIC_RAW do not: a line over the raw clock is behind by as much.
#pragma once

#include <cstdint>

namespace kudurru::clock {

// Less is the scatter of two readings.
constexpr int64_t kSuspendMinNs = 1'000'000;

// The longest of `attempts` (at least 1) readings. A pause between its two clocks makes a reading
// shorter, never longer: what is longer than before was spent asleep.
int64_t suspendedNs(uint32_t attempts);

}  // namespace kudurru::clock
