#include "core/clock/segment.h"

#include <algorithm>

namespace kudurru::clock {
namespace {

__extension__ using Wide = __int128;

constexpr Wide kNsPerSecond = 1'000'000'000;
constexpr Wide kNsMax = INT64_MAX;

Wide floorOfBillionth(Wide product) {
  const Wide quotient = product / kNsPerSecond;
  return quotient * kNsPerSecond > product ? quotient - 1 : quotient;
}

// `heldNs`: how far the time that is given is from the one that the segment has.
std::optional<uint64_t> widthAt(std::optional<uint64_t> baseNs, uint64_t growthPpb, Wide apartNs,
                                Wide heldNs) {
  if (!baseNs) return std::nullopt;
  const Wide grownNs = -floorOfBillionth(-(apartNs * Wide{growthPpb}));
  return static_cast<uint64_t>(std::min(Wide{*baseNs} + grownNs + heldNs, kNsMax));
}

uint8_t levelAt(const Segment& segment, int64_t rawNs, std::optional<uint64_t> adversarialNs) {
  if (!adversarialNs) return kLevelUnknown;
  if (rawNs > segment.holdoverUntilRawNs || *adversarialNs > segment.widthMaxNs) {
    return std::min(segment.level, kLevelDegraded);
  }
  return rawNs > segment.lockedUntilRawNs ? std::min(segment.level, kLevelHoldover) : segment.level;
}

}  // namespace

SegmentReading readingAt(const Segment& segment, int64_t rawNs, uint64_t lastTaiNs) {
  const Wide elapsedNs = Wide{rawNs} - segment.baseRawNs;
  const Wide affineNs =
      segment.baseTaiNs + elapsedNs + floorOfBillionth(elapsedNs * segment.ratePpb);
  // No entry can state a later instant; the windows reach as far as it is cut.
  const Wide taiNs = std::min(std::max(affineNs, Wide{lastTaiNs}), kNsMax);
  const Wide heldNs = taiNs < affineNs ? affineNs - taiNs : taiNs - affineNs;
  // A reading from before the base is as far from it as one after it.
  const Wide apartNs = elapsedNs < 0 ? -elapsedNs : elapsedNs;
  SegmentReading reading;
  reading.taiNs = static_cast<uint64_t>(taiNs);
  reading.statisticalNs =
      widthAt(segment.statisticalNs, segment.statisticalGrowthPpb, apartNs, heldNs);
  reading.adversarialNs =
      widthAt(segment.adversarialNs, segment.adversarialGrowthPpb, apartNs, heldNs);
  reading.level = levelAt(segment, rawNs, reading.adversarialNs);
  return reading;
}

}  // namespace kudurru::clock
