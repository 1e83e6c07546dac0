#include "core/hash/sha256.h"

#include <algorithm>
#include <cstring>

#include "core/hash/sha256-compress.h"

namespace kudurru {
namespace {

constexpr uint32_t kInitialState[8] = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                                       0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};

// The last block ends in the message's length in bits, a big-endian 64-bit number.
constexpr size_t kLengthOffset = Sha256::kBlockSizeBytes - 8;

// Compilers make one instruction of this.
void storeBigEndian(uint8_t* at, uint32_t word) {
  const uint8_t bytes[4] = {static_cast<uint8_t>(word >> 24), static_cast<uint8_t>(word >> 16),
                            static_cast<uint8_t>(word >> 8), static_cast<uint8_t>(word)};
  std::memcpy(at, bytes, sizeof bytes);
}

detail::Sha256Compress compressOf(Sha256Engine engine) {
  return engine == Sha256Engine::kShaNi ? detail::sha256CompressShaNi
                                        : detail::sha256CompressPortable;
}

}  // namespace

bool sha256EngineSupported(Sha256Engine engine) {
  return engine == Sha256Engine::kPortable || detail::sha256ShaNiSupported();
}

Sha256Engine sha256BestEngine() {
  static const Sha256Engine best =
      detail::sha256ShaNiSupported() ? Sha256Engine::kShaNi : Sha256Engine::kPortable;
  return best;
}

Sha256::Sha256() : Sha256(sha256BestEngine()) {}

Sha256::Sha256(Sha256Engine engine) : compress_(compressOf(engine)) {
  std::memcpy(state_, kInitialState, sizeof state_);
}

Sha256& Sha256::update(Bytes data) {
  if (data.empty()) return *this;
  const size_t held = sizeBytes_ % kBlockSizeBytes;
  sizeBytes_ += data.size();
  if (held != 0) {
    const size_t taken = std::min(data.size(), kBlockSizeBytes - held);
    std::memcpy(block_ + held, data.data(), taken);
    data = data.subspan(taken);
    if (held + taken < kBlockSizeBytes) return *this;
    compress_(state_, block_, 1);
  }
  const size_t wholeBlocks = data.size() / kBlockSizeBytes;
  if (wholeBlocks != 0) {
    compress_(state_, data.data(), wholeBlocks);
    data = data.subspan(wholeBlocks * kBlockSizeBytes);
  }
  if (!data.empty()) std::memcpy(block_, data.data(), data.size());
  return *this;
}

Hash Sha256::finish() {
  size_t held = sizeBytes_ % kBlockSizeBytes;
  block_[held++] = 0x80;
  if (held > kLengthOffset) {
    std::memset(block_ + held, 0, kBlockSizeBytes - held);
    compress_(state_, block_, 1);
    held = 0;
  }
  std::memset(block_ + held, 0, kLengthOffset - held);
  const uint64_t sizeBits = sizeBytes_ * 8;
  storeBigEndian(block_ + kLengthOffset, static_cast<uint32_t>(sizeBits >> 32));
  storeBigEndian(block_ + kLengthOffset + 4, static_cast<uint32_t>(sizeBits));
  compress_(state_, block_, 1);

  Hash digest;
  for (size_t i = 0; i < 8; ++i) storeBigEndian(digest.data() + 4 * i, state_[i]);
  return digest;
}

Hash sha256(Bytes data) { return Sha256().update(data).finish(); }

}  // namespace kudurru
