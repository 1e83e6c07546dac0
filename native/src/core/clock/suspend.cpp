#include "core/clock/suspend.h"

#include <algorithm>
#include <ctime>

#include "core/clock/bracket.h"

namespace kudurru::clock {

int64_t suspendedNs(uint32_t attempts) {
  int64_t longest = INT64_MIN;
  for (uint32_t attempt = 0; attempt < attempts; ++attempt) {
    const int64_t boottime = nanosecondsOf(CLOCK_BOOTTIME);
    longest = std::max(longest, boottime - nanosecondsOf(CLOCK_MONOTONIC));
  }
  return longest;
}

}  // namespace kudurru::clock
