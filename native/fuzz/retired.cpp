// Any bytes as the record of a retirement: what is accepted is written again to the same bytes.
#include "core/ledger/retired.h"

#include <algorithm>
#include <cstdlib>

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace kudurru;
  const auto mark = decodeRetired({data, size});
  if (!mark) return 0;
  const std::vector<uint8_t> again = encodeRetired(*mark);
  if (!std::equal(again.begin(), again.end(), data, data + size)) std::abort();
  return 0;
}
