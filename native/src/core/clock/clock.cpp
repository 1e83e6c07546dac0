#include "core/clock/clock.h"

#include <sys/timex.h>
#include <time.h>

namespace kudurru::clock {
namespace {

// Both clocks exist on every Linux we run on, and the address is ours: clock_gettime cannot fail.
int64_t nanosecondsOf(clockid_t id) {
  timespec time{};
  clock_gettime(id, &time);
  return int64_t{time.tv_sec} * 1'000'000'000 + time.tv_nsec;
}

std::optional<KernelState> kernelState() {
  timex request{};  // modes 0: read only
  const int state = adjtimex(&request);
  if (state < 0) return std::nullopt;
  return KernelState{state, request.status, request.maxerror, request.esterror};
}

}  // namespace

Reading read() {
  Reading reading{};
  reading.realtimeBeforeNs = nanosecondsOf(CLOCK_REALTIME);
  reading.monotonicRawNs = nanosecondsOf(CLOCK_MONOTONIC_RAW);
  reading.realtimeAfterNs = nanosecondsOf(CLOCK_REALTIME);
  reading.kernelState = kernelState();
  return reading;
}

}  // namespace kudurru::clock
