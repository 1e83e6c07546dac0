// SHA-256 (FIPS 180-4), the only hash of the ledger. Uses the processor's SHA instructions where
// cpuid reports them; the portable engine gives the same bytes everywhere else.
#pragma once

#include "core/bytes.h"

namespace kudurru {

enum class Sha256Engine { kPortable, kShaNi };

// Whether this machine can run the engine. kPortable always can.
bool sha256EngineSupported(Sha256Engine engine);

// The fastest supported engine; decided once per process.
Sha256Engine sha256BestEngine();

namespace detail {
// Runs `blockCount` blocks of 64 bytes through the compression function.
using Sha256Compress = void (*)(uint32_t* state, const uint8_t* blocks, size_t blockCount);
}  // namespace detail

// Streaming state. Copyable: a copy continues from the same point (HMAC keeps such copies).
class Sha256 {
 public:
  static constexpr size_t kBlockSizeBytes = 64;

  Sha256();
  explicit Sha256(Sha256Engine engine);  // engine must be supported

  Sha256& update(Bytes data);
  Sha256& update(uint8_t byte) { return update(Bytes(&byte, 1)); }

  // The digest of all that was given. The object must not be used afterwards.
  Hash finish();

 private:
  detail::Sha256Compress compress_;
  uint32_t state_[8];
  uint64_t sizeBytes_ = 0;
  uint8_t block_[kBlockSizeBytes];
};

Hash sha256(Bytes data);

}  // namespace kudurru
