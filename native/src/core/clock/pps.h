// Pulses per second: when the last edges of a pulse came, as the kernel stamped them.
#pragma once

#include <cstdint>
#include <string>

#include "core/clock/bracket.h"
#include "core/clock/device-calls.h"

namespace kudurru::clock {

struct PulseReading {
  // Edges since the device exists; 0 where there was none yet. The times are CLOCK_REALTIME's.
  uint32_t assertSequence;
  int64_t assertRealtimeNs;
  uint32_t clearSequence;
  int64_t clearRealtimeNs;
  Bracket realtime;  // relates those to CLOCK_MONOTONIC_RAW, read just after
};

// What is known now; does not wait for a pulse. 0, or the errno of what failed.
int readPulse(const DeviceCalls& calls, const std::string& path, PulseReading* reading);

}  // namespace kudurru::clock
