#include "core/clock/pps.h"

#include <linux/pps.h>

namespace kudurru::clock {
namespace {

constexpr uint32_t kBracketAttempts = 5;

int64_t nanosecondsOfPulse(const pps_ktime& time) { return time.sec * 1'000'000'000 + time.nsec; }

}  // namespace

int readPulse(const DeviceCalls& calls, const std::string& path, PulseReading* reading) {
  const OpenDevice device(calls, path);
  if (device.error() != 0) return device.error();
  pps_fdata request{};  // a timeout of zero does not wait
  const int error = device.control(PPS_FETCH, &request);
  if (error != 0) return error;
  *reading = {
      request.info.assert_sequence,
      nanosecondsOfPulse(request.info.assert_tu),
      request.info.clear_sequence,
      nanosecondsOfPulse(request.info.clear_tu),
      readBracket(CLOCK_REALTIME, kBracketAttempts),
  };
  return 0;
}

}  // namespace kudurru::clock
