// What a start begins from, and what becomes of derived files that are damaged: the ledger is the
// same as one replayed from the beginning, whatever of snapshot/, lookup/ and tile/ is left.
#include "ledger-fixture.h"

namespace kudurru {
namespace {

using namespace test;

class LedgerRecoveryTest : public LedgerTest {
 protected:
  LedgerRecoveryTest() { segmentBytes_ = 96 * 1024; }

  // Groups over several segments, checkpoints and other records between them.
  void work(int rounds) {
    for (int round = 0; round < rounds; ++round) {
      frames_.push_back(agent_.submit(3, 4'000));
      ASSERT_EQ(applyFrames({frames_.back(), agent_.submit(20)}).message, "");
      ASSERT_EQ(result_.accepted, 2u);
      receipts_.push_back(batch_.items[0].receipt);
      ASSERT_EQ(ledger_->appendRecord(RecordType::kCheckpoint, Buffer(9, 1)).message, "");
      Status status;
      if (++rounds_ % 3 == 0) status = ledger_->appendRecord(RecordType::kScopeKey, Buffer(30, 2));
      if (status.ok() && round % 4 == 0) status = ledger_->publish(ledger_->state().size());
      ASSERT_EQ(status.message, "");
    }
  }

  void begin(int rounds) {
    ASSERT_EQ(start().message, "");
    work(rounds);
  }

  Buffer stateBytes() const {
    Buffer bytes;
    ledger_->state().encode(&bytes);
    return bytes;
  }

  std::vector<std::string> filesIn(const std::string& folder) {
    std::vector<std::string> paths;
    for (const auto& [name, inode] : disk_.names) {
      if (name.starts_with("/state/" + folder + "/")) paths.push_back(name);
    }
    return paths;
  }

  Buffer& bytesOf(const std::string& path) { return disk_.names.at(path)->current; }

  // The whole history is answered as it was.
  void checkAnswers() {
    for (size_t at = 0; at < frames_.size(); ++at) {
      ASSERT_EQ(applyFrames({frames_[at]}).message, "");
      ASSERT_EQ(result_.repeated, 1u) << at;
      const intake::Receipt& receipt = batch_.items[0].receipt;
      EXPECT_EQ(receipt.firstIndex, receipts_[at].firstIndex);
      EXPECT_EQ(receipt.treeSize, receipts_[at].treeSize);
      EXPECT_EQ(receipt.root, receipts_[at].root);
      Hash root;
      ASSERT_EQ(rootAt(ledger_->nodes(), receipt.treeSize, &root).message, "");
      EXPECT_EQ(root, receipt.root);
    }
    std::vector<StoredRecord> records;
    ASSERT_EQ(ledger_->readRecords(RecordType::kCheckpoint, {}, &records).message, "");
    EXPECT_EQ(records.size(), frames_.size());
    ASSERT_EQ(ledger_->readRecords(RecordType::kScopeKey, {}, &records).message, "");
    EXPECT_EQ(records.size(), rounds_ / 3);
  }

  std::vector<Buffer> frames_;
  std::vector<intake::Receipt> receipts_;
  size_t rounds_ = 0;
};

TEST_F(LedgerRecoveryTest, AKilledLedgerIsReplayedFromItsNewestSnapshot) {
  begin(40);
  const uint32_t segment = 3;
  ASSERT_GT(filesIn("journal").size(), segment);
  EXPECT_EQ(filesIn("snapshot").size(), 2u);
  const Buffer state = stateBytes();
  ASSERT_EQ(open().message, "");
  ASSERT_TRUE(ledger_->opening().snapshot);
  EXPECT_GE(*ledger_->opening().snapshot, segment);
  EXPECT_LT(ledger_->opening().replayedRecords, report_.nextRecord / 3);
  EXPECT_EQ(stateBytes(), state);
  EXPECT_TRUE(ledger_->takeNotes().empty());
  checkAnswers();
  ASSERT_EQ(start().message, "");
  work(10);
  checkAnswers();
  EXPECT_EQ(check().first(), "");
}

TEST_F(LedgerRecoveryTest, AfterAStopNothingIsReplayedAndARefusedStartChangesNothing) {
  begin(12);
  const Buffer state = stateBytes();
  ASSERT_EQ(ledger_->stop().message, "");
  for (int time = 0; time < 3; ++time) {
    const auto files = filesIn("journal");
    ASSERT_EQ(open().message, "");
    EXPECT_TRUE(report_.stoppedCleanly);
    EXPECT_EQ(ledger_->opening().replayedRecords, 0u);
    EXPECT_EQ(stateBytes(), state);
    EXPECT_EQ(filesIn("journal"), files);
  }
  ASSERT_EQ(start().message, "");
  EXPECT_TRUE(report_.stoppedCleanly);
  ASSERT_EQ(open().message, "");
  EXPECT_FALSE(report_.stoppedCleanly);
}

TEST_F(LedgerRecoveryTest, ASnapshotIsReplacedWhereAnyByteOfItChanged) {
  begin(12);
  ASSERT_EQ(ledger_->stop().message, "");
  const Buffer state = stateBytes();
  ledger_.reset();
  const std::string newest = filesIn("snapshot").back();
  const Buffer good = bytesOf(newest);
  for (size_t at = 0; at < good.size(); at += 7) {
    Buffer bad = good;
    bad[at] ^= 0x20;
    disk_.names[newest] = std::make_shared<SimulatedDisk::Inode>();
    bytesOf(newest) = bad;
    ASSERT_EQ(open().message, "");
    EXPECT_EQ(stateBytes(), state) << at;
    const auto notes = ledger_->takeNotes();
    ASSERT_EQ(notes.size(), 1u) << at;
    EXPECT_NE(notes[0].find("removed"), std::string::npos);
    EXPECT_FALSE(disk_.names.contains(newest));
  }
  ASSERT_EQ(start().message, "");
  work(8);
  EXPECT_EQ(filesIn("snapshot").size(), 2u);
  checkAnswers();
}

TEST_F(LedgerRecoveryTest, WithoutASnapshotTheJournalIsReplayedFromTheBeginning) {
  begin(12);
  const Buffer state = stateBytes();
  for (const std::string& path : filesIn("snapshot")) bytesOf(path).clear();
  ASSERT_EQ(open().message, "");
  EXPECT_FALSE(ledger_->opening().snapshot);
  EXPECT_EQ(ledger_->opening().replayedRecords, report_.nextRecord);
  EXPECT_EQ(ledger_->takeNotes().size(), 2u);
  EXPECT_EQ(stateBytes(), state);
  checkAnswers();
}

// The digest is right, the tree is another: the journal's own group decides.
TEST_F(LedgerRecoveryTest, ASnapshotThatTheJournalContradictsIsNotBelieved) {
  begin(12);
  ASSERT_EQ(ledger_->stop().message, "");
  const Buffer state = stateBytes();
  ledger_.reset();
  const std::string newest = filesIn("snapshot").back();
  const Buffer good = bytesOf(newest);
  const auto written = decodeSnapshot(good);
  ASSERT_TRUE(written);
  std::vector<Snapshot> forged(5, *written);
  Buffer leaf(written->state.begin(), written->state.end());
  leaf[0] ^= 1;  // of the last leaf hash
  forged[0].state = leaf;
  forged[1].position.record += 1;
  forged[2].position.offset += 8;
  forged[3].lastGroup.offset += 8;
  forged[4].ledgerId[0] ^= 1;
  for (const Snapshot& snapshot : forged) {
    disk_.names[newest] = std::make_shared<SimulatedDisk::Inode>();
    bytesOf(newest) = encodeSnapshot(snapshot);
    ASSERT_EQ(open().message, "");
    EXPECT_EQ(ledger_->takeNotes().size(), 1u);
    EXPECT_EQ(stateBytes(), state);
  }
}

TEST_F(LedgerRecoveryTest, LookupFilesAreMadeAgainAtTheStart) {
  begin(12);
  ASSERT_EQ(ledger_->stop().message, "");
  ledger_.reset();
  const auto files = filesIn("lookup");
  for (const std::string& path : files) {
    if (path.ends_with("published") || path.ends_with("tile")) continue;
    for (const bool isMissing : {false, true}) {
      if (isMissing) {
        disk_.names.erase(path);
      } else {
        bytesOf(path).resize(bytesOf(path).size() - 1);
      }
      ASSERT_EQ(open().message, "");
      EXPECT_EQ(ledger_->takeNotes().size(), 1u) << path;
      EXPECT_FALSE(ledger_->opening().snapshot);
      checkAnswers();
      ASSERT_EQ(ledger_->stop().message, "");
      ledger_.reset();
    }
  }
}

TEST_F(LedgerRecoveryTest, LookupFilesAreMadeAgainWhileServing) {
  begin(12);
  ASSERT_EQ(ledger_->stop().message, "");
  for (const std::string name : {"groups", "records", "statements"}) {
    ASSERT_EQ(start().message, "");
    Buffer& bytes = bytesOf("/state/lookup/" + name);
    for (size_t at = 0; at < bytes.size(); at += 11) bytes[at] ^= 0x04;
    // A statement whose neighbours are damaged is taken; one that repeats another has to wait.
    const Buffer old = frames_.front();
    frames_.push_back(agent_.submit(2));
    ASSERT_EQ(applyFrames({frames_.back(), old}).message, "");
    ASSERT_EQ(result_.accepted, 1u);
    receipts_.push_back(batch_.items[0].receipt);
    if (batch_.items[1].refusal) {
      EXPECT_EQ(std::string(batch_.items[1].refusal.code), "not-ready");
      EXPECT_EQ(batch_.items[1].refusal.retry, intake::Retry::kLater);
    }
    std::vector<StoredRecord> records;
    ASSERT_EQ(ledger_->readRecords(RecordType::kCheckpoint, {}, &records).message, "");
    EXPECT_EQ(records.size(), 12u);
    for (uint64_t index = 0; index < ledger_->state().size(); index += 7) {
      Buffer entry;
      ASSERT_EQ(ledger_->readEntry(index, &entry).message, "");
    }
    EXPECT_EQ(ledger_->takeNotes().size(), 1u) << name;
    const Buffer state = stateBytes();
    ASSERT_EQ(open().message, "");
    EXPECT_EQ(stateBytes(), state);
    ASSERT_EQ(ledger_->stop().message, "");
  }
}

TEST_F(LedgerRecoveryTest, ProofsAreRightWhateverTheTilesSay) {
  begin(16);
  ASSERT_EQ(ledger_->publish(ledger_->state().size()).message, "");
  ASSERT_EQ(ledger_->stop().message, "");
  ledger_.reset();
  for (const std::string& path : filesIn("tile/0")) {
    const Buffer good = bytesOf(path);
    if (good.size() != kTileWidth * sizeof(Hash)) continue;
    for (const int damage : {0, 1, 2}) {
      if (damage == 0) bytesOf(path)[1'000] ^= 0x80;
      if (damage == 1) bytesOf(path).resize(100);
      if (damage == 2) disk_.names.erase(path);
      ASSERT_EQ(open().message, "");
      for (uint64_t size = 1; size < ledger_->state().size(); size += 41) {
        Hash root;
        ASSERT_EQ(rootAt(ledger_->nodes(), size, &root).message, "");
      }
      EXPECT_EQ(ledger_->takeNotes().size(), 1u) << path;
      EXPECT_EQ(bytesOf(path), good);
    }
  }
  checkAnswers();
}

TEST_F(LedgerRecoveryTest, ADamagedMarkOfTheTilesCostsNoMoreThanASegment) {
  begin(30);
  ASSERT_EQ(ledger_->publish(ledger_->state().size()).message, "");
  ASSERT_EQ(ledger_->stop().message, "");
  bytesOf("/state/lookup/published")[3] ^= 1;
  ASSERT_EQ(start().message, "");
  EXPECT_EQ(ledger_->takeNotes().size(), 1u);
  ASSERT_EQ(ledger_->publish(ledger_->state().size()).message, "");
  EXPECT_EQ(check().first(), "");
  checkAnswers();
}

// A disk without room for derived files holds nothing up; with room again they are made.
TEST_F(LedgerRecoveryTest, AFullDiskPutsASnapshotOff) {
  begin(8);
  ASSERT_EQ(ledger_->stop().message, "");
  EXPECT_FALSE(filesIn("snapshot").empty());
  ASSERT_EQ(start().message, "");
  disk_.freeBytes = 0;
  disk_.isFullForWrites = true;
  ASSERT_EQ(ledger_->stop().message, "");
  disk_.freeBytes = UINT64_MAX;
  disk_.isFullForWrites = false;
  EXPECT_EQ(ledger_->takeNotes().size(), 1u);
  ASSERT_EQ(open().message, "");
  EXPECT_TRUE(report_.stoppedCleanly);
  EXPECT_NE(ledger_->opening().replayedRecords, 0u);
  checkAnswers();
}

// A power cut tears files that nobody has synced, and leaves them their names and lengths.
TEST_F(LedgerRecoveryTest, TornPartialTilesOfSmallerTreesAreWrittenAgain) {
  begin(2);
  const uint64_t smaller = ledger_->state().size();
  ASSERT_EQ(ledger_->publish(smaller).message, "");
  std::map<std::string, Buffer> whole;
  for (const std::string& path : filesIn("tile")) {
    if (path.find(".p/") != std::string::npos) whole[path] = bytesOf(path);
  }
  ASSERT_GE(whole.size(), 2u);
  for (const auto& [path, bytes] : whole) std::ranges::fill(bytesOf(path), uint8_t{0});
  ASSERT_EQ(start().message, "");
  ASSERT_EQ(applyFrames({agent_.submit(1)}).message, "");
  ASSERT_EQ(ledger_->publish(ledger_->state().size()).message, "");
  for (const auto& [path, bytes] : whole) EXPECT_EQ(bytesOf(path), bytes) << path;
  EXPECT_EQ(check().first(), "");
}

}  // namespace
}  // namespace kudurru
