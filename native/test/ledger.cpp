// The ledger: what it takes, what it refuses, what it answers, and that a restart changes nothing.
#include "core/ledger/ledger.h"

#include "ledger-fixture.h"

namespace kudurru {
namespace {

using namespace test;

// RFC 9162 §2.1.3.2, written from its text.
bool verifyInclusion(const Hash& leaf, uint64_t index, uint64_t size, const std::vector<Hash>& path,
                     const Hash& root) {
  uint64_t node = index;
  uint64_t last = size - 1;
  Hash hash = leaf;
  for (const Hash& sibling : path) {
    if (last == 0) return false;
    if ((node & 1) != 0 || node == last) {
      hash = nodeHash(sibling, hash);
      while ((node & 1) == 0 && node != 0) {
        node >>= 1;
        last >>= 1;
      }
    } else {
      hash = nodeHash(hash, sibling);
    }
    node >>= 1;
    last >>= 1;
  }
  return last == 0 && hash == root;
}

TEST_F(LedgerTest, AnswersASubmissionWithItsPlaceAndTheTreeThatHoldsIt) {
  ASSERT_EQ(start().message, "");
  const uint64_t before = ledger_->state().size();
  ASSERT_EQ(applyFrames({agent_.submit(3, 100)}).message, "");
  const intake::Receipt& receipt = batch_.items[0].receipt;
  EXPECT_EQ(result_.accepted, 1u);
  EXPECT_EQ(receipt.firstIndex, before);
  EXPECT_EQ(receipt.count, 3u);
  EXPECT_EQ(receipt.treeSize, before + 4);
  EXPECT_EQ(receipt.root, ledger_->state().root());
  Buffer entry;
  ASSERT_EQ(ledger_->readEntry(before, &entry).message, "");
  const auto view = decodeEntry(entry);
  ASSERT_TRUE(view);
  EXPECT_EQ(view->head.kind, EntryKind::kStatement);
  EXPECT_EQ(view->head.time.taiNs, 37'000'005'000u);
  EXPECT_EQ(view->head.time.bootIndex, 1u);
  EXPECT_TRUE(std::ranges::equal(view->time, receipt.time));
}

TEST_F(LedgerTest, EveryEntryIsProvenAgainstTheRootOfAnyLaterSize) {
  ASSERT_EQ(start().message, "");
  std::vector<Hash> roots{Hash{}};
  while (ledger_->state().size() < 600) {
    ASSERT_EQ(applyFrames({agent_.submit(1 + ledger_->state().size() % 5)}).message, "");
  }
  const uint64_t size = ledger_->state().size();
  for (const uint64_t at : {uint64_t{1}, uint64_t{255}, uint64_t{256}, uint64_t{511}, size}) {
    Hash root;
    ASSERT_EQ(rootAt(ledger_->nodes(), at, &root).message, "");
    for (uint64_t index = 0; index < at; index += 1 + index / 16) {
      Buffer entry;
      std::vector<Hash> path;
      ASSERT_EQ(ledger_->readEntry(index, &entry).message, "");
      ASSERT_EQ(inclusionPath(ledger_->nodes(), index, at, &path).message, "");
      EXPECT_TRUE(verifyInclusion(leafHash(entry), index, at, path, root)) << index << " " << at;
    }
  }
  Hash root;
  ASSERT_EQ(rootAt(ledger_->nodes(), size, &root).message, "");
  EXPECT_EQ(root, ledger_->state().root());
  std::vector<Hash> path;
  EXPECT_EQ(inclusionPath(ledger_->nodes(), 0, size + 1, &path).code, Code::kNotFound);
  EXPECT_EQ(inclusionPath(ledger_->nodes(), 3, 3, &path).code, Code::kBadArgument);
}

// RFC 6962 §2.1.2: the paths of small trees, worked out by hand from node hashes.
TEST_F(LedgerTest, ConsistencyPathsAreThoseOfTheText) {
  ASSERT_EQ(start().message, "");
  while (ledger_->state().size() < 7) ASSERT_EQ(applyFrames({agent_.submit(1)}).message, "");
  const NodeSource nodes = ledger_->nodes();
  const auto node = [&](unsigned level, uint64_t index) {
    Hash hash;
    EXPECT_EQ(nodes(level, index, &hash).message, "");
    return hash;
  };
  const auto path = [&](uint64_t oldSize) {
    std::vector<Hash> hashes;
    EXPECT_EQ(consistencyPath(nodes, oldSize, 7, &hashes).message, "");
    return hashes;
  };
  const Hash l = nodeHash(node(1, 2), node(0, 6));
  EXPECT_EQ(path(3), (std::vector<Hash>{node(0, 2), node(0, 3), node(1, 0), l}));
  EXPECT_EQ(path(4), (std::vector<Hash>{l}));
  EXPECT_EQ(path(6), (std::vector<Hash>{node(1, 2), node(0, 6), node(2, 0)}));
  EXPECT_EQ(path(7), (std::vector<Hash>{}));
  EXPECT_EQ(path(0), (std::vector<Hash>{}));
}

TEST_F(LedgerTest, RefusesWhatDoesNotFollowInTheSessionAndLeavesNothingOfIt) {
  ASSERT_EQ(start().message, "");
  const AgentSide begin = agent_;
  const Buffer first = agent_.submit(2);
  AgentSide ahead = agent_;
  const Buffer second = agent_.submit(1);
  EXPECT_EQ(refusalOf(second), "sequence-gap");
  const Hash root = ledger_->state().root();
  EXPECT_EQ(refusalOf(first), "");
  EXPECT_NE(ledger_->state().root(), root);
  const Hash after = ledger_->state().root();
  AgentSide other = begin;
  EXPECT_EQ(refusalOf(other.submit(1)), "sequence-taken");
  other = begin;
  EXPECT_EQ(refusalOf(other.submit(2, 10)), "sequence-taken");
  ahead.previous.fill(1);
  EXPECT_EQ(refusalOf(ahead.submit(1)), "previous-statement-mismatch");
  ahead.session.fill(1);
  EXPECT_EQ(refusalOf(ahead.submit(1)), "session-unknown");
  EXPECT_EQ(ledger_->state().root(), after);
  EXPECT_EQ(refusalOf(second), "");
}

TEST_F(LedgerTest, ARefusedItemDoesNotDisturbItsNeighbours) {
  ASSERT_EQ(start().message, "");
  AgentSide lost = agent_;
  lost.session.fill(1);
  const Buffer one = agent_.submit(2);
  const Buffer two = agent_.submit(1);
  ASSERT_EQ(applyFrames({one, lost.submit(3), two}).message, "");
  EXPECT_EQ(result_.accepted, 2u);
  EXPECT_EQ(result_.refused, 1u);
  EXPECT_EQ(batch_.items[2].receipt.firstIndex, batch_.items[0].receipt.firstIndex + 3);
  EXPECT_EQ(check().first(), "");
}

TEST_F(LedgerTest, TheSameStatementGetsTheSameReceiptAtAnyTime) {
  ASSERT_EQ(start().message, "");
  std::vector<Buffer> frames;
  std::vector<intake::Receipt> receipts;
  for (uint64_t at = 0; at < 70; ++at) {
    frames.push_back(agent_.submit(1 + at % 3));
    ASSERT_EQ(applyFrames({frames.back(), frames.back()}).message, "");
    EXPECT_EQ(result_.repeated, 1u);
    receipts.push_back(batch_.items[0].receipt);
  }
  for (int run = 0; run < 2; ++run) {
    const uint64_t size = ledger_->state().size();
    ASSERT_EQ(applyFrames(frames).message, "");
    EXPECT_EQ(ledger_->state().size(), size);
    for (size_t at = 0; at < frames.size(); ++at) {
      const intake::Receipt& again = batch_.items[at].receipt;
      ASSERT_FALSE(batch_.items[at].refusal);
      EXPECT_EQ(again.firstIndex, receipts[at].firstIndex) << at;
      EXPECT_EQ(again.count, receipts[at].count);
      EXPECT_EQ(again.treeSize, receipts[at].treeSize);
      EXPECT_EQ(again.root, receipts[at].root);
      EXPECT_EQ(again.time, receipts[at].time);
    }
    ASSERT_EQ(start().message, "");
  }
}

// A disk that is nearly full takes nothing new, and a repeat needs nothing.
TEST_F(LedgerTest, WhileNothingNewIsTakenARepeatIsAnsweredAndWritesNothing) {
  ASSERT_EQ(start().message, "");
  AgentSide other = agent_;
  const Buffer frame = agent_.submit(2, 10);
  ASSERT_EQ(applyFrames({frame}).message, "");
  const intake::Receipt receipt = batch_.items[0].receipt;
  const std::vector<Buffer> frames = {frame, agent_.submit(1), other.submit(1)};
  for (int run = 0; run < 2; ++run) {
    const uint64_t size = ledger_->state().size();
    const size_t calls = disk_.trace.size();
    batch_ = {};
    for (const Buffer& each : frames) {
      batch_.items.push_back(itemOf(each));
      batch_.items.back().unlessRepeated = {"disk-low", "little room", intake::Retry::kLater};
    }
    ASSERT_EQ(ledger_->apply({&batch_, 37, nullptr}, &result_).message, "");
    ASSERT_FALSE(batch_.items[0].refusal) << batch_.items[0].refusal.message;
    EXPECT_EQ(batch_.items[0].receipt.firstIndex, receipt.firstIndex);
    EXPECT_EQ(batch_.items[0].receipt.treeSize, receipt.treeSize);
    EXPECT_EQ(batch_.items[0].receipt.root, receipt.root);
    EXPECT_STREQ(batch_.items[1].refusal.code, "disk-low");
    EXPECT_STREQ(batch_.items[2].refusal.code, "sequence-taken");
    EXPECT_EQ(result_.refused, 2u);
    EXPECT_EQ(ledger_->state().size(), size);
    for (size_t at = calls; at < disk_.trace.size(); ++at) {
      EXPECT_FALSE(disk_.trace[at].starts_with("write ")) << disk_.trace[at];
    }
    ASSERT_EQ(start().message, "");
  }
  EXPECT_EQ(refusalOf(frames[1]), "");
}

TEST_F(LedgerTest, RestartGivesTheSameStateAndGoesOn) {
  ASSERT_EQ(start().message, "");
  for (int at = 0; at < 40; ++at) ASSERT_EQ(applyFrames({agent_.submit(20, 50)}).message, "");
  const Hash root = ledger_->state().root();
  const uint64_t size = ledger_->state().size();
  const SessionState session = ledger_->state().openSessions().front();
  const std::vector<AgentState> agents = ledger_->state().agentsWithActions();
  for (const bool cleanly : {false, true}) {
    if (cleanly) {
      ASSERT_EQ(ledger_->stop().message, "");
    }
    ASSERT_EQ(open().message, "");
    EXPECT_EQ(report_.stoppedCleanly, cleanly);
    EXPECT_EQ(ledger_->state().root(), root);
    EXPECT_EQ(ledger_->state().size(), size);
    const SessionState again = ledger_->state().openSessions().front();
    EXPECT_EQ(again.id, session.id);
    EXPECT_EQ(again.nextSequence, session.nextSequence);
    EXPECT_EQ(again.previousStatementHash, session.previousStatementHash);
    ASSERT_EQ(agents.size(), 1u);
    EXPECT_EQ(ledger_->state().agentsWithActions()[0].head->lastIndex, agents[0].head->lastIndex);
    EXPECT_EQ(ledger_->state().agentsWithActions()[0].head->lastIndex, size - 1);
  }
  EXPECT_EQ(applyFrames({agent_.submit(1)}).message, "");
  EXPECT_STREQ(batch_.items[0].refusal.code, "not-ready");
  ASSERT_EQ(applySystem({boot(2)}).message, "");
  EXPECT_EQ(refusalOf(batch_.items[0].frame), "");
  Buffer entry;
  ASSERT_EQ(ledger_->readEntry(ledger_->state().size() - 1, &entry).message, "");
  EXPECT_EQ(decodeEntry(entry)->head.time.bootIndex, size);
}

TEST_F(LedgerTest, BodiesAreSealedAndOpenedAgain) {
  ASSERT_EQ(start().message, "");
  ASSERT_EQ(applyFrames({agent_.submit(2, 5000)}).message, "");
  const uint64_t index = batch_.items[0].receipt.firstIndex + 1;
  const Buffer plain(batch_.items[0].parsed.bodies[0].bytes.begin(),
                     batch_.items[0].parsed.bodies[0].bytes.end());
  for (const auto& [name, inode] : disk_.names) {
    const auto found = std::search(inode->current.begin(), inode->current.end(), plain.begin(),
                                   plain.begin() + 64);
    EXPECT_EQ(found, inode->current.end()) << "plain bytes in " << name;
  }
  ASSERT_EQ(open().message, "");
  Buffer opened;
  ASSERT_EQ(ledger_->openBody(index, 1, &opened).message, "");
  EXPECT_TRUE(std::equal(plain.begin(), plain.end(), opened.begin() + 32, opened.end()));
  EXPECT_EQ(ledger_->openBody(index, 2, &opened).code, Code::kNotFound);
  EXPECT_EQ(ledger_->openBody(index + 1, 1, &opened).code, Code::kNotFound);
  Hash other{};
  ledger_->setScopeKey("default", other);
  EXPECT_EQ(ledger_->openBody(index, 1, &opened).code, Code::kCorrupt);
}

// A group of items sealed before they came, one that was not, and the daemon's own body.
TEST_F(LedgerTest, BodiesMayBeSealedBeforeTheBatchComes) {
  ASSERT_EQ(start().message, "");
  batch_ = {};
  for (const size_t bytes : {100, 40'000, 7, 20'000}) {
    batch_.items.push_back(itemOf(agent_.submit(2, bytes)));
  }
  ScopeKeys keys;
  BodyCipher cipher;
  sealBodies(batch_.items[0], keys, cipher);
  EXPECT_TRUE(batch_.items[0].sealed.empty());
  keys["default"].fill(9);
  for (const size_t at : {0u, 1u, 3u}) sealBodies(batch_.items[at], keys, cipher);
  EXPECT_FALSE(batch_.items[0].sealed.empty());
  PrivateBody contact{33, {}, Buffer(20, 6)};
  std::vector<SystemEntry> system{enrol("spiffe://example.org/agent/b", {contact})};
  ASSERT_EQ(ledger_->apply({&batch_, 37, &system}, &result_).message, "");
  EXPECT_EQ(result_.accepted, 4u);
  Buffer opened;
  for (const intake::SubmitItem& item : batch_.items) {
    const submission::Body& body = item.parsed.bodies[0];
    ASSERT_EQ(ledger_->openBody(item.receipt.firstIndex + 1, 1, &opened).message, "");
    EXPECT_TRUE(
        std::equal(body.bytes.begin(), body.bytes.end(), opened.begin() + 32, opened.end()));
  }
  ASSERT_EQ(ledger_->openBody(system[0].index, 33, &opened).message, "");
  EXPECT_EQ(check().first(), "");
}

TEST_F(LedgerTest, WantsAKeyForEachScope) {
  ASSERT_EQ(start().message, "");
  ASSERT_EQ(applySystem({}).message, "");
  std::unique_ptr<Ledger> bare;
  ledger_.reset();
  ASSERT_EQ(Ledger::open(storage_, options(), &ledger_, &report_).message, "");
  ASSERT_EQ(applySystem({boot(2)}).message, "");
  batch_ = {};
  batch_.items.push_back(itemOf(agent_.submit(1, 10)));
  EXPECT_EQ(ledger_->missingScopes(batch_), std::vector<std::string>{"default"});
  ASSERT_EQ(ledger_->apply({&batch_, 0, nullptr}, &result_).message, "");
  EXPECT_STREQ(batch_.items[0].refusal.code, "scope-key-missing");
  EXPECT_EQ(batch_.items[0].refusal.retry, intake::Retry::kLater);
}

TEST_F(LedgerTest, RefusesSystemEntriesThatDoNotFit) {
  ASSERT_EQ(start().message, "");
  const uint64_t agent = ledger_->state().agents().begin()->first;
  const uint64_t session = ledger_->state().openSessions().front().index;
  const Hash root = ledger_->state().root();
  PrivateBody contact{33, {}, Buffer(20, 1)};
  SystemEntry swapped = enrol("spiffe://example.org/agent/b", {contact});
  swapped.bodies[0].bytes[0] ^= 1;
  SystemEntry bare = enrol("spiffe://example.org/agent/b", {contact});
  bare.bodies.clear();
  SystemEntry garbage = boot(3);
  garbage.fields.back() = 0xff;
  SystemEntry huge = systemEntry(EntryKind::kTimeEvidence, encode([](cbor::Writer& w) {
                                   w.writeArray(2).writeBytes(Buffer(65'500)).writeArray(0);
                                 }));
  const std::vector<std::pair<SystemEntry, std::string>> cases = {
      {genesis(), "entry-out-of-place"},
      {enrol("spiffe://example.org/agent/a"), "entry-out-of-place"},
      {openSession(agent, 0), "entry-out-of-place"},
      {openSession(agent + 1, 1), "entry-out-of-place"},
      {closeSession(session, 5), "entry-out-of-place"},
      {closeSession(agent, 0), "entry-out-of-place"},
      {systemEntry(EntryKind::kStatement, Buffer{0x83, 0, 1, 0x40}), "entry-malformed"},
      {systemEntry(EntryKind::kStop, Buffer{0x81, 0}), "entry-malformed"},
      {systemEntry(static_cast<EntryKind>(9), Buffer{0x80}), "entry-malformed"},
      {garbage, "entry-malformed"},
      {huge, "entry-malformed"},
      {swapped, "entry-malformed"},
      {bare, "entry-malformed"},
  };
  for (const auto& [entry, code] : cases) {
    const Status status = applySystem({entry});
    EXPECT_EQ(status.message.substr(0, code.size()), code) << status.message;
  }
  EXPECT_EQ(ledger_->state().root(), root);
  ASSERT_EQ(applySystem({enrol("spiffe://example.org/agent/b", {contact})}).message, "");
  Buffer opened;
  ASSERT_EQ(ledger_->openBody(system_[0].index, 33, &opened).message, "");
  EXPECT_EQ(opened.size(), 52u);
  ASSERT_EQ(applySystem({closeSession(session, 0), openSession(agent, 1)}).message, "");
  EXPECT_EQ(ledger_->state().openSessions().front().number, 1u);
  EXPECT_EQ(refusalOf(agent_.submit(1)), "session-unknown");
  EXPECT_EQ(check().first(), "");
}

TEST_F(LedgerTest, TimeNeverGoesBack) {
  ASSERT_EQ(start().message, "");
  ASSERT_EQ(applyFrames({agent_.submit(1)}).message, "");
  batch_ = {};
  batch_.items.push_back(itemOf(agent_.submit(1), 10));
  ASSERT_EQ(ledger_->apply({&batch_, 0, nullptr}, &result_).message, "");
  Buffer entry;
  ASSERT_EQ(ledger_->readEntry(ledger_->state().size() - 1, &entry).message, "");
  EXPECT_EQ(decodeEntry(entry)->head.time.taiNs, 37'000'005'000u);
}

TEST_F(LedgerTest, ALongBatchIsSeveralGroupsUnderOneSync) {
  segmentBytes_ = 600 * 1024;
  ASSERT_EQ(start().message, "");
  std::vector<Buffer> frames;
  for (int at = 0; at < 12; ++at) frames.push_back(agent_.submit(2, 100'000));
  const size_t calls = disk_.trace.size();
  ASSERT_EQ(applyFrames(frames).message, "");
  EXPECT_EQ(result_.accepted, 12u);
  EXPECT_EQ(disk_.trace.back().substr(0, 5), "sync ");
  EXPECT_GT(disk_.trace.size() - calls, 3u);
  EXPECT_LT(batch_.items[0].receipt.treeSize, batch_.items[11].receipt.treeSize);
  EXPECT_EQ(batch_.items[11].receipt.root, ledger_->state().root());
  const Checked checked = check();
  EXPECT_EQ(checked.first(), "");
  EXPECT_EQ(checked.report.bodiesOpened, 12u);
}

TEST_F(LedgerTest, KeepsRecordsBesideTheEntries) {
  ASSERT_EQ(start().message, "");
  for (uint8_t at = 0; at < 5; ++at) {
    ASSERT_EQ(ledger_->appendRecord(RecordType::kCheckpoint, Buffer(10, at)).message, "");
    ASSERT_EQ(ledger_->appendRecord(RecordType::kScopeKey, Buffer(3, at)).message, "");
    ASSERT_EQ(applyFrames({agent_.submit(1)}).message, "");
  }
  EXPECT_EQ(ledger_->appendRecord(RecordType::kGroup, {}).code, Code::kBadArgument);
  for (int run = 0; run < 2; ++run) {
    std::vector<StoredRecord> records;
    ASSERT_EQ(ledger_->readRecords(RecordType::kCheckpoint, {2}, &records).message, "");
    ASSERT_EQ(records.size(), 2u);
    EXPECT_EQ(records[1].bytes, Buffer(10, 4));
    EXPECT_EQ(records[1].treeSize, records[0].treeSize + 2);
    ASSERT_EQ(ledger_->readRecords(RecordType::kScopeKey, {}, &records).message, "");
    EXPECT_EQ(records.size(), 5u);
    ASSERT_EQ(open().message, "");
  }
}

TEST_F(LedgerTest, RefusesALockedFolderAndAnotherLedger) {
  ASSERT_EQ(start().message, "");
  std::unique_ptr<Ledger> second;
  JournalReport report;
  EXPECT_EQ(Ledger::open(storage_, options(), &second, &report).code, Code::kFolderLocked);
  ledger_.reset();
  disk_.powerCut(SimulatedDisk::Keep::kAll, 0);
  LedgerOptions other = options();
  other.ledgerId.fill(1);
  EXPECT_EQ(Ledger::open(storage_, other, &second, &report).code, Code::kWrongLedger);
}

}  // namespace
}  // namespace kudurru
