// One connection: its handshake, its writers, what it refuses, and what it still owes at its end.
#include <gtest/gtest.h>

#include "core/intake/submit-item.h"
#include "intake-harness.h"

namespace kudurru::test {
namespace {

using Codes = std::vector<std::string>;
using frame::Type;
using intake::SessionRequest;

class ConnectionTest : public IntakeTest {
 protected:
  void SetUp() override { start(); }
};

Bytes cut(const Buffer& bytes, size_t from, size_t to = SIZE_MAX) {
  return Bytes(bytes).subspan(from, std::min(to, bytes.size()) - from);
}

TEST_F(ConnectionTest, WelcomesWithAFreshChallenge) {
  Connection& one = *intake_->connect(nowMs);
  Connection& two = *intake_->connect(nowMs);
  feed(one, helloFrame());
  feed(two, helloFrame());
  const Buffer first(one.outgoing().unsent().begin(), one.outgoing().unsent().end());
  const Buffer second(two.outgoing().unsent().begin(), two.outgoing().unsent().end());
  EXPECT_EQ(readAnswers(one).at(0).type, Type::kWelcome);
  EXPECT_NE(first, second);
}

TEST_F(ConnectionTest, HandsAnOpenToThePipelineAndBindsIt) {
  Connection& connection = greeted();
  nowMs = 70;
  feed(connection, openFrame());
  const intake::Batch batch = intake_->takeBatch();
  ASSERT_EQ(batch.requests.size(), 1u);
  const SessionRequest& open = batch.requests[0];
  EXPECT_EQ(open.kind, SessionRequest::Kind::kOpen);
  EXPECT_EQ(open.payload, fromHex("d28440"));
  EXPECT_EQ(open.challenge[0], 1);
  EXPECT_EQ(open.monotonicRawNs, 70'000'000);
  EXPECT_EQ(open.realtimeNs, 70'001'000);
  EXPECT_EQ(open.writer->writer.inode, kAgent.inode);
  intake_->bind(connection.id(), binding());
  EXPECT_EQ(readAnswers(connection).at(0).type, Type::kOpened);
}

TEST_F(ConnectionTest, AnswersASubmissionWithItsReceipt) {
  Connection& connection = bound();
  feed(connection, submitFrame(7));
  answerAll();
  const auto answers = readAnswers(connection);
  ASSERT_EQ(answers.size(), 1u);
  EXPECT_EQ(answers[0].type, Type::kCommitted);
  EXPECT_EQ(answers[0].firstSequence, 7u);
  EXPECT_EQ(connection.heldBytes, 0u);
}

TEST_F(ConnectionTest, ReadsTheWholeConversationCutAtEveryByte) {
  const Buffer submit = submitFrame(7);
  for (size_t at = 1; at < submit.size(); ++at) {
    Connection& connection = bound();
    feed(connection, cut(submit, 0, at));
    EXPECT_FALSE(intake_->hasWork());
    feed(connection, cut(submit, at));
    answerAll();
    EXPECT_EQ(readAnswers(connection).at(0).type, Type::kCommitted) << at;
    intake_->socketClosed(connection);
    intake_->takeBatch();
  }
}

TEST_F(ConnectionTest, RefusesFramesOutOfTurn) {
  const auto refusedAfterHello = [&](const Buffer& bytes) {
    Connection& connection = greeted();
    feed(connection, bytes);
    return codesOf(readAnswers(connection));
  };
  EXPECT_EQ(refusedAfterHello(helloFrame()), Codes{"frame-unexpected"});
  EXPECT_EQ(refusedAfterHello(submitFrame(0)), Codes{"session-not-open"});
  EXPECT_EQ(refusedAfterHello(closeFrame()), Codes{"session-not-open"});
  Connection& silent = *intake_->connect(nowMs);
  feed(silent, openFrame());
  EXPECT_EQ(codesOf(readAnswers(silent)), Codes{"frame-unexpected"});
  EXPECT_TRUE(silent.finished());
}

TEST_F(ConnectionTest, TellsWrongEncodingFromWrongForm) {
  const auto refusal = [&](const std::string& hex) {
    Connection& connection = *intake_->connect(nowMs);
    feed(connection, frameOf(Type::kHello, fromHex(hex)));
    return codesOf(readAnswers(connection)).at(0);
  };
  EXPECT_EQ(refusal("80"), "frame-malformed");
  EXPECT_EQ(refusal("82026161"), "frame-malformed");
  EXPECT_EQ(refusal("820160"), "frame-malformed");
  EXPECT_EQ(refusal("82016107"), "frame-malformed");
  EXPECT_EQ(refusal("8218016161"), "frame-not-canonical");
  EXPECT_EQ(refusal("9f016161ff"), "frame-not-canonical");
  EXPECT_EQ(refusal("8201616100"), "frame-not-canonical");
  EXPECT_EQ(refusal("ff"), "frame-not-canonical");
}

TEST_F(ConnectionTest, RefusesAFrameOfTwoWriters) {
  Connection& connection = bound();
  const Buffer submit = submitFrame(0);
  for (size_t at : {size_t{1}, size_t{4}, size_t{5}, submit.size() - 1}) {
    Connection& mixed = bound();
    feed(mixed, cut(submit, 0, at));
    feed(mixed, cut(submit, at), kOther);
    EXPECT_EQ(codesOf(readAnswers(mixed)), Codes{"frame-two-writers"}) << at;
    EXPECT_TRUE(mixed.finished());
  }
  EXPECT_TRUE(connection.wantsInput());
}

TEST_F(ConnectionTest, RefusesAnotherWriterInASession) {
  Connection& connection = bound();
  feed(connection, submitFrame(0), kOther);
  EXPECT_EQ(codesOf(readAnswers(connection)), Codes{"writer-changed"});
  EXPECT_TRUE(connection.finished());
}

TEST_F(ConnectionTest, AProcessThatChangedItsUserIsAnotherWriter) {
  Connection& connection = bound();
  intake::Writer privileged = kAgent;
  privileged.uid = 0;
  feed(connection, submitFrame(0), privileged);
  EXPECT_EQ(codesOf(readAnswers(connection)), Codes{"writer-changed"});
}

TEST_F(ConnectionTest, RefusesSubmissionsThatAreNotOfItsSession) {
  Connection& connection = greeted();
  feed(connection, openFrame());
  intake_->takeBatch();
  const auto answerTo = [&](const Buffer& frame) {
    feed(connection, frame);
    answerAll();
    return readAnswers(connection).at(0);
  };
  intake::Binding other = binding();
  other.opened.sessionId = filled(6);
  intake_->bind(connection.id(), other);
  readAnswers(connection);
  EXPECT_EQ(answerTo(submitFrame(0)).code, "session-mismatch");
  Connection& final = bound();
  feed(final, submitFrame(3, "03"));
  feed(final, submitFrame(4, "04"));
  feed(final, frameOf(Type::kSubmit, fromHex("80")));
  answerAll();
  const auto answers = readAnswers(final);
  EXPECT_EQ(codesOf(answers),
            (Codes{"level-not-offered", "submission-malformed", "submission-malformed"}));
  EXPECT_EQ(answers[0].firstSequence, 3u);
  EXPECT_EQ(answers[1].firstSequence, 4u) << "it names its place, so its refusal does";
  EXPECT_EQ(answers[2].firstSequence, std::nullopt);
  EXPECT_TRUE(final.wantsInput());
}

TEST_F(ConnectionTest, MarksAStatementThatItsKeyDidNotSign) {
  Connection& connection = bound();
  feed(connection, submitFrame(0));
  intake::Batch batch = intake_->takeBatch();
  intake::verifySignature(batch.items.at(0));
  EXPECT_STREQ(batch.items[0].refusal.code, "signature-invalid");
  intake_->answer(std::move(batch));
  EXPECT_EQ(codesOf(readAnswers(connection)), Codes{"signature-invalid"});
}

TEST_F(ConnectionTest, AnswersWhatCameBeforeAFaultThenTheFault) {
  Connection& connection = bound();
  feed(connection, submitFrame(0));
  feed(connection, fromHex("00000000"));
  EXPECT_TRUE(readAnswers(connection).empty());
  EXPECT_FALSE(connection.finished());
  answerAll();
  const auto answers = readAnswers(connection);
  ASSERT_EQ(answers.size(), 2u);
  EXPECT_EQ(answers[0].type, Type::kCommitted);
  EXPECT_EQ(answers[1].code, "frame-empty");
  EXPECT_TRUE(connection.finished());
}

TEST_F(ConnectionTest, ReportsTheEndOfASessionOnceAndInItsTurn) {
  Connection& connection = bound();
  feed(connection, submitFrame(0));
  connection.endInput();
  connection.endInput();
  intake::Batch batch = intake_->takeBatch();
  EXPECT_EQ(batch.items.size(), 1u);
  ASSERT_EQ(batch.requests.size(), 1u);
  EXPECT_EQ(batch.requests[0].kind, SessionRequest::Kind::kDisconnected);
  commit(batch);
  intake_->answer(std::move(batch));
  EXPECT_EQ(readAnswers(connection).at(0).type, Type::kCommitted);
}

TEST_F(ConnectionTest, ForgetsAnOpenThatNobodyLookedAt) {
  Connection& connection = greeted();
  feed(connection, openFrame());
  connection.endInput();
  EXPECT_FALSE(intake_->hasWork());
  intake_->socketClosed(connection);
  EXPECT_TRUE(intake_->idle());
}

TEST_F(ConnectionTest, SaysThatAFrameWasCutShort) {
  Connection& connection = bound();
  feed(connection, cut(submitFrame(0), 0, 40));
  connection.endInput();
  EXPECT_EQ(codesOf(readAnswers(connection)), Codes{"frame-truncated"});
  EXPECT_EQ(connection.heldBytes, 0u);
}

TEST_F(ConnectionTest, ClosesItsSession) {
  Connection& connection = bound();
  feed(connection, submitFrame(0));
  feed(connection, closeFrame());
  const uint64_t id = connection.id();
  intake::Batch batch = intake_->takeBatch();
  ASSERT_EQ(batch.requests.size(), 1u);
  EXPECT_EQ(batch.requests[0].payload, Buffer(32, 5));
  commit(batch);
  intake_->answer(std::move(batch));
  intake_->closeSession(id, filled(5), 1);
  const auto answers = readAnswers(connection);
  EXPECT_EQ(answers.at(0).type, Type::kCommitted);
  EXPECT_EQ(answers.at(1).type, Type::kClosed);
  EXPECT_TRUE(connection.finished());
  EXPECT_FALSE(intake_->hasWork());
}

TEST_F(ConnectionTest, ClosesNoOtherSession) {
  Connection& connection = bound();
  feed(connection, closeFrame(6));
  EXPECT_EQ(codesOf(readAnswers(connection)), Codes{"session-mismatch"});
}

TEST_F(ConnectionTest, MayAskAgainAfterARefusedOpen) {
  Connection& connection = greeted();
  feed(connection, openFrame());
  intake_->takeBatch();
  intake_->refuse(connection.id(), {"agent-unknown", "a\nb", intake::Retry::kNever}, std::nullopt,
                  false);
  EXPECT_EQ(codesOf(readAnswers(connection)), Codes{"agent-unknown"});
  feed(connection, openFrame());
  EXPECT_TRUE(intake_->hasWork());
  intake_->takeBatch();
  intake_->refuse(connection.id(), {"agent-unknown", "", intake::Retry::kNever}, std::nullopt,
                  true);
  EXPECT_TRUE(readAnswers(connection).size() == 1 && connection.finished());
  EXPECT_FALSE(intake_->hasWork());
}

TEST_F(ConnectionTest, PushesOnlyWhatItHasRoomFor) {
  Connection& connection = bound();
  intake_->pushAnchored(connection.id(), 7, fromHex("80"));
  EXPECT_EQ(readAnswers(connection).at(0).type, Type::kAnchored);
  intake_->pushAnchored(connection.id(), 7, Buffer(intake::Limits().outgoingBytesMax + 1, 0x80));
  EXPECT_TRUE(connection.outgoing().empty());
}

}  // namespace
}  // namespace kudurru::test
