// The ledger while its disk fails, fills up or loses power: nothing acknowledged is lost, nothing
// else is half there, and fsck finds every byte that changed.
#include "core/journal/crc32c.h"
#include "ledger-fixture.h"

namespace kudurru {
namespace {

using namespace test;

struct Acknowledged {
  Buffer frame;
  intake::Receipt receipt;
};

class LedgerFaultTest : public LedgerTest {
 protected:
  // Starts, submits, publishes and keeps records, until something fails.
  Status work(std::vector<Acknowledged>* acknowledged) {
    // Small: the journal goes on to another segment, and a snapshot is made, in every round.
    segmentBytes_ = 96 * 1024;
    Status status = start();
    for (int round = 0; status.ok() && round < 4; ++round) {
      status = applyFrames({agent_.submit(2, 200), agent_.submit(70)});
      for (size_t at = 0; status.ok() && at < batch_.items.size(); ++at) {
        const intake::SubmitItem& item = batch_.items[at];
        if (!item.refusal) acknowledged->push_back({item.frame, item.receipt});
      }
      if (status.ok()) status = ledger_->appendRecord(RecordType::kCheckpoint, Buffer(9, 1));
      if (status.ok()) status = ledger_->publish(ledger_->state().size());
    }
    if (status.ok()) status = ledger_->stop();
    return status;
  }

  void reset() {
    ledger_.reset();
    disk_ = SimulatedDisk();
    disk_.folders = {"/"};
    boots_ = 0;
  }

  void checkAfter(const std::vector<Acknowledged>& acknowledged, const std::string& where) {
    ASSERT_EQ(start().message, "") << where;
    for (const Acknowledged& one : acknowledged) {
      ASSERT_EQ(applyFrames({one.frame}).message, "") << where;
      ASSERT_EQ(result_.repeated, 1u) << where;
      EXPECT_EQ(batch_.items[0].receipt.firstIndex, one.receipt.firstIndex) << where;
      EXPECT_EQ(batch_.items[0].receipt.root, one.receipt.root) << where;
      Hash root;
      ASSERT_EQ(rootAt(ledger_->nodes(), one.receipt.treeSize, &root).message, "") << where;
      EXPECT_EQ(root, one.receipt.root) << where;
    }
    ASSERT_EQ(applyFrames({agent_.submit(1)}).message, "") << where;
    EXPECT_EQ(result_.accepted, 1u) << where;
    ASSERT_EQ(ledger_->publish(ledger_->state().size()).message, "") << where;
    const Checked checked = check();
    // Tile files are not synced: a power cut may leave a torn one, which can be made again.
    EXPECT_EQ(checked.findings.damages(), 0u) << where << checked.first();
    EXPECT_EQ(checked.report.entries, ledger_->state().size()) << where;
    EXPECT_EQ(checked.report.root, ledger_->state().root()) << where;
  }
};

TEST_F(LedgerFaultTest, NothingAcknowledgedIsLostWhenKilledAroundAnyCall) {
  using Fault = SimulatedDisk::Fault;
  using Keep = SimulatedDisk::Keep;
  std::vector<Acknowledged> acknowledged;
  ASSERT_EQ(work(&acknowledged).message, "");
  const uint64_t operations = disk_.operation;
  for (uint64_t at = 1; at <= operations; ++at) {
    const uint64_t seed = at * 3;
    const Fault fault = at % 2 == 0 ? Fault::kCrashBefore : Fault::kCrashAfter;
    for (const Keep keep : {Keep::kNothing, Keep::kSome}) {
      reset();
      acknowledged.clear();
      disk_.faultAt = at;
      disk_.fault = fault;
      EXPECT_THROW((void)work(&acknowledged), Crash);
      disk_.powerCut(keep, seed);
      checkAfter(acknowledged, disk_.trace.back() + ", call " + std::to_string(at));
      if (HasFatalFailure()) return;
    }
  }
}

// What a kill leaves in memory is there at the next start, and is on no disk before it is synced:
// names too.
TEST_F(LedgerFaultTest, NothingAcknowledgedIsLostWhenKilledThenPoweredOff) {
  using Fault = SimulatedDisk::Fault;
  std::vector<Acknowledged> acknowledged;
  ASSERT_EQ(work(&acknowledged).message, "");
  const std::vector<std::string> trace = disk_.trace;
  for (uint64_t at = 1; at <= trace.size(); ++at) {
    if (trace[at - 1].starts_with("write")) continue;
    reset();
    acknowledged.clear();
    disk_.faultAt = at;
    disk_.fault = Fault::kCrashBefore;
    EXPECT_THROW((void)work(&acknowledged), Crash);
    disk_.fault = Fault::kNone;
    ASSERT_EQ(start().message, "") << trace[at - 1];
    ASSERT_EQ(applyFrames({agent_.submit(1)}).message, "") << trace[at - 1];
    acknowledged.push_back({batch_.items[0].frame, batch_.items[0].receipt});
    ledger_.reset();
    disk_.powerCut(SimulatedDisk::Keep::kNothing, at);
    checkAfter(acknowledged, trace[at - 1] + ", call " + std::to_string(at));
    if (HasFatalFailure()) return;
  }
}

TEST_F(LedgerFaultTest, AnErrorOfTheJournalEndsTheLedgerAndTheNextStartRecovers) {
  std::vector<Acknowledged> acknowledged;
  ASSERT_EQ(work(&acknowledged).message, "");
  const std::vector<std::string> trace = disk_.trace;
  for (uint64_t at = 1; at <= trace.size(); at += 3) {
    reset();
    acknowledged.clear();
    disk_.faultAt = at;
    disk_.fault = SimulatedDisk::Fault::kError;
    const Status status = work(&acknowledged);
    EXPECT_FALSE(status.ok()) << trace[at - 1];
    if (ledger_ && status.fatal()) {
      EXPECT_EQ(applyFrames({}).code, Code::kClosed) << trace[at - 1];
      EXPECT_EQ(ledger_->appendRecord(RecordType::kPrepare, {}).code, Code::kClosed);
    }
    ledger_.reset();
    disk_.powerCut(SimulatedDisk::Keep::kSome, at);
    checkAfter(acknowledged, trace[at - 1] + ", call " + std::to_string(at));
    if (HasFatalFailure()) return;
  }
}

TEST_F(LedgerFaultTest, AFullDiskRefusesSubmissionsAndStillTakesTheStop) {
  ASSERT_EQ(start().message, "");
  disk_.freeBytes = 0;
  std::string refusal;
  uint64_t taken = 0;
  AgentSide before = agent_;
  while (refusal.empty()) {
    before = agent_;
    refusal = refusalOf(agent_.submit(4, 20'000));
    taken += refusal.empty() ? 1 : 0;
  }
  EXPECT_EQ(refusal, "disk-full");
  EXPECT_EQ(batch_.items[0].refusal.retry, intake::Retry::kLater);
  EXPECT_GT(taken, 5u);
  const SystemEntry stop = systemEntry(EntryKind::kStop, encode([](cbor::Writer& w) {
                                         w.writeArray(2).writeText("disk full").writeUnsigned(1);
                                       }));
  ASSERT_EQ(applySystem({stop}).message, "");
  const Status published = ledger_->publish(ledger_->state().size());
  EXPECT_TRUE(published.ok() || published.code == Code::kDiskFull) << published.message;
  disk_.freeBytes = UINT64_MAX;
  agent_ = before;
  EXPECT_EQ(refusalOf(agent_.submit(4, 20'000)), "");
  ASSERT_EQ(ledger_->stop().message, "");
  EXPECT_EQ(check().first(), "");
}

TEST_F(LedgerFaultTest, FsckFindsEachFlippedByteOfTheJournal) {
  ASSERT_EQ(start().message, "");
  ASSERT_EQ(applyFrames({agent_.submit(3, 64)}).message, "");
  ASSERT_EQ(ledger_->stop().message, "");
  ledger_.reset();
  const Checked clean = check();
  ASSERT_EQ(clean.first(), "");
  EXPECT_TRUE(clean.report.isComplete);
  EXPECT_TRUE(clean.report.journal.stoppedCleanly);
  EXPECT_EQ(clean.report.bodiesOpened, 1u);
  Buffer& bytes = disk_.names.at("/state/journal/00000000.journal")->current;
  const uint64_t end = clean.report.journal.end.offset;
  for (size_t at = 0; at < bytes.size(); at += at < end ? 7 : 997) {
    bytes[at] ^= 0x40;
    const Checked found = check();
    bytes[at] ^= 0x40;
    ASSERT_FALSE(found.findings.list().empty()) << at;
    const fsck::Finding& first = found.findings.list()[0];
    EXPECT_EQ(first.weight, fsck::Weight::kDamage) << at;
    EXPECT_EQ(first.file, "journal/00000000.journal") << at;
    EXPECT_LE(first.offset, at);
  }
}

// Who changes a group and mends its checksums cannot mend chain, roots and what agents signed.
TEST_F(LedgerFaultTest, FsckFindsEachChangeOfAGroupWhoseChecksumsWereMended) {
  ASSERT_EQ(start().message, "");
  ASSERT_EQ(applyFrames({agent_.submit(2, 64)}).message, "");
  ASSERT_EQ(applyFrames({agent_.submit(1)}).message, "");
  ASSERT_EQ(ledger_->stop().message, "");
  ledger_.reset();
  Buffer& bytes = disk_.names.at("/state/journal/00000000.journal")->current;
  SegmentHeader segment;
  ASSERT_EQ(decodeSegmentHeader(Bytes(bytes).first(kSegmentHeaderBytes), &segment).message, "");
  const uint32_t seed = segment.seed();
  size_t flipped = 0;
  for (size_t at = kSegmentHeaderBytes;;) {
    const auto found = decodeRecordHeader(Bytes(bytes).subspan(at), seed);
    if (!found) break;
    const Buffer whole(bytes.begin() + static_cast<ptrdiff_t>(at),
                       bytes.begin() + static_cast<ptrdiff_t>(at + recordBytes(found->length)));
    for (size_t byte = 0; byte < found->length; byte += 3, ++flipped) {
      bytes[at + kRecordHeaderBytes + byte] ^= 0x10;
      RecordHeader mended = *found;
      const Bytes payload = Bytes(bytes).subspan(at + kRecordHeaderBytes, found->length);
      mended.payloadChecksum = crc32c(payload, seed);
      const RecordHeaderBytes head = encodeRecordHeader(mended, seed);
      std::ranges::copy(head, bytes.begin() + static_cast<ptrdiff_t>(at));
      const Checked checked = check();
      EXPECT_GT(checked.findings.damages(), 0u) << "byte " << byte << " of the record at " << at;
      std::ranges::copy(whole, bytes.begin() + static_cast<ptrdiff_t>(at));
    }
    at += whole.size();
  }
  EXPECT_GT(flipped, 500u);
  EXPECT_EQ(check().first(), "");
}

TEST_F(LedgerFaultTest, TilesAreWholeAreFoundWrongAndAreMadeAgain) {
  ASSERT_EQ(start().message, "");
  for (int at = 0; at < 8; ++at) ASSERT_EQ(applyFrames({agent_.submit(100)}).message, "");
  ASSERT_EQ(ledger_->publish(300).message, "");
  EXPECT_TRUE(disk_.names.contains("/state/tile/entries/001.p/44"));
  ASSERT_EQ(ledger_->publish(ledger_->state().size()).message, "");
  EXPECT_FALSE(disk_.names.contains("/state/tile/entries/001.p/44"));
  const std::string leaves = "/state/tile/0/001";
  const Buffer good = disk_.names.at(leaves)->current;
  EXPECT_EQ(good.size(), 8192u);
  EXPECT_EQ(check().report.tiles, 11u);
  disk_.names.at(leaves)->current[5000] ^= 1;
  const Checked wrong = check();
  ASSERT_EQ(wrong.findings.list().size(), 1u);
  EXPECT_EQ(wrong.firstCode(), "tile-wrong");
  EXPECT_EQ(wrong.findings.list()[0].weight, fsck::Weight::kRebuildable);
  EXPECT_EQ(wrong.findings.list()[0].file, "tile/0/001");
  EXPECT_EQ(wrong.findings.list()[0].offset, 5000u);
  ASSERT_EQ(ledger_->stop().message, "");
  disk_.names.erase(leaves);
  ASSERT_EQ(start().message, "");
  Hash hash;
  ASSERT_EQ(ledger_->nodes()(3, 33, &hash).message, "");
  EXPECT_EQ(disk_.names.at(leaves)->current, good);
}

// A folder set back to an earlier copy of the journal, with the later tiles still there.
TEST_F(LedgerFaultTest, TilesOfAnotherHistoryAreMadeAgain) {
  ASSERT_EQ(start().message, "");
  ASSERT_EQ(applyFrames({agent_.submit(100)}).message, "");
  ASSERT_EQ(applyFrames({agent_.submit(200)}).message, "");
  const std::string segment = "/state/journal/00000000.journal";
  const Buffer early = disk_.names.at(segment)->current;
  const AgentSide agent = agent_;
  for (int at = 0; at < 3; ++at) ASSERT_EQ(applyFrames({agent_.submit(300)}).message, "");
  ASSERT_EQ(ledger_->publish(ledger_->state().size()).message, "");
  ASSERT_EQ(ledger_->stop().message, "");
  ledger_.reset();
  disk_.names.at(segment)->current = early;
  disk_.names.erase("/state/journal/00000001.journal");
  ASSERT_EQ(start().message, "");
  agent_ = agent;
  for (int at = 0; at < 5; ++at) ASSERT_EQ(applyFrames({agent_.submit(150)}).message, "");
  ASSERT_EQ(ledger_->publish(ledger_->state().size()).message, "");
  // What is left of the longer history is told from the files that the log has.
  const Checked checked = check();
  EXPECT_EQ(checked.findings.damages(), 0u) << checked.first();
  for (const fsck::Finding& finding : checked.findings.list()) {
    EXPECT_STREQ(finding.code, "tile-unexpected") << finding.file;
  }
  Hash root;
  ASSERT_EQ(rootAt(ledger_->nodes(), ledger_->state().size(), &root).message, "");
  EXPECT_EQ(root, ledger_->state().root());
}

}  // namespace
}  // namespace kudurru
