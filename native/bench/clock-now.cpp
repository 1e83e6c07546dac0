// What one time costs: CLOCK_MONOTONIC_RAW read, CLOCK_TAI bracketed by it, and the first with the
// time, windows and level that a segment gives for it, as each submission and entry gets them. One
// thread; of `--rounds` rounds the median and the slowest of a hundred. Prints one JSON object,
// nanoseconds.
#include <algorithm>
#include <cstdio>
#include <ctime>

#include "core/clock/bracket.h"
#include "core/clock/segment.h"
#include "parts/options.h"
#include "parts/samples.h"

namespace kudurru::bench {
namespace {

constexpr int kReadingsOfRound = 1'000;

int64_t rawNow() {
  timespec time{};
  clock_gettime(CLOCK_MONOTONIC_RAW, &time);
  return int64_t{time.tv_sec} * 1'000'000'000 + time.tv_nsec;
}

clock::Segment segmentFrom(int64_t rawNs) {
  clock::Segment segment;
  segment.baseRawNs = rawNs;
  segment.baseTaiNs = 1'800'000'000'000'000'000;
  segment.ratePpb = -17'345;
  segment.statisticalNs = 800;
  segment.adversarialNs = 41'000;
  segment.statisticalGrowthPpb = 40;
  segment.adversarialGrowthPpb = 100'000;
  segment.level = 4;
  segment.lockedUntilRawNs = rawNs + 5'000'000'000;
  segment.holdoverUntilRawNs = rawNs + 3'600'000'000'000;
  segment.widthMaxNs = 1'000'000;
  return segment;
}

struct Cost {
  double medianNs = 0;
  double p99Ns = 0;
};

template <class Read>
Cost costOf(size_t rounds, Read read) {
  std::vector<double> costs;
  for (size_t round = 0; round < rounds; ++round) {
    const int64_t startedNs = nowNs();
    for (int i = 0; i < kReadingsOfRound; ++i) read();
    costs.push_back(static_cast<double>(nowNs() - startedNs) / kReadingsOfRound);
  }
  std::ranges::sort(costs);
  return {costs[costs.size() / 2], costs[costs.size() * 99 / 100]};
}

int measure(int count, char** words) {
  const Options options(count, words, {"rounds"});
  const size_t rounds = options.number("rounds", 1'000, 1'000'000);
  const clock::Segment segment = segmentFrom(rawNow());
  uint64_t lastTaiNs = 0;
  uint64_t sum = 0;  // what is read is used: else the compiler leaves the reading out
  const Cost read = costOf(rounds, [&] { sum += static_cast<uint64_t>(rawNow()); });
  const Cost bracket = costOf(
      rounds, [&] { sum += static_cast<uint64_t>(clock::readBracket(CLOCK_TAI, 1).valueNs); });
  const Cost now = costOf(rounds, [&] {
    const clock::SegmentReading reading = clock::readingAt(segment, rawNow(), lastTaiNs);
    lastTaiNs = reading.taiNs;
    sum += *reading.adversarialNs + *reading.statisticalNs + reading.level;
  });
  std::printf("{\"bracketNs\":%.1f,\"bracketP99Ns\":%.1f,", bracket.medianNs, bracket.p99Ns);
  std::printf("\"readNs\":%.1f,\"readP99Ns\":%.1f,\"nowNs\":%.1f,\"nowP99Ns\":%.1f,\"odd\":%d}\n",
              read.medianNs, read.p99Ns, now.medianNs, now.p99Ns,
              static_cast<int>((sum + lastTaiNs) & 1));
  return 0;
}

}  // namespace
}  // namespace kudurru::bench

int main(int count, char** words) {
  return kudurru::bench::runProgram("clock-now", kudurru::bench::measure, count, words);
}
