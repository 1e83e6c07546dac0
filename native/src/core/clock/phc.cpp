#include "core/clock/phc.h"

#include <linux/ptp_clock.h>

#include <cerrno>
#include <cstring>

#include "core/clock/bracket.h"

namespace kudurru::clock {
namespace {

static_assert(kPhcSamplesMax == PTP_MAX_SAMPLES);

int64_t nanosecondsOfPtp(const ptp_clock_time& time) {
  return time.sec * 1'000'000'000 + time.nsec;
}

// The driver, or an older kernel, does not have this way: the next one may do.
bool isUnsupported(int error) {
  return error == EOPNOTSUPP || error == ENOTTY || error == EINVAL || error == ENOSYS;
}

int readPrecise(const OpenDevice& device, PhcReading* reading) {
  ptp_sys_offset_precise request{};
  const int error = device.control(PTP_SYS_OFFSET_PRECISE, &request);
  if (error != 0) return error;
  const int64_t raw = nanosecondsOfPtp(request.sys_monoraw);
  reading->rung = PhcRung::kPrecise;
  reading->systemClock = SystemClock::kMonotonicRaw;
  reading->systemBeforeNs = reading->systemAfterNs = raw;
  reading->phcNs = nanosecondsOfPtp(request.device);
  return 0;
}

void keepNarrower(const ptp_clock_time (&sample)[3], bool isFirst, PhcReading* reading) {
  const int64_t before = nanosecondsOfPtp(sample[0]);
  const int64_t after = nanosecondsOfPtp(sample[2]);
  if (!isFirst && after - before >= reading->systemAfterNs - reading->systemBeforeNs) return;
  reading->systemBeforeNs = before;
  reading->phcNs = nanosecondsOfPtp(sample[1]);
  reading->systemAfterNs = after;
}

// Since Linux 6.12 the first reserved word names the kernel's clock; before, it has to be zero.
int readExtended(const OpenDevice& device, uint32_t samples, SystemClock systemClock,
                 PhcReading* reading) {
  ptp_sys_offset_extended request{};
  request.n_samples = samples;
  const int32_t id = systemClock == SystemClock::kMonotonicRaw ? CLOCK_MONOTONIC_RAW : 0;
  std::memcpy(reinterpret_cast<uint8_t*>(&request) + sizeof request.n_samples, &id, sizeof id);
  const int error = device.control(PTP_SYS_OFFSET_EXTENDED, &request);
  if (error != 0) return error;
  for (uint32_t i = 0; i < samples; ++i) keepNarrower(request.ts[i], i == 0, reading);
  reading->rung = PhcRung::kExtended;
  reading->systemClock = systemClock;
  return 0;
}

int readPlain(const OpenDevice& device, uint32_t samples, PhcReading* reading) {
  ptp_sys_offset request{};
  request.n_samples = samples;
  const int error = device.control(PTP_SYS_OFFSET, &request);
  if (error != 0) return error;
  // System and card take turns: a card's time stands between two of the system's.
  for (uint32_t i = 0; i < samples; ++i) {
    const ptp_clock_time sample[3] = {request.ts[2 * i], request.ts[2 * i + 1],
                                      request.ts[2 * i + 2]};
    keepNarrower(sample, i == 0, reading);
  }
  reading->rung = PhcRung::kPlain;
  reading->systemClock = SystemClock::kRealtime;
  return 0;
}

int readBestRung(const OpenDevice& device, uint32_t samples, PhcReading* reading) {
  int error = readPrecise(device, reading);
  if (isUnsupported(error)) {
    error = readExtended(device, samples, SystemClock::kMonotonicRaw, reading);
  }
  if (isUnsupported(error)) error = readExtended(device, samples, SystemClock::kRealtime, reading);
  if (isUnsupported(error)) error = readPlain(device, samples, reading);
  return error;
}

}  // namespace

int readPhc(const DeviceCalls& calls, const std::string& path, uint32_t samples,
            PhcReading* reading) {
  const OpenDevice device(calls, path);
  if (device.error() != 0) return device.error();
  *reading = {};
  const int64_t before = nanosecondsOf(CLOCK_MONOTONIC_RAW);
  const int error = readBestRung(device, samples, reading);
  reading->rawBeforeNs = before;
  reading->rawAfterNs = nanosecondsOf(CLOCK_MONOTONIC_RAW);
  return error;
}

}  // namespace kudurru::clock
