// Durations of a run, every one kept: percentiles are of what was measured, not of a sketch of it.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

namespace kudurru::bench {

using SteadyClock = std::chrono::steady_clock;

inline int64_t nowNs() {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(SteadyClock::now().time_since_epoch())
      .count();
}

class Samples {
 public:
  void add(int64_t durationNs) { durationsNs_.push_back(durationNs); }
  size_t count() const { return durationsNs_.size(); }

  // The smallest duration that this share of all do not exceed; 0 where there is none.
  double percentileMs(double share) {
    if (durationsNs_.empty()) return 0;
    const auto rank = static_cast<size_t>(share * static_cast<double>(durationsNs_.size() - 1));
    const auto place = durationsNs_.begin() + static_cast<ptrdiff_t>(rank);
    std::nth_element(durationsNs_.begin(), place, durationsNs_.end());
    return static_cast<double>(*place) / 1e6;
  }

  // A JSON object, all in milliseconds.
  std::string json() {
    std::string text = "{\"count\":" + std::to_string(count());
    const std::pair<const char*, double> shares[] = {
        {"p50Ms", 0.5}, {"p90Ms", 0.9}, {"p99Ms", 0.99}, {"p999Ms", 0.999}, {"maxMs", 1}};
    for (const auto& [name, share] : shares) {
      text += std::string(",\"") + name + "\":" + std::to_string(percentileMs(share));
    }
    return text + "}";
  }

 private:
  std::vector<int64_t> durationsNs_;
};

}  // namespace kudurru::bench
