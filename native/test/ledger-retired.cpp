// Segments that were retired: what the ledger answers without them, what a crash in between leaves,
// and that only the record makes their absence right.
#include "core/ledger/retirement.h"
#include "ledger-fixture.h"

namespace kudurru {
namespace {

using namespace test;

constexpr const char* kAway = "/away";

class LedgerRetiredTest : public LedgerTest {
 protected:
  LedgerRetiredTest() {
    segmentBytes_ = 96 * 1024;
    disk_.folders.insert(kAway);
  }

  // Several segments, with the bundles of all their entries durable, and an end in order.
  void begin() {
    ASSERT_EQ(start().message, "");
    ASSERT_EQ(ledger_->appendRecord(RecordType::kScopeKey, Buffer(30, 2)).message, "");
    work(60);
    end();
  }

  void work(int rounds) {
    for (int round = 0; round < rounds; ++round) {
      frames_.push_back(agent_.submit(40, 4'000));
      ASSERT_EQ(applyFrames({frames_.back()}).message, "");
      ASSERT_EQ(result_.accepted, 1u);
      ASSERT_EQ(ledger_->appendRecord(RecordType::kCheckpoint, Buffer(9, 1)).message, "");
    }
  }

  void end() {
    ASSERT_EQ(ledger_->publish(ledger_->state().size()).message, "");
    entries_.clear();
    ASSERT_EQ(ledger_->readEntries(0, ledger_->state().size(), &entries_).message, "");
    ASSERT_EQ(ledger_->stop().message, "");
  }

  RetireAsked asked() {
    return {ledger_->state().size(), ledger_->state().size(), kAway, report_.stoppedCleanly};
  }

  // Moves at most so many segments.
  Status retire(uint32_t most = UINT32_MAX) {
    Status status = open();
    if (!status.ok()) return status;
    Retirement retirement(*ledger_);
    status = retirement.begin(asked());
    mark_ = retirement.mark();
    uint64_t bytes = 0;
    for (; status.ok() && retirement.left() != 0 && most != 0; --most) {
      status = retirement.moveNext(&bytes);
    }
    ledger_.reset();
    return status;
  }

  std::vector<std::string> filesIn(const std::string& folder) {
    std::vector<std::string> paths;
    for (const auto& [name, inode] : disk_.names) {
      if (name.starts_with(folder + "/")) paths.push_back(name);
    }
    return paths;
  }

  void putBack() {
    for (const std::string& path : filesIn(kAway)) {
      const std::string name = path.substr(std::string(kAway).size());
      ASSERT_EQ(storage_.rename(path, std::string("/state/journal") + name), 0);
    }
  }

  // Every entry is answered as it was, and proven by the tree.
  void checkEntries() {
    std::vector<uint8_t> found;
    const uint64_t size = mark_.firstIndex + 10;
    ASSERT_EQ(ledger_->readEntries(0, size, &found).message, "");
    ASSERT_LE(found.size(), entries_.size());
    EXPECT_TRUE(std::equal(found.begin(), found.end(), entries_.begin()));
    for (const uint64_t index : {uint64_t{0}, mark_.firstIndex - 1, mark_.firstIndex}) {
      std::vector<uint8_t> entry;
      ASSERT_EQ(ledger_->readEntry(index, &entry).message, "");
      std::vector<Hash> path;
      ASSERT_EQ(inclusionPath(ledger_->nodes(), index, size, &path).message, "");
    }
  }

  std::vector<Buffer> frames_;
  std::vector<uint8_t> entries_;
  RetiredMark mark_;
};

TEST_F(LedgerRetiredTest, EntriesStayAndBodiesAndReceiptsGo) {
  begin();
  ASSERT_EQ(retire().message, "");
  EXPECT_GT(mark_.files.size(), 2u);
  EXPECT_EQ(filesIn(kAway).size(), mark_.files.size());
  Checked checked = check();
  EXPECT_EQ(checked.first(), "");
  EXPECT_GT(checked.report.bodiesRetired, 0u);
  EXPECT_EQ(checked.report.retiredEntries, mark_.firstIndex);
  ASSERT_EQ(start().message, "");
  EXPECT_TRUE(report_.stoppedCleanly);
  EXPECT_EQ(ledger_->held().firstSegment, mark_.nextSegment());
  checkEntries();
  EXPECT_EQ(refusalOf(frames_.front()), "not-held");
  EXPECT_EQ(batch_.items[0].refusal.retry, intake::Retry::kNever);
  EXPECT_EQ(refusalOf(frames_.back()), "");
  uint64_t size = 0;
  Hash root;
  EXPECT_EQ(ledger_->groupOf(mark_.firstIndex - 1, &size, &root).code, Code::kNotHeld);
  EXPECT_EQ(ledger_->groupOf(mark_.firstIndex, &size, &root).message, "");
  Buffer plain;
  EXPECT_EQ(ledger_->openBody(7, 1, &plain).code, Code::kNotHeld);
  std::vector<StoredRecord> records;
  ASSERT_EQ(ledger_->readRecords(RecordType::kScopeKey, {}, &records).message, "");
  ASSERT_EQ(records.size(), 1u);
  EXPECT_EQ(records[0].bytes, Buffer(30, 2));
  ASSERT_EQ(ledger_->readRecords(RecordType::kCheckpoint, {}, &records).message, "");
  EXPECT_FALSE(records.empty());
}

TEST_F(LedgerRetiredTest, AKilledLedgerGoesOnAndMoreIsRetiredLater) {
  begin();
  ASSERT_EQ(retire().message, "");
  const RetiredMark first = mark_;
  ASSERT_EQ(start().message, "");
  work(30);
  ASSERT_EQ(start().message, "");
  EXPECT_FALSE(report_.stoppedCleanly);
  work(30);
  end();
  ASSERT_EQ(retire().message, "");
  EXPECT_EQ(mark_.firstSegment, first.nextSegment());
  EXPECT_EQ(check().first(), "");
  ASSERT_EQ(start().message, "");
  checkEntries();
  std::vector<StoredRecord> records;
  ASSERT_EQ(ledger_->readRecords(RecordType::kRetired, {}, &records).message, "");
  EXPECT_EQ(records.size(), 2u);
}

TEST_F(LedgerRetiredTest, WhateverWasMovedTheLedgerOpensAndTheSameAgainFinishesIt) {
  begin();
  for (uint32_t moved = 0; moved < 3; ++moved) {
    ASSERT_EQ(retire(moved == 0 ? 0 : 1).message, "");
    EXPECT_EQ(filesIn(kAway).size(), moved);
    EXPECT_EQ(check().first(), "");
    ASSERT_EQ(open().message, "");
    EXPECT_EQ(ledger_->held().firstSegment, moved);
    EXPECT_EQ(ledger_->stop().message, "");
  }
  ASSERT_EQ(open().message, "");
  Retirement elsewhere(*ledger_);
  RetireAsked other = asked();
  other.folder = "/elsewhere";
  EXPECT_EQ(elsewhere.begin(other).code, Code::kBadArgument);
  ASSERT_EQ(retire().message, "");
  EXPECT_EQ(filesIn(kAway).size(), mark_.files.size());
  ASSERT_EQ(start().message, "");
  checkEntries();
}

TEST_F(LedgerRetiredTest, ACopyThatWasNotRemovedIsFinished) {
  begin();
  ASSERT_EQ(retire(0).message, "");
  const std::string name = "/" + segmentName(0);
  disk_.names[kAway + name] = disk_.names.at("/state/journal" + name);
  ASSERT_EQ(retire().message, "");
  EXPECT_FALSE(disk_.names.contains("/state/journal" + name));
  ASSERT_EQ(start().message, "");
  checkEntries();
}

TEST_F(LedgerRetiredTest, LookupFilesAreMadeAgainFromWhatIsHeld) {
  begin();
  ASSERT_EQ(retire().message, "");
  for (const std::string& path : filesIn("/state/lookup")) disk_.names.erase(path);
  ASSERT_EQ(open().message, "");
  checkEntries();
  ASSERT_EQ(start().message, "");
  EXPECT_EQ(refusalOf(frames_.front()), "not-held");
  EXPECT_EQ(refusalOf(frames_.back()), "");
  work(5);
  ASSERT_EQ(open().message, "");
  EXPECT_EQ(refusalOf(frames_.back()), "");
}

TEST_F(LedgerRetiredTest, WithoutASnapshotTheSegmentsAreNeededAgain) {
  begin();
  ASSERT_EQ(retire().message, "");
  for (const std::string& path : filesIn("/state/snapshot")) disk_.names.erase(path);
  const Status refused = open();
  EXPECT_EQ(refused.code, Code::kNotHeld);
  EXPECT_NE(refused.message.find("of '/away' back into journal/"), std::string::npos);
  putBack();
  ASSERT_EQ(start().message, "");
  EXPECT_EQ(refusalOf(frames_.front()), "");
  EXPECT_EQ(check().first(), "");
}

TEST_F(LedgerRetiredTest, ASegmentMovedByHandIsDamage) {
  begin();
  const std::string first = "/state/journal/" + segmentName(0);
  const auto inode = disk_.names.at(first);
  disk_.names.erase(first);
  EXPECT_EQ(open().code, Code::kCorrupt);
  EXPECT_EQ(check().firstCode(), "segment-missing");
  disk_.names[first] = inode;
  ASSERT_EQ(retire().message, "");
  disk_.names.erase("/state/journal/" + segmentName(mark_.nextSegment()));
  EXPECT_EQ(open().code, Code::kCorrupt);
  EXPECT_FALSE(filesIn("/state/snapshot").empty());
}

TEST_F(LedgerRetiredTest, ADamagedBundleIsFoundAndNeverBelieved) {
  begin();
  ASSERT_EQ(retire().message, "");
  Buffer& bundle = disk_.names.at("/state/tile/entries/001")->current;
  bundle[100] ^= 1;
  const Checked checked = check();
  ASSERT_FALSE(checked.findings.list().empty());
  EXPECT_EQ(checked.findings.list()[0].file, "tile/entries/001");
  EXPECT_EQ(checked.findings.list()[0].weight, fsck::Weight::kDamage);
  ASSERT_EQ(start().message, "");
  Buffer entry;
  EXPECT_EQ(ledger_->readEntry(256, &entry).code, Code::kNotHeld);
  EXPECT_EQ(ledger_->readEntry(0, &entry).message, "");
  work(1);
}

TEST_F(LedgerRetiredTest, NothingIsRetiredThatIsNotAnchoredOrWanted) {
  begin();
  ASSERT_EQ(open().message, "");
  for (const bool isAnchored : {false, true}) {
    RetireAsked few = asked();
    (isAnchored ? few.before : few.anchored) = 3;
    EXPECT_EQ(Retirement(*ledger_).begin(few).code, Code::kNotFound);
  }
  EXPECT_TRUE(filesIn(kAway).empty());
}

}  // namespace
}  // namespace kudurru
