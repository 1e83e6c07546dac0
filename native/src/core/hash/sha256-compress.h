// The two engines of SHA-256's compression function. Only sha256.cpp and its tests use this.
#pragma once

#include <cstddef>
#include <cstdint>

namespace kudurru::detail {

// Round constants of FIPS 180-4 §4.2.2.
extern const uint32_t kSha256Constants[64];

void sha256CompressPortable(uint32_t* state, const uint8_t* blocks, size_t blockCount);

bool sha256ShaNiSupported();
// Must only be called where sha256ShaNiSupported() is true: the process dies of SIGILL otherwise.
void sha256CompressShaNi(uint32_t* state, const uint8_t* blocks, size_t blockCount);

}  // namespace kudurru::detail
