#include "core/ledger/recent-entries.h"

#include <gtest/gtest.h>

#include "core/journal/big-endian.h"

namespace kudurru {
namespace {

// An entry of its own length and bytes, after its length.
std::vector<uint8_t> entryOf(uint64_t index) {
  std::vector<uint8_t> entry(2 + 1 + index % 70, static_cast<uint8_t>(index));
  put16(entry.data(), static_cast<uint16_t>(entry.size() - 2));
  return entry;
}

std::vector<uint8_t> entries(uint64_t first, uint64_t count) {
  std::vector<uint8_t> bytes;
  for (uint64_t index = first; index < first + count; ++index) {
    const std::vector<uint8_t> entry = entryOf(index);
    bytes.insert(bytes.end(), entry.begin(), entry.end());
  }
  return bytes;
}

TEST(RecentEntries, GivesWhatWasAppendedFromAnyPlace) {
  RecentEntries recent;
  uint64_t next = 100;
  for (const uint64_t count : {1, 155, 1, 255, 257, 700, 2}) {
    recent.append(next, entries(next, count));
    next += count;
  }
  for (uint64_t first = 100; first < next; first += 37) {
    for (const uint64_t count : {uint64_t{1}, uint64_t{256}, uint64_t{400}, next - first}) {
      std::vector<uint8_t> out{7};
      const bool has = first + count <= next;
      ASSERT_EQ(recent.read(first, count, &out), has);
      std::vector<uint8_t> expected{7};
      const std::vector<uint8_t> wanted = has ? entries(first, count) : std::vector<uint8_t>{};
      expected.insert(expected.end(), wanted.begin(), wanted.end());
      ASSERT_EQ(out, expected) << first << ' ' << count;
    }
  }
  std::vector<uint8_t> out;
  EXPECT_FALSE(recent.read(99, 1, &out));
  EXPECT_FALSE(recent.read(next, 1, &out));
  EXPECT_FALSE(recent.read(next + 5, 1, &out));
  EXPECT_FALSE(recent.read(0, UINT64_MAX, &out));
}

TEST(RecentEntries, ForgetsTheOldestAndWhatDoesNotFollow) {
  RecentEntries recent;
  std::vector<uint8_t> out;
  EXPECT_FALSE(recent.read(0, 1, &out));
  for (uint64_t first = 0; first < 1'000'000; first += 5'000) {
    recent.append(first, entries(first, 5'000));
  }
  EXPECT_FALSE(recent.read(700'000, 1, &out));
  ASSERT_TRUE(recent.read(900'000, 100'000, &out));
  EXPECT_EQ(out, entries(900'000, 100'000));
  recent.append(2'000'000, entries(2'000'000, 3));
  EXPECT_FALSE(recent.read(999'999, 1, &out));
  out.clear();
  EXPECT_TRUE(recent.read(2'000'001, 2, &out));
  EXPECT_EQ(out, entries(2'000'001, 2));
}

}  // namespace
}  // namespace kudurru
