// One clock of the kernel between two reads of CLOCK_MONOTONIC_RAW: what relates two clocks to each
// other, and by how much it may be off.
#pragma once

#include <cstdint>
#include <ctime>

namespace kudurru::clock {

// All in nanoseconds of the clock's own epoch.
struct Bracket {
  int64_t rawBeforeNs;
  int64_t valueNs;
  int64_t rawAfterNs;
};

int64_t nanosecondsOf(clockid_t id);

// The narrowest of `attempts` (at least 1). `id` is a clock that every Linux has.
Bracket readBracket(clockid_t id, uint32_t attempts);

// What adjtimex(2) says of CLOCK_REALTIME, without changing it.
struct KernelClock {
  int32_t state;      // TIME_OK 0 .. TIME_ERROR 5
  int32_t status;     // STA_ bits
  int64_t offset;     // ns where STA_NANO is set, else microseconds
  int64_t frequency;  // parts of a million, times 2^16
  int64_t maxErrorUs;
  int64_t estimatedErrorUs;
  int64_t tick;                // microseconds at 100 Hz
  int32_t taiMinusUtcSeconds;  // 0 where nobody told the kernel
};

// False where the kernel does not tell.
bool readKernelClock(KernelClock* clock);

}  // namespace kudurru::clock
