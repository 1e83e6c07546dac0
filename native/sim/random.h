// The only source of chance in a simulated world: xoshiro256**, seeded through splitmix64. One
// seed, one sequence, on every machine.
#pragma once

#include <cstdint>

#include "core/bytes.h"

namespace kudurru::sim {

constexpr uint32_t kMillion = 1'000'000;

class Random {
 public:
  explicit Random(uint64_t seed) {
    for (uint64_t& word : state_) {
      seed += 0x9e3779b97f4a7c15;
      uint64_t mixed = seed;
      mixed = (mixed ^ (mixed >> 30)) * 0xbf58476d1ce4e5b9;
      mixed = (mixed ^ (mixed >> 27)) * 0x94d049bb133111eb;
      word = mixed ^ (mixed >> 31);
    }
  }

  uint64_t next() {
    const uint64_t result = rotate(state_[1] * 5, 7) * 9;
    const uint64_t shifted = state_[1] << 17;
    state_[2] ^= state_[0];
    state_[3] ^= state_[1];
    state_[1] ^= state_[2];
    state_[0] ^= state_[3];
    state_[2] ^= shifted;
    state_[3] = rotate(state_[3], 45);
    return result;
  }

  // 0 to bound − 1; the bias is far below what a schedule notices.
  uint64_t below(uint64_t bound) { return bound == 0 ? 0 : next() % bound; }
  uint64_t between(uint64_t least, uint64_t most) { return least + below(most - least + 1); }
  // True so many times in a million.
  bool chance(uint32_t inMillion) { return inMillion != 0 && below(kMillion) < inMillion; }
  bool percent(uint32_t percent) { return below(100) < percent; }

  void fill(MutableBytes bytes) {
    for (uint8_t& byte : bytes) byte = static_cast<uint8_t>(next());
  }

 private:
  static uint64_t rotate(uint64_t value, int bits) { return value << bits | value >> (64 - bits); }

  uint64_t state_[4];
};

}  // namespace kudurru::sim
