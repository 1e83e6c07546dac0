// The time of an entry from a segment (SPEC.md §9.2): an affine function of CLOCK_MONOTONIC_RAW
// that time evidence in the log has brought into force, with both windows and the level it allows.
// Integers only, equal to proof's segment.ts on the same vectors. A step of CLOCK_REALTIME cannot
// move it. Pure: no clock is read here.
#pragma once

#include <cstdint>
#include <optional>

namespace kudurru::clock {

// Levels of SPEC.md §7 that a segment sinks to.
constexpr uint8_t kLevelUnknown = 0;
constexpr uint8_t kLevelDegraded = 2;
constexpr uint8_t kLevelHoldover = 3;

struct Segment {
  int64_t baseRawNs = 0;
  int64_t baseTaiNs = 0;
  int64_t ratePpb = 0;  // by which TAI runs faster than CLOCK_MONOTONIC_RAW
  // At the base; none: unknown.
  std::optional<uint64_t> statisticalNs;
  std::optional<uint64_t> adversarialNs;
  uint64_t statisticalGrowthPpb = 0;
  uint64_t adversarialGrowthPpb = 0;
  uint8_t level = 0;
  uint64_t evidenceIndex = 0;  // of the entry with the evidence
  int64_t lockedUntilRawNs = 0;
  int64_t holdoverUntilRawNs = 0;
  uint64_t widthMaxNs = 0;  // an adversarial window wider than this is DEGRADED
};

struct SegmentReading {
  uint64_t taiNs = 0;
  std::optional<uint64_t> statisticalNs;
  std::optional<uint64_t> adversarialNs;
  uint8_t level = 0;
};

// The reading at `rawNs` of an appliance whose last time was `lastTaiNs`: it waits there rather
// than go back, and both windows hold by how much it waits.
SegmentReading readingAt(const Segment& segment, int64_t rawNs, uint64_t lastTaiNs);

}  // namespace kudurru::clock
