// Large bodies through the ledger: chunks ahead of the statement, and back.
#include "core/intake/large-body.h"
#include "core/ledger/chunks.h"
#include "core/submission/body-chunk.h"
#include "ledger-fixture.h"

namespace kudurru {
namespace {

using namespace test;
using submission::kChunkSizeBytes;

class LargeBodyLedgerTest : public LedgerTest {
 protected:
  LargeBodyLedgerTest() { segmentBytes_ = 1 << 20; }

  // What one connection would hand over.
  void chunks(const BodyParts& body, const std::string& scope = "") {
    for (Buffer& payload : encodeChunks(body, scope)) {
      intake::ChunkItem& item = batch_.chunks.emplace_back();
      item.frame = std::move(payload);
      submission::BodyChunk chunk;
      ASSERT_EQ(submission::readBodyChunk(item.frame, chunk), cbor::Error::kNone);
      const auto fillRandom = [this](MutableBytes bytes) { std::ranges::fill(bytes, ++uploads_); };
      ASSERT_FALSE(arriving_.take(chunk, fillRandom, item));
    }
  }

  void submit(const Buffer& frame) {
    batch_.items.push_back(itemOf(frame));
    arriving_.handOver(batch_.items.back());
  }

  Status apply() { return ledger_->apply({&batch_, 37, nullptr}, &result_); }

  // The code of the refusal of the batch's only submission, "" when it was taken.
  std::string outcome() {
    EXPECT_EQ(apply().message, "");
    const intake::Refusal& refusal = batch_.items[0].refusal;
    return refusal ? refusal.code : "";
  }

  Buffer frameWith(const std::vector<BodyParts>& bodies) {
    SubmissionBuilder builder;
    builder.add(observation(), bodies);
    return agent_.submit(builder);
  }

  // Chunks and statement in one batch; the index of the action.
  uint64_t deposit(const std::vector<BodyParts>& bodies) {
    batch_ = {};
    for (const BodyParts& body : bodies) {
      if (body.isLarge) chunks(body);
    }
    submit(frameWith(bodies));
    EXPECT_EQ(outcome(), "");
    return batch_.items[0].receipt.firstIndex + 1;
  }

  void expectOpens(uint64_t index, const BodyParts& body) {
    Buffer plain;
    ASSERT_EQ(ledger_->openBody(index, body.field, &plain).message, "");
    ASSERT_EQ(plain.size(), 32 + body.bytes.size());
    EXPECT_TRUE(std::equal(body.salt.begin(), body.salt.end(), plain.begin()));
    EXPECT_TRUE(std::equal(body.bytes.begin(), body.bytes.end(), plain.begin() + 32));
  }

  intake::LargeBodies arriving_;
  uint8_t uploads_ = 0;
};

TEST_F(LargeBodyLedgerTest, OpensWhatWasDeposited) {
  ASSERT_EQ(start().message, "");
  const std::vector<BodyParts> bodies = {largeBody(1, 1, submission::kBodySizeBytesMax + 1),
                                         {0, 2, Buffer(32, 2), Buffer(100, 2)},
                                         largeBody(3, 3, 2 * kChunkSizeBytes),
                                         largeBody(4, 4, 9 * kChunkSizeBytes + 77)};
  const uint64_t index = deposit(bodies);
  for (const BodyParts& body : bodies) expectOpens(index, body);
  ASSERT_EQ(start().message, "");
  for (const BodyParts& body : bodies) expectOpens(index, body);
  const Checked checked = check();
  EXPECT_EQ(checked.findings.damages(), 0u);
  EXPECT_EQ(checked.report.bodiesOpened, 4u);
  EXPECT_EQ(ledger_->chunkCounts().storedBytes, ledger_->chunkCounts().namedBytes);
}

TEST_F(LargeBodyLedgerTest, TakesALongestBody) {
  segmentBytes_ = 64 << 20;
  ASSERT_EQ(start().message, "");
  const BodyParts body = largeBody(1, 1, submission::kLargeBodySizeBytesMax);
  expectOpens(deposit({body}), body);
  EXPECT_EQ(check().findings.damages(), 0u);
}

TEST_F(LargeBodyLedgerTest, KeepsNoPlainBytes) {
  ASSERT_EQ(start().message, "");
  const BodyParts body = largeBody(1, 1, 2 * kChunkSizeBytes);
  deposit({body});
  for (const auto& [name, inode] : disk_.names) {
    for (const size_t at : {size_t{0}, kChunkSizeBytes}) {
      const auto from = body.bytes.begin() + static_cast<ptrdiff_t>(at);
      const auto found = std::search(inode->current.begin(), inode->current.end(), from, from + 64);
      EXPECT_EQ(found, inode->current.end()) << "plain bytes in " << name;
    }
  }
}

TEST_F(LargeBodyLedgerTest, NoKeyMeetsTwoPlaintexts) {
  // The same body twice: the sealed chunks have nothing in common.
  ASSERT_EQ(start().message, "");
  const BodyParts body = largeBody(1, 1, 2 * kChunkSizeBytes);
  deposit({body});
  deposit({body});
  std::set<Buffer> beginnings;
  size_t records = 0;
  JournalReader reader(storage_, std::string(kState) + "/journal", ledgerIdOfTests());
  ASSERT_EQ(reader.rewind().message, "");
  for (Step step = Step::kRecord; step == Step::kRecord;) {
    Record record;
    ASSERT_EQ(reader.next(&step, &record).message, "");
    if (step != Step::kRecord || record.type != RecordType::kBodyChunk) continue;
    const Bytes sealed = ChunkView::parse(record.payload)->sealed;
    beginnings.insert({sealed.begin() + 32, sealed.begin() + 64});
    ++records;
  }
  EXPECT_EQ(records, 4u);
  EXPECT_EQ(beginnings.size(), 4u);
}

TEST_F(LargeBodyLedgerTest, ChunksAreDurableBeforeTheStatement) {
  ASSERT_EQ(start().message, "");
  const BodyParts body = largeBody(1, 1, 2 * kChunkSizeBytes + 1);
  batch_ = {};
  chunks(body);
  ASSERT_EQ(apply().message, "");
  disk_.powerCut(SimulatedDisk::Keep::kNothing, 1);
  ledger_.reset();
  ASSERT_EQ(start().message, "");
  EXPECT_EQ(ledger_->chunkCounts().storedBytes,
            body.bytes.size() + 32 + 3 * (kChunkHeaderBytes + kTagSizeBytes));
  EXPECT_EQ(ledger_->chunkCounts().namedBytes, 0u);
  EXPECT_EQ(check().findings.damages(), 0u);
}

TEST_F(LargeBodyLedgerTest, ARepeatNeedsNoChunks) {
  ASSERT_EQ(start().message, "");
  const BodyParts body = largeBody(1, 1, 2 * kChunkSizeBytes);
  batch_ = {};
  chunks(body);
  const Buffer frame = frameWith({body});
  submit(frame);
  ASSERT_EQ(outcome(), "");
  const intake::Receipt receipt = batch_.items[0].receipt;
  ASSERT_EQ(start().message, "");
  // With its chunks again it is the same.
  for (const bool again : {false, true}) {
    batch_ = {};
    if (again) chunks(body);
    submit(frame);
    ASSERT_EQ(outcome(), "");
    EXPECT_EQ(result_.repeated, 1u);
    EXPECT_EQ(batch_.items[0].receipt.firstIndex, receipt.firstIndex);
    EXPECT_EQ(batch_.items[0].receipt.root, receipt.root);
  }
  expectOpens(receipt.firstIndex + 1, body);
  EXPECT_EQ(check().findings.damages(), 0u);
}

TEST_F(LargeBodyLedgerTest, RefusesAStatementWithoutItsChunks) {
  ASSERT_EQ(start().message, "");
  const AgentSide before = agent_;
  const BodyParts body = largeBody(1, 1, 2 * kChunkSizeBytes);
  batch_ = {};
  submit(frameWith({body}));
  const uint64_t size = ledger_->state().size();
  EXPECT_EQ(outcome(), "body-missing");
  EXPECT_EQ(batch_.items[0].refusal.retry, intake::Retry::kNever);
  EXPECT_EQ(ledger_->state().size(), size);
  agent_ = before;
  expectOpens(deposit({body}), body);
}

TEST_F(LargeBodyLedgerTest, RefusesForNowWhereTheScopeHasNoKey) {
  ASSERT_EQ(start().message, "");
  const BodyParts body = largeBody(1, 1, 2 * kChunkSizeBytes);
  batch_ = {};
  chunks(body, "case-7");
  EXPECT_EQ(ledger_->missingScopes(batch_), std::vector<std::string>{"case-7"});
  SubmissionBuilder builder;
  Fields fields = observation();
  fields[19] = encode([](cbor::Writer& w) { w.writeText("case-7"); });
  builder.add(fields, {body});
  submit(agent_.submit(builder));
  EXPECT_EQ(outcome(), "scope-key-missing");
  EXPECT_EQ(batch_.items[0].refusal.retry, intake::Retry::kLater);
  EXPECT_EQ(ledger_->chunkCounts().storedBytes, 0u);
}

TEST_F(LargeBodyLedgerTest, RefusesForNowWhenTheDiskFillsUpMidBody) {
  ASSERT_EQ(start().message, "");
  const AgentSide before = agent_;
  const BodyParts body = largeBody(1, 1, 20 * kChunkSizeBytes);
  disk_.freeBytes = 2 << 20;
  batch_ = {};
  chunks(body);
  submit(frameWith({body}));
  EXPECT_EQ(outcome(), "disk-full");
  EXPECT_EQ(batch_.items[0].refusal.retry, intake::Retry::kLater);
  EXPECT_GT(ledger_->chunkCounts().storedBytes, 0u);
  EXPECT_EQ(ledger_->chunkCounts().namedBytes, 0u);
  disk_.freeBytes = UINT64_MAX;
  agent_ = before;
  expectOpens(deposit({body}), body);
  EXPECT_EQ(check().findings.damages(), 0u);
}

TEST_F(LargeBodyLedgerTest, FsckFindsEveryDamagedChunk) {
  ASSERT_EQ(start().message, "");
  const BodyParts body = largeBody(1, 1, 2 * kChunkSizeBytes + 9);
  const uint64_t index = deposit({body});
  ASSERT_EQ(ledger_->stop().message, "");
  const std::string name = std::string(kState) + "/journal/" + segmentName(0);
  Buffer& bytes = disk_.names.at(name)->current;
  for (size_t at = bytes.size() / 8; at < bytes.size(); at += bytes.size() / 8) {
    if (bytes[at] == 0) continue;
    bytes[at] ^= 4;
    EXPECT_GT(check().findings.damages(), 0u) << at;
    bytes[at] ^= 4;
  }
  EXPECT_EQ(check().findings.damages(), 0u);
  ASSERT_EQ(start().message, "");
  expectOpens(index, body);
}

TEST_F(LargeBodyLedgerTest, NothingIsHalfThereWhenKilledAroundAnyCall) {
  using Fault = SimulatedDisk::Fault;
  const BodyParts body = largeBody(1, 1, 3 * kChunkSizeBytes);
  const auto work = [&] {
    Status status = start();
    batch_ = {};
    arriving_ = {};
    chunks(body);
    if (status.ok()) status = apply();
    batch_ = {};
    submit(frameWith({body}));
    if (status.ok()) status = apply();
    return status;
  };
  ASSERT_EQ(work().message, "");
  const uint64_t operations = disk_.operation;
  for (uint64_t at = 1; at <= operations; ++at) {
    ledger_.reset();
    disk_ = SimulatedDisk();
    disk_.folders = {"/"};
    boots_ = 0;
    disk_.faultAt = at;
    disk_.fault = at % 2 == 0 ? Fault::kCrashBefore : Fault::kCrashAfter;
    EXPECT_THROW((void)work(), Crash);
    disk_.powerCut(SimulatedDisk::Keep::kSome, at * 5);
    ASSERT_EQ(start().message, "") << at;
    const auto opened = ledger_->state().lastOfKind(EntryKind::kAction);
    if (opened) expectOpens(*opened, body);
    arriving_ = {};
    if (!opened) expectOpens(deposit({body}), body);
    EXPECT_EQ(check().findings.damages(), 0u) << at;
  }
}

}  // namespace
}  // namespace kudurru
