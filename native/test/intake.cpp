// All connections together: turns, bounds, backpressure, time, the end.
#include "core/intake/intake.h"

#include <gtest/gtest.h>

#include "intake-harness.h"

namespace kudurru::test {
namespace {

using Codes = std::vector<std::string>;
using frame::Type;

std::vector<uint64_t> connectionsOf(const intake::Batch& batch) {
  std::vector<uint64_t> ids;
  for (const intake::SubmitItem& item : batch.items) ids.push_back(item.connection);
  return ids;
}

TEST_F(IntakeTest, TakesFromConnectionsInTurn) {
  start({.batchItemsMax = 4});
  Connection &busy = bound(), &calm = bound();
  for (uint64_t i = 0; i < 5; ++i) feed(busy, submitFrame(i));
  feed(calm, submitFrame(0));
  intake::Batch first = intake_->takeBatch();
  EXPECT_EQ(connectionsOf(first),
            (std::vector<uint64_t>{busy.id(), calm.id(), busy.id(), busy.id()}));
  const intake::Batch second = intake_->takeBatch();
  EXPECT_EQ(second.items.size(), 2u);
  EXPECT_FALSE(intake_->hasWork());
  EXPECT_TRUE(intake_->takeBatch().items.empty());
}

TEST_F(IntakeTest, BoundsABatchInBytesAndActions) {
  const size_t size = submitFrame(0).size() - frame::kHeaderBytes;
  start({.batchBytesMax = 2 * size});
  Connection& connection = bound();
  for (uint64_t i = 0; i < 3; ++i) feed(connection, submitFrame(i));
  const intake::Batch batch = intake_->takeBatch();
  EXPECT_EQ(batch.items.size(), 2u);
  EXPECT_EQ(batch.bytes, 2 * size);
  start({.batchActionsMax = 1, .batchBytesMax = 1});
  Connection& other = bound();
  for (uint64_t i = 0; i < 3; ++i) feed(other, submitFrame(i));
  EXPECT_EQ(intake_->takeBatch().items.size(), 1u);
}

TEST_F(IntakeTest, AnswersComeInOrder) {
  start();
  Connection& connection = bound();
  for (uint64_t i = 0; i < 3; ++i) feed(connection, submitFrame(i, i == 1 ? "03" : "01"));
  answerAll();
  const auto answers = readAnswers(connection);
  ASSERT_EQ(answers.size(), 3u);
  for (uint64_t i = 0; i < 3; ++i) EXPECT_EQ(answers[i].firstSequence, i);
  EXPECT_EQ(answers[1].code, "level-not-offered");
}

TEST_F(IntakeTest, StopsReadingAtTheInFlightLimitAndGoesOnAtHalf) {
  start({.inFlightMax = 4, .batchItemsMax = 1});
  Connection& connection = bound();
  Buffer stream;
  for (uint64_t i = 0; i < 8; ++i) {
    const Buffer frame = submitFrame(i);
    stream.insert(stream.end(), frame.begin(), frame.end());
  }
  feed(connection, stream);
  EXPECT_FALSE(connection.wantsInput());
  EXPECT_EQ(connection.inFlight(), 4u);
  answerAll();
  answerAll();
  EXPECT_EQ(connection.inFlight(), 2u);
  answerAll();
  EXPECT_EQ(connection.inFlight(), 4u);
  while (intake_->hasWork()) answerAll();
  EXPECT_TRUE(connection.wantsInput());
  const auto answers = readAnswers(connection);
  ASSERT_EQ(answers.size(), 8u);
  for (uint64_t i = 0; i < 8; ++i) EXPECT_EQ(answers[i].firstSequence, i);
  EXPECT_EQ(intake_->stats().heldBytes, 0u);
}

TEST_F(IntakeTest, BoundsTheMemoryOfAllAndServesWaitersInTurn) {
  start({.totalBytesMax = 1});
  std::vector<Connection*> connections;
  for (int i = 0; i < 4; ++i) connections.push_back(&bound());
  for (Connection* connection : connections) feed(*connection, submitFrame(0));
  EXPECT_EQ(intake_->stats().waitingConnections, 3u);
  for (Connection* connection : connections) {
    intake::Batch batch = intake_->takeBatch();
    EXPECT_EQ(connectionsOf(batch), std::vector<uint64_t>{connection->id()});
    commit(batch);
    intake_->answer(std::move(batch));
  }
  EXPECT_EQ(intake_->stats().heldBytes, 0u);
  EXPECT_EQ(intake_->stats().waitingConnections, 0u);
}

TEST_F(IntakeTest, AFrameThatWaitedKeepsItsTimeAndWriter) {
  start({.inFlightMax = 1});
  Connection& connection = bound();
  feed(connection, submitFrame(0));
  nowMs = 60;
  feed(connection, submitFrame(1));
  nowMs = 90;
  answerAll();
  const intake::Batch batch = intake_->takeBatch();
  ASSERT_EQ(batch.items.size(), 1u);
  EXPECT_EQ(batch.items[0].monotonicRawNs, 60'000'000);
}

TEST_F(IntakeTest, RoomIsGivenBackByAConnectionThatDies) {
  start({.totalBytesMax = 1});
  Connection &dying = bound(), &next = bound();
  const Buffer frame = submitFrame(0);
  feed(dying, Bytes(frame).first(20));
  feed(next, frame);
  EXPECT_FALSE(intake_->hasWork());
  intake_->socketClosed(dying);
  EXPECT_EQ(connectionsOf(intake_->takeBatch()), std::vector<uint64_t>{next.id()});
}

TEST_F(IntakeTest, ReadsNoMoreFromAClientThatDoesNotRead) {
  start({.outgoingBytesHigh = 10});
  Connection& connection = bound();
  feed(connection, submitFrame(0));
  answerAll();
  feed(connection, submitFrame(1));
  EXPECT_FALSE(connection.wantsInput());
  readAnswers(connection);
  intake_->admitWaiting();
  EXPECT_TRUE(connection.wantsInput());
  EXPECT_TRUE(intake_->hasWork());
}

TEST_F(IntakeTest, EndsAClientThatDoesNotRead) {
  start({.stallTimeMs = 1000});
  Connection& connection = bound();
  intake_->checkTime(nowMs);
  feed(connection, submitFrame(0));
  answerAll();
  intake_->checkTime(nowMs + 1000);
  EXPECT_FALSE(connection.finished());
  intake_->checkTime(nowMs + 1001);
  EXPECT_TRUE(connection.finished());
  EXPECT_EQ(intake_->stats().refusals.at("client-stalled"), 1u);
  EXPECT_EQ(intake_->takeTouched().size(), 1u);
}

TEST_F(IntakeTest, AClientThatReadsSlowlyGoesOn) {
  start({.stallTimeMs = 1000});
  Connection& connection = bound();
  feed(connection, submitFrame(0));
  answerAll();
  for (int i = 0; i < 5; ++i) {
    connection.outgoing().sent(1);
    intake_->checkTime(nowMs += 900);
  }
  EXPECT_TRUE(connection.wantsInput());
}

TEST_F(IntakeTest, EndsAFrameThatDoesNotGoOn) {
  start({.frameTimeMs = 1000});
  Connection& connection = bound();
  feed(connection, fromHex("0000"));
  intake_->checkTime(nowMs + 1000);
  EXPECT_TRUE(connection.wantsInput());
  intake_->checkTime(nowMs + 1001);
  EXPECT_EQ(codesOf(readAnswers(connection)), Codes{"frame-stalled"});
}

TEST_F(IntakeTest, AFrameThatWaitsForRoomIsNotLate) {
  start({.inFlightMax = 1, .frameTimeMs = 1000});
  Connection& connection = bound();
  feed(connection, submitFrame(0));
  const Buffer frame = submitFrame(1);
  feed(connection, Bytes(frame).first(20));
  intake_->checkTime(nowMs += 5000);
  answerAll();
  feed(connection, Bytes(frame).subspan(20));
  EXPECT_TRUE(intake_->hasWork());
}

TEST_F(IntakeTest, EndsAConnectionThatOpensNoSession) {
  start({.handshakeTimeMs = 1000});
  Connection &idle = greeted(), &agent = bound();
  intake_->checkTime(nowMs);
  intake_->checkTime(nowMs + 1001);
  EXPECT_EQ(codesOf(readAnswers(idle)), Codes{"handshake-stalled"});
  EXPECT_TRUE(agent.wantsInput());
}

TEST_F(IntakeTest, TurnsAwayTooManyConnections) {
  start({.connectionsMax = 2});
  Connection& first = bound();
  bound();
  EXPECT_EQ(intake_->connect(nowMs), nullptr);
  intake::Output frame;
  intake_->writeTurnedAway(frame);
  EXPECT_EQ(static_cast<Type>(frame.at(4)), Type::kRefused);
  EXPECT_EQ(intake_->stats().refusals.at("too-many-connections"), 1u);
  intake_->socketClosed(first);
  intake_->takeBatch();
  EXPECT_NE(intake_->connect(nowMs), nullptr);
}

TEST_F(IntakeTest, StopsAfterAnsweringWhatItReceived) {
  start();
  Connection &working = bound(), &idle = bound();
  feed(working, submitFrame(0));
  intake_->stop();
  EXPECT_EQ(codesOf(readAnswers(idle)), Codes{"stopping"});
  EXPECT_TRUE(readAnswers(working).empty());
  EXPECT_EQ(intake_->connect(nowMs), nullptr);
  answerAll();
  const auto answers = readAnswers(working);
  ASSERT_EQ(answers.size(), 2u);
  EXPECT_EQ(answers[0].type, Type::kCommitted);
  EXPECT_EQ(answers[1].code, "stopping");
  intake_->socketClosed(working);
  intake_->socketClosed(idle);
  EXPECT_TRUE(intake_->idle());
}

TEST_F(IntakeTest, AnswersForAConnectionThatIsGoneAreDropped) {
  start();
  Connection& connection = bound();
  feed(connection, submitFrame(0));
  intake_->socketClosed(connection);
  answerAll();
  EXPECT_TRUE(intake_->idle());
  EXPECT_EQ(intake_->stats().submissions, 1u);
  EXPECT_EQ(intake_->stats().heldBytes, 0u);
  intake_->bind(1, binding());
  intake_->pushAnchored(1, 0, fromHex("80"));
}

}  // namespace
}  // namespace kudurru::test
