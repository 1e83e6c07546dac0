// Any bytes as a snapshot: reading stays inside them, and what is accepted is written again to the
// same bytes. The first byte chooses whether the digest is made right, so that the fuzzer gets past
// it.
#include "core/ledger/snapshot.h"

#include <cstdlib>

#include "core/hash/sha256.h"
#include "core/ledger/log-state.h"

namespace {

using namespace kudurru;

void require(bool condition) {
  if (!condition) std::abort();
}

bool isSame(Bytes left, Bytes right) {
  return std::equal(left.begin(), left.end(), right.begin(), right.end());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  std::vector<uint8_t> bytes(data + 1, data + size);
  if ((data[0] & 1) != 0) {
    const Hash digest = sha256(bytes);
    bytes.insert(bytes.end(), digest.begin(), digest.end());
  }
  const auto snapshot = decodeSnapshot(bytes);
  // The state by itself too: most inputs are none of a whole snapshot.
  const Bytes stateBytes = snapshot ? snapshot->state : Bytes(bytes);
  if (snapshot) require(isSame(encodeSnapshot(*snapshot), bytes));
  const auto state = LogState::decode(LedgerId{}, stateBytes);
  if (!state) return 0;
  std::vector<uint8_t> again;
  state->encode(&again);
  require(isSame(again, stateBytes));
  return 0;
}
