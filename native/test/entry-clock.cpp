// The time of entries under a segment: its windows and level, and that it never goes back.
#include "core/ledger/entry-clock.h"

#include "core/clock/suspend.h"
#include "core/ledger/ledger.h"
#include "ledger-fixture.h"

namespace kudurru {
namespace {

using namespace test;

constexpr uint64_t kTaiNs = 100'000'000'000;

// The fixture's submissions come at 6,000 by CLOCK_MONOTONIC_RAW.
clock::Segment segmentOfTests() {
  clock::Segment segment;
  segment.baseRawNs = 5'000;
  segment.baseTaiNs = kTaiNs;
  segment.statisticalNs = 10;
  segment.adversarialNs = 200;
  segment.statisticalGrowthPpb = 1;
  segment.adversarialGrowthPpb = 2'000'000;
  segment.level = 4;
  segment.evidenceIndex = 1;
  segment.lockedUntilRawNs = 6'000;
  segment.holdoverUntilRawNs = 7'000;
  segment.widthMaxNs = 500;
  return segment;
}

class EntryClockTest : public LedgerTest {
 protected:
  EntryTime timeOfSubmission() {
    EXPECT_EQ(applyFrames({agent_.submit(1)}).message, "");
    EXPECT_FALSE(batch_.items[0].refusal) << batch_.items[0].refusal.message;
    Buffer entry;
    EXPECT_EQ(ledger_->readEntry(ledger_->state().size() - 1, &entry).message, "");
    return decodeEntry(entry)->head.time;
  }
};

TEST_F(EntryClockTest, GivesEveryEntryTheTimeWindowsAndLevelOfTheSegment) {
  ASSERT_EQ(start().message, "");
  ledger_->clock().use(segmentOfTests());
  const EntryTime time = timeOfSubmission();
  EXPECT_EQ(time.taiNs, kTaiNs + 1'000);
  EXPECT_EQ(time.monotonicRawNs, 6'000u);
  EXPECT_EQ(time.statisticalNs, 11u);
  EXPECT_EQ(time.adversarialNs, 202u);
  EXPECT_EQ(time.level, 4);
  EXPECT_EQ(time.timeEvidenceIndex, 1u);
  EXPECT_EQ(check().first(), "");
}

TEST_F(EntryClockTest, HasNoWindowAndNoLevelWithoutASegment) {
  ASSERT_EQ(start().message, "");
  const EntryTime time = timeOfSubmission();
  EXPECT_EQ(time.taiNs, 37'000'005'000u);
  EXPECT_EQ(time.statisticalNs, std::nullopt);
  EXPECT_EQ(time.adversarialNs, std::nullopt);
  EXPECT_EQ(time.level, 0);
  EXPECT_EQ(time.timeEvidenceIndex, std::nullopt);
}

TEST_F(EntryClockTest, SinksByItselfWhenNoEvidenceFollows) {
  ASSERT_EQ(start().message, "");
  clock::Segment segment = segmentOfTests();
  segment.lockedUntilRawNs = 5'999;
  ledger_->clock().use(segment);
  EXPECT_EQ(timeOfSubmission().level, 3);
  segment.holdoverUntilRawNs = 5'999;
  ledger_->clock().use(segment);
  EXPECT_EQ(timeOfSubmission().level, 2);
}

TEST_F(EntryClockTest, WaitsAtTheLastEntryAndWidensTheWindowsByTheWait) {
  ASSERT_EQ(start().message, "");
  ledger_->clock().use(segmentOfTests());
  EXPECT_EQ(timeOfSubmission().taiNs, kTaiNs + 1'000);
  clock::Segment behind = segmentOfTests();
  behind.baseTaiNs -= 100;
  ledger_->clock().use(behind);
  const EntryTime held = timeOfSubmission();
  EXPECT_EQ(held.taiNs, kTaiNs + 1'000);
  EXPECT_EQ(held.statisticalNs, 111u);
  EXPECT_EQ(held.adversarialNs, 302u);
  EXPECT_EQ(held.level, 4);
  behind.baseTaiNs -= 1'000;
  ledger_->clock().use(behind);
  const EntryTime tooWide = timeOfSubmission();
  EXPECT_EQ(tooWide.taiNs, kTaiNs + 1'000);
  EXPECT_EQ(tooWide.adversarialNs, 1'302u);
  EXPECT_EQ(tooWide.level, 2);
}

TEST_F(EntryClockTest, NeverGoesBackAcrossARestart) {
  ASSERT_EQ(start().message, "");
  ledger_->clock().use(segmentOfTests());
  EXPECT_EQ(timeOfSubmission().taiNs, kTaiNs + 1'000);
  // The new run begins by the system clock, which is behind.
  ASSERT_EQ(start().message, "");
  const EntryTime time = timeOfSubmission();
  EXPECT_EQ(time.taiNs, kTaiNs + 1'000);
  EXPECT_EQ(time.level, 0);
  EXPECT_EQ(check().first(), "");
}

TEST_F(EntryClockTest, EndsItsSegmentWhenTheMachineWasSuspended) {
  ASSERT_EQ(start().message, "");
  constexpr int64_t suspendedNs = 7'000'000'000;
  ledger_->clock().use(segmentOfTests(), suspendedNs);
  ledger_->clock().noteSuspended(suspendedNs + clock::kSuspendMinNs);
  ledger_->clock().noteSuspended(suspendedNs - 50);
  EXPECT_EQ(timeOfSubmission().level, 4);
  ledger_->clock().noteSuspended(suspendedNs + clock::kSuspendMinNs + 1);
  const EntryTime woken = timeOfSubmission();
  EXPECT_EQ(woken.level, 0);
  EXPECT_EQ(woken.adversarialNs, std::nullopt);
  EXPECT_EQ(woken.timeEvidenceIndex, std::nullopt);
  EXPECT_GE(woken.taiNs, kTaiNs + 1'000);
  // Evidence that was taken before it and comes into force after it holds no longer.
  ledger_->clock().use(segmentOfTests(), suspendedNs);
  ledger_->clock().noteSuspended(suspendedNs + 1'000'000'000);
  EXPECT_EQ(timeOfSubmission().level, 0);
  ledger_->clock().use(segmentOfTests(), suspendedNs + 1'000'000'000);
  ledger_->clock().noteSuspended(suspendedNs + 1'000'000'000);
  EXPECT_EQ(timeOfSubmission().level, 4);
  ledger_->clock().drop();
  EXPECT_EQ(timeOfSubmission().level, 0);
}

TEST_F(EntryClockTest, RefusesAnAgentThatRequiresABetterLevelAndNobodyElse) {
  ASSERT_EQ(start().message, "");
  const uint64_t agent = ledger_->state().agents().begin()->first;
  ledger_->clock().require(agent, 4);
  ledger_->clock().require(agent + 1, 5);
  const AgentSide before = agent_;
  EXPECT_EQ(refusalOf(agent_.submit(1)), "time-level");
  EXPECT_EQ(batch_.items[0].refusal.retry, intake::Retry::kLater);
  agent_ = before;
  ledger_->clock().use(segmentOfTests());
  const Buffer frame = agent_.submit(1);
  EXPECT_EQ(refusalOf(frame), "");
  // What is in the log already keeps its receipt, whatever the level is now.
  clock::Segment worse = segmentOfTests();
  worse.level = 2;
  ledger_->clock().use(worse);
  EXPECT_EQ(refusalOf(frame), "");
  EXPECT_EQ(result_.repeated, 1u);
  EXPECT_EQ(refusalOf(agent_.submit(1)), "time-level");
}

}  // namespace
}  // namespace kudurru
