// The kernel's clocks, read together: what time evidence of the system clock is made of
// (SPEC.md §9, time evidence version 1).
#pragma once

#include <cstdint>
#include <optional>

namespace kudurru::clock {

// What adjtimex(2) says about CLOCK_REALTIME, without changing it.
struct KernelState {
  int32_t state;           // TIME_OK 0 .. TIME_ERROR 5
  int32_t status;          // STA_ bits
  int64_t maxError;        // microseconds
  int64_t estimatedError;  // microseconds
};

// CLOCK_MONOTONIC_RAW between two reads of CLOCK_REALTIME, all in nanoseconds.
struct Reading {
  int64_t realtimeBeforeNs;
  int64_t monotonicRawNs;
  int64_t realtimeAfterNs;
  std::optional<KernelState> kernelState;  // none where the kernel does not tell
};

Reading read();

}  // namespace kudurru::clock
