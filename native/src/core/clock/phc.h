// The clock of a network card (PTP hardware clock), related to a clock of the kernel by the best
// way that its driver has. Which way it was is part of the reading: each bounds the error
// otherwise.
#pragma once

#include <cstdint>
#include <string>

#include "core/clock/device-calls.h"

namespace kudurru::clock {

// From best to worst.
enum class PhcRung : uint8_t {
  kPrecise,   // PTP_SYS_OFFSET_PRECISE: the hardware stamped both at once
  kExtended,  // PTP_SYS_OFFSET_EXTENDED: the kernel's clock around the card's register alone
  kPlain,     // PTP_SYS_OFFSET: the kernel's clock around the driver's whole call
};

enum class SystemClock : uint8_t { kMonotonicRaw, kRealtime };

struct PhcReading {
  PhcRung rung;
  SystemClock systemClock;  // which clock the next three are of
  int64_t systemBeforeNs;
  int64_t phcNs;
  int64_t systemAfterNs;
  int64_t rawBeforeNs;  // CLOCK_MONOTONIC_RAW around the whole call
  int64_t rawAfterNs;
};

// The kernel's PTP_MAX_SAMPLES.
constexpr uint32_t kPhcSamplesMax = 25;

// The narrowest of `samples`, 1 .. kPhcSamplesMax. 0, or the errno of what failed: ENOTTY where the
// device is no clock.
int readPhc(const DeviceCalls& calls, const std::string& path, uint32_t samples,
            PhcReading* reading);

}  // namespace kudurru::clock
