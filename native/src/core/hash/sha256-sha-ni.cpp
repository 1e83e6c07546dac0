// SHA-256 by the x86 SHA extensions. The instructions keep the state as two registers, ABEF and
// CDGH, and do two rounds at a time.
#include "core/hash/sha256-compress.h"

#if defined(__x86_64__)

#include <cpuid.h>
#include <immintrin.h>

// The file is built for the base architecture; only these functions use the extensions.
#define KUDURRU_SHA_NI __attribute__((target("sha,sse4.1")))

namespace kudurru::detail {
namespace {

struct Rounds {
  __m128i abef;
  __m128i cdgh;
};

KUDURRU_SHA_NI inline void fourRounds(Rounds& rounds, __m128i words, const uint32_t* constants) {
  const __m128i* aligned = reinterpret_cast<const __m128i*>(constants);
  const __m128i sum = _mm_add_epi32(words, _mm_load_si128(aligned));
  rounds.cdgh = _mm_sha256rnds2_epu32(rounds.cdgh, rounds.abef, sum);
  rounds.abef = _mm_sha256rnds2_epu32(rounds.abef, rounds.cdgh, _mm_shuffle_epi32(sum, 0x0e));
}

// The next four schedule words from the sixteen before them, w0 the oldest four.
KUDURRU_SHA_NI inline __m128i nextWords(__m128i w0, __m128i w1, __m128i w2, __m128i w3) {
  const __m128i partial = _mm_add_epi32(_mm_sha256msg1_epu32(w0, w1), _mm_alignr_epi8(w3, w2, 4));
  return _mm_sha256msg2_epu32(partial, w3);
}

KUDURRU_SHA_NI inline __m128i loadWords(const uint8_t* at) {
  const __m128i byteSwap = _mm_set_epi64x(0x0c0d0e0f08090a0bLL, 0x0405060700010203LL);
  return _mm_shuffle_epi8(_mm_loadu_si128(reinterpret_cast<const __m128i*>(at)), byteSwap);
}

KUDURRU_SHA_NI inline void compressBlock(Rounds& rounds, const uint8_t* block) {
  const uint32_t* constants = kSha256Constants;
  __m128i w0 = loadWords(block);
  __m128i w1 = loadWords(block + 16);
  __m128i w2 = loadWords(block + 32);
  __m128i w3 = loadWords(block + 48);
  fourRounds(rounds, w0, constants);
  fourRounds(rounds, w1, constants + 4);
  fourRounds(rounds, w2, constants + 8);
  fourRounds(rounds, w3, constants + 12);
  for (constants += 16; constants != kSha256Constants + 64; constants += 16) {
    w0 = nextWords(w0, w1, w2, w3);
    fourRounds(rounds, w0, constants);
    w1 = nextWords(w1, w2, w3, w0);
    fourRounds(rounds, w1, constants + 4);
    w2 = nextWords(w2, w3, w0, w1);
    fourRounds(rounds, w2, constants + 8);
    w3 = nextWords(w3, w0, w1, w2);
    fourRounds(rounds, w3, constants + 12);
  }
}

}  // namespace

bool sha256ShaNiSupported() {
  unsigned eax = 0, ebx = 0, ecx = 0, edx = 0;
  if (!__get_cpuid(1, &eax, &ebx, &ecx, &edx)) return false;
  const bool vectors = (ecx & bit_SSSE3) != 0 && (ecx & bit_SSE4_1) != 0;
  if (!__get_cpuid_count(7, 0, &eax, &ebx, &ecx, &edx)) return false;
  return vectors && (ebx & bit_SHA) != 0;
}

KUDURRU_SHA_NI void sha256CompressShaNi(uint32_t* state, const uint8_t* blocks, size_t blockCount) {
  __m128i* const low = reinterpret_cast<__m128i*>(state);
  const __m128i cdab = _mm_shuffle_epi32(_mm_loadu_si128(low), 0xb1);
  const __m128i efgh = _mm_shuffle_epi32(_mm_loadu_si128(low + 1), 0x1b);
  Rounds rounds{_mm_alignr_epi8(cdab, efgh, 8), _mm_blend_epi16(efgh, cdab, 0xf0)};
  for (; blockCount != 0; --blockCount, blocks += 64) {
    const Rounds before = rounds;
    compressBlock(rounds, blocks);
    rounds.abef = _mm_add_epi32(rounds.abef, before.abef);
    rounds.cdgh = _mm_add_epi32(rounds.cdgh, before.cdgh);
  }
  const __m128i feba = _mm_shuffle_epi32(rounds.abef, 0x1b);
  const __m128i dchg = _mm_shuffle_epi32(rounds.cdgh, 0xb1);
  _mm_storeu_si128(low, _mm_blend_epi16(feba, dchg, 0xf0));
  _mm_storeu_si128(low + 1, _mm_alignr_epi8(dchg, feba, 8));
}

}  // namespace kudurru::detail

#else

#include <cstdlib>

namespace kudurru::detail {

bool sha256ShaNiSupported() { return false; }

void sha256CompressShaNi(uint32_t*, const uint8_t*, size_t) { std::abort(); }

}  // namespace kudurru::detail

#endif
