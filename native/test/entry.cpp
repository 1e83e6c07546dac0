#include "core/entry/entry.h"

#include <gtest/gtest.h>

namespace kudurru {
namespace {

EntryHead headOf(uint64_t number) {
  EntryHead head;
  head.kind = EntryKind::kAction;
  head.previousLeafHash.fill(static_cast<uint8_t>(number));
  head.time.taiNs = number << 30;
  head.time.monotonicRawNs = number;
  head.time.bootIndex = 3;
  head.appliance = number % 2;
  return head;
}

// Lengths and numbers on both sides of each width of a CBOR head.
TEST(ActionEncoder, GivesTheBytesOfEncodeAction) {
  for (const uint64_t number : {uint64_t{0}, uint64_t{23}, uint64_t{24}, uint64_t{255},
                                uint64_t{256}, uint64_t{65'536}, uint64_t{1} << 40}) {
    for (const size_t size : {size_t{1}, size_t{23}, size_t{24}, size_t{256}, size_t{16'384}}) {
      const EntryHead head = headOf(number);
      const std::vector<uint8_t> envelope(size, 0x61);
      std::vector<uint8_t> expected{9};
      encodeAction(head, {number, number + 1, envelope, 2}, expected);
      std::vector<uint8_t> out{9};
      ActionEncoder(head, number, 2).encode(head.previousLeafHash, number + 1, envelope, out);
      ASSERT_EQ(out, expected) << number << ' ' << size;
    }
  }
}

}  // namespace
}  // namespace kudurru
