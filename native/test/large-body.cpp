#include "core/intake/large-body.h"

#include "intake-harness.h"

namespace kudurru {
namespace {

using namespace test;
using submission::kBodySizeBytesMax;
using submission::kChunkSizeBytes;
using submission::kLargeBodiesMax;
using submission::kLargeBodySizeBytesMax;

constexpr size_t kShortest = kBodySizeBytesMax + 1;

class LargeBodyTest : public IntakeTest {
 protected:
  static std::vector<Buffer> framesOf(const BodyParts& body, const std::string& scope = "") {
    std::vector<Buffer> frames;
    for (const Buffer& chunk : encodeChunks(body, scope)) {
      frames.push_back(frameOf(frame::Type::kBodyChunk, chunk));
    }
    return frames;
  }

  // A submission of one action that deposits these bodies.
  static Buffer submissionOf(const std::vector<BodyParts>& bodies) {
    SubmissionBuilder builder;
    builder.add(observation(), bodies);
    builder.firstSequence = 0;
    return frameOf(frame::Type::kSubmit, builder.build());
  }

  // Chunks go in one by one, and the ledger takes each.
  void send(Connection& connection, const std::vector<Buffer>& frames) {
    for (const Buffer& frame : frames) {
      feed(connection, frame);
      take();
    }
  }

  // What the ledger does with a batch.
  void take() {
    batch_ = intake_->takeBatch();
    for (const intake::ChunkItem& chunk : batch_.chunks) taken_.push_back(chunk.number);
    for (const intake::SubmitItem& item : batch_.items) large_ = item.largeBodies;
    commit(batch_);
    intake_->answer(std::move(batch_));
  }

  // The codes of what the client is told about a submission after these frames.
  std::vector<std::string> codesAfter(Connection& connection, const Buffer& submission) {
    feed(connection, submission);
    take();
    return codesOf(readAnswers(connection));
  }

  intake::Batch batch_;
  std::vector<uint32_t> taken_;
  std::vector<std::shared_ptr<intake::LargeBody>> large_;
};

using Codes = std::vector<std::string>;

TEST_F(LargeBodyTest, HandsABodyOverWithItsSubmission) {
  start();
  Connection& connection = bound();
  const BodyParts large = largeBody(1, 7, 3 * kChunkSizeBytes - 1);
  const BodyParts small{0, 2, Buffer(32, 8), Buffer(10, 1)};
  send(connection, framesOf(large));
  EXPECT_EQ(taken_, (std::vector<uint32_t>{0, 1, 2}));
  EXPECT_EQ(codesAfter(connection, submissionOf({large, small})), Codes{""});
  ASSERT_EQ(large_.size(), 1u);
  EXPECT_EQ(large_[0]->digest, digestOf(large));
  EXPECT_EQ(large_[0]->length, large.bytes.size());
  EXPECT_EQ(large_[0]->scope, "default");
  EXPECT_EQ(connection.heldBytes, 0u);
}

TEST_F(LargeBodyTest, TakesTheShortestAndTheLongest) {
  for (const size_t size : {kShortest, 2 * kChunkSizeBytes, kLargeBodySizeBytesMax}) {
    start();
    Connection& connection = bound();
    const BodyParts large = largeBody(1, 7, size);
    send(connection, framesOf(large));
    EXPECT_EQ(codesAfter(connection, submissionOf({large})), Codes{""}) << size;
  }
}

TEST_F(LargeBodyTest, EachComingHasAnotherUpload) {
  start();
  Connection& connection = bound();
  const BodyParts large = largeBody(1, 7, kShortest);
  send(connection, framesOf(large));
  EXPECT_EQ(codesAfter(connection, submissionOf({large})), Codes{""});
  const Hash upload = large_[0]->upload;
  send(connection, framesOf(large));
  EXPECT_EQ(codesAfter(connection, submissionOf({large})), Codes{""});
  EXPECT_NE(large_[0]->upload, upload);
}

TEST_F(LargeBodyTest, RefusesAStatementWhoseBodiesAreNotThoseThatCame) {
  const BodyParts large = largeBody(1, 7, kShortest);
  const BodyParts other = largeBody(2, 8, kShortest);
  BodyParts sameSalt = largeBody(2, 7, kShortest);
  BodyParts wrong = large;
  wrong.bytes.back() ^= 1;
  std::vector<Buffer> altered = framesOf(large);
  altered.back().back() ^= 1;
  std::vector<Buffer> cut = framesOf(large);
  cut.pop_back();
  const auto both = [](std::vector<Buffer> left, const std::vector<Buffer>& right) {
    left.insert(left.end(), right.begin(), right.end());
    return left;
  };
  const BodyParts inFrame{0, 2, Buffer(32, 7), Buffer(10, 1)};
  struct Case {
    std::vector<Buffer> chunks;
    std::vector<BodyParts> bodies;
    std::string code;
  };
  const std::vector<Case> cases = {
      {cut, {large}, "body-incomplete"},
      {altered, {large}, "commitment-mismatch"},
      {framesOf(wrong), {large}, "body-unexpected"},
      {framesOf(large, "case-7"), {large}, "body-scope-mismatch"},
      {both(framesOf(large), framesOf(other)), {large}, "body-unexpected"},
      {framesOf(large), {inFrame}, "body-unexpected"},
      {both(framesOf(large), framesOf(sameSalt)), {large, sameSalt}, "salt-repeated"},
      {framesOf(large), {large, inFrame}, "salt-repeated"},
      {both(framesOf(large), framesOf(other)), {large, other}, ""},
  };
  for (const Case& one : cases) {
    start();
    Connection& connection = bound();
    send(connection, one.chunks);
    EXPECT_EQ(codesAfter(connection, submissionOf(one.bodies)), Codes{one.code});
    EXPECT_TRUE(connection.wantsInput());
    // Nothing is left over for the next one.
    send(connection, framesOf(large));
    EXPECT_EQ(codesAfter(connection, submissionOf({large})), Codes{""});
  }
}

TEST_F(LargeBodyTest, LeavesAMissingBodyToTheLedger) {
  start();
  Connection& connection = bound();
  Connection& another = bound();
  const BodyParts large = largeBody(1, 7, kShortest);
  send(another, framesOf(large));
  feed(connection, submissionOf({large}));
  intake::Batch batch = intake_->takeBatch();
  EXPECT_FALSE(batch.items[0].refusal);
  ASSERT_EQ(batch.items[0].largeBodies.size(), 1u);
  EXPECT_EQ(batch.items[0].largeBodies[0], nullptr);
  commit(batch);
  intake_->answer(std::move(batch));
}

// Chunks that came are not kept, and their statement is told so, unless it is in the ledger
// already.
TEST_F(LargeBodyTest, KeepsNoChunkWhileNothingNewIsTaken) {
  start();
  Connection& connection = bound();
  const BodyParts large = largeBody(1, 7, 2 * kChunkSizeBytes);
  intake_->refuseSubmissions({"disk-low", "little room", intake::Retry::kLater});
  send(connection, framesOf(large));
  EXPECT_EQ(taken_, (std::vector<uint32_t>{}));
  intake_->refuseSubmissions({});
  feed(connection, submissionOf({large}));
  intake::Batch batch = intake_->takeBatch();
  EXPECT_FALSE(batch.items.at(0).refusal);
  EXPECT_STREQ(batch.items[0].unlessRepeated.code, "disk-low");
  commit(batch);
  intake_->answer(std::move(batch));
  EXPECT_EQ(connection.heldBytes, 0u);
}

TEST_F(LargeBodyTest, ACommitmentOfAnotherLengthDoesNotMatch) {
  start();
  Connection& connection = bound();
  const BodyParts large = largeBody(1, 7, kShortest);
  send(connection, framesOf(large));
  SubmissionBuilder builder;
  Fields fields = observation();
  fields[20] = encode([&](cbor::Writer& w) {
    w.writeArray(1).writeArray(5).writeUnsigned(1).writeUnsigned(kShortest + 1);
    w.writeBytes(digestOf(large)).writeNull().writeUnsigned(1);
  });
  builder.add(fields);
  builder.bodies.push_back(large);
  builder.firstSequence = 0;
  EXPECT_EQ(codesAfter(connection, frameOf(frame::Type::kSubmit, builder.build())),
            Codes{"commitment-mismatch"});
}

TEST_F(LargeBodyTest, AChunkOutOfTurnEndsTheConnection) {
  const std::vector<Buffer> left = framesOf(largeBody(1, 7, 3 * kChunkSizeBytes));
  const std::vector<Buffer> right = framesOf(largeBody(2, 8, kShortest));
  const std::vector<Buffer> exact = framesOf(largeBody(1, 7, 2 * kChunkSizeBytes));
  // Another length of the last chunk than was announced.
  BodyParts shorter = largeBody(1, 7, 3 * kChunkSizeBytes);
  std::vector<Buffer> cut = encodeChunks(shorter);
  cut[2] = encode([&](cbor::Writer& w) {
    w.writeArray(3).writeBytes(digestOf(shorter)).writeUnsigned(2 * kChunkSizeBytes);
    w.writeBytes(Buffer(9, 1));
  });
  for (Buffer& chunk : cut) chunk = frameOf(frame::Type::kBodyChunk, chunk);
  const std::vector<std::vector<Buffer>> cases = {
      {left[1]},                      // never announced
      {left[0], left[2]},             // a gap
      {left[0], left[1], left[1]},    // overlapping
      {left[0], left[0]},             // announced again
      {left[0], right[0]},            // two at a time
      {left[0], right[1]},            // of another body
      {exact[0], exact[1], left[1]},  // behind the end
      cut,
  };
  for (const std::vector<Buffer>& frames : cases) {
    start();
    Connection& connection = bound();
    send(connection, frames);
    EXPECT_EQ(codesOf(readAnswers(connection)), Codes{"body-chunk-unexpected"});
    EXPECT_FALSE(connection.wantsInput());
    EXPECT_EQ(connection.heldBytes, 0u);
  }
}

TEST_F(LargeBodyTest, AChunkThatIsNotOfItsFormEndsTheConnection) {
  start();
  Connection& connection = bound();
  feed(connection, frameOf(frame::Type::kBodyChunk, fromHex("80")));
  take();
  EXPECT_EQ(codesOf(readAnswers(connection)), Codes{"frame-malformed"});
  EXPECT_EQ(connection.heldBytes, 0u);
  Connection& early = greeted();
  feed(early, framesOf(largeBody(1, 7, kShortest))[0]);
  EXPECT_EQ(codesOf(readAnswers(early)), Codes{"session-not-open"});
}

TEST_F(LargeBodyTest, AnnouncesAtMostAsManyAsASubmissionMayName) {
  start();
  Connection& connection = bound();
  const std::vector<Buffer> frames = framesOf(largeBody(1, 7, kShortest));
  for (size_t i = 0; i < kLargeBodiesMax; ++i) send(connection, frames);
  EXPECT_TRUE(readAnswers(connection).empty());
  send(connection, {frames[0]});
  EXPECT_EQ(codesOf(readAnswers(connection)), Codes{"too-many-large-bodies"});
}

TEST_F(LargeBodyTest, HoldsTwoChunksOfAConnectionAndLetsTheThirdWait) {
  start();
  Connection& connection = bound();
  const BodyParts large = largeBody(1, 7, 4 * kChunkSizeBytes);
  const std::vector<Buffer> frames = framesOf(large);
  for (size_t i = 0; i < 3; ++i) {
    EXPECT_TRUE(connection.wantsInput());
    feed(connection, frames[i]);
  }
  EXPECT_FALSE(connection.wantsInput());
  EXPECT_TRUE(connection.waiting());
  EXPECT_LE(connection.heldBytes, 2 * (kChunkSizeBytes + 1024));
  EXPECT_EQ(intake_->stats().waitingConnections, 1u);
  take();
  EXPECT_EQ(taken_, (std::vector<uint32_t>{0, 1}));
  // The third was read ahead, and goes on.
  EXPECT_TRUE(connection.wantsInput());
  take();
  EXPECT_EQ(taken_, (std::vector<uint32_t>{0, 1, 2}));
}

TEST_F(LargeBodyTest, AConnectionThatEndsMidBodyLeavesNothingBehind) {
  start();
  Connection& connection = bound();
  const uint64_t id = connection.id();
  const std::vector<Buffer> frames = framesOf(largeBody(1, 7, 4 * kChunkSizeBytes));
  feed(connection, frames[0]);
  feed(connection, Bytes(frames[1]).first(1000));
  intake_->socketClosed(connection);
  // It is known until the ledger has looked at its chunk.
  EXPECT_NE(intake_->find(id), nullptr);
  while (intake_->hasWork()) take();
  EXPECT_EQ(intake_->find(id), nullptr);
  EXPECT_EQ(intake_->stats().heldBytes, 0u);
}

}  // namespace
}  // namespace kudurru
