// fsck while another process writes: whatever the writer does between any two of its reads, a whole
// ledger is never called damaged.
#include "ledger-fixture.h"

namespace kudurru::test {
namespace {

class LiveFsckTest : public LedgerTest {
 protected:
  LiveFsckTest() { segmentBytes_ = 4 << 20; }

  // Checks a small ledger, with so many writes before the read of this number. The reads it took.
  uint64_t checkWith(uint64_t readNumber, uint64_t writes) {
    ledger_.reset();
    disk_ = SimulatedDisk();
    disk_.folders.insert("/");
    boots_ = 0;
    EXPECT_EQ(start().message, "");
    EXPECT_EQ(applyFrames({agent_.submit(2, 200)}).message, "");
    uint64_t reads = 0;
    disk_.onRead = [&] {
      if (++reads != readNumber) return;
      const auto hook = std::exchange(disk_.onRead, nullptr);
      for (uint64_t at = 0; at < writes; ++at) {
        EXPECT_EQ(applyFrames({agent_.submit(2, bodyBytes_)}).message, "");
      }
      disk_.onRead = hook;
    };
    const Checked checked = check();
    EXPECT_EQ(checked.first(), "") << "before read " << readNumber << ", " << writes << " writes";
    return reads;
  }

  size_t bodyBytes_ = 0;
};

TEST_F(LiveFsckTest, FindsNothingWhateverIsWrittenBetweenTwoReads) {
  // One record, more than fsck reads at once, and more than a segment takes.
  bodyBytes_ = 200'000;
  for (const uint64_t writes : {1, 8, 30}) {
    uint64_t reads = 1;
    for (uint64_t read = 1; read <= reads; ++read) reads = checkWith(read, writes);
    EXPECT_GT(reads, 3u);
  }
}

}  // namespace
}  // namespace kudurru::test
