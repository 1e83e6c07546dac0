#include "core/clock/bracket.h"

#include <sys/timex.h>

namespace kudurru::clock {

// The clocks exist on every Linux we run on, and the address is ours: clock_gettime cannot fail.
int64_t nanosecondsOf(clockid_t id) {
  timespec time{};
  clock_gettime(id, &time);
  return int64_t{time.tv_sec} * 1'000'000'000 + time.tv_nsec;
}

Bracket readBracket(clockid_t id, uint32_t attempts) {
  Bracket best{};
  for (uint32_t attempt = 0; attempt < attempts; ++attempt) {
    const int64_t before = nanosecondsOf(CLOCK_MONOTONIC_RAW);
    const int64_t value = nanosecondsOf(id);
    const int64_t after = nanosecondsOf(CLOCK_MONOTONIC_RAW);
    const bool narrower = after - before < best.rawAfterNs - best.rawBeforeNs;
    if (attempt == 0 || narrower) best = {before, value, after};
  }
  return best;
}

bool readKernelClock(KernelClock* clock) {
  timex request{};  // modes 0: read only
  const int state = adjtimex(&request);
  if (state < 0) return false;
  *clock = {state,        request.status,   request.offset,
            request.freq, request.maxerror, request.esterror,
            request.tick, request.tai};
  return true;
}

}  // namespace kudurru::clock
