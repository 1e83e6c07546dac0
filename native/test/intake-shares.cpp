// Agents against each other: turns, memory, and what nobody may wait for for ever.
#include <gtest/gtest.h>

#include <algorithm>

#include "intake-harness.h"

namespace kudurru::test {
namespace {

using Codes = std::vector<std::string>;
using Ids = std::vector<uint64_t>;

constexpr uint8_t kGreedy = 3;
constexpr uint8_t kModest = 8;

Ids connectionsOf(const intake::Batch& batch) {
  Ids ids;
  for (const intake::SubmitItem& item : batch.items) ids.push_back(item.connection);
  return ids;
}

Buffer largeFrame(uint64_t firstSequence, uint8_t keyId) {
  SubmissionBuilder builder;
  builder.kid = keyId;
  builder.firstSequence = firstSequence;
  for (int i = 0; i < 1000; ++i) builder.add(observation());
  return frameOf(frame::Type::kSubmit, builder.build());
}

TEST_F(IntakeTest, AnAgentGetsNoMoreByMoreConnections) {
  start({.batchItemsMax = 4});
  std::vector<Connection*> connections;
  for (int i = 0; i < 3; ++i) connections.push_back(&bound(kGreedy));
  Connection& modest = bound(kModest);
  Ids greedy;
  for (Connection* connection : connections) {
    greedy.push_back(connection->id());
    for (uint64_t at = 0; at < 4; ++at) feed(*connection, submitFrame(at, "01", kGreedy));
  }
  for (uint64_t at = 0; at < 4; ++at) feed(modest, submitFrame(at, "01", kModest));
  for (int turn = 0; turn < 2; ++turn) {
    const Ids ids = connectionsOf(intake_->takeBatch());
    EXPECT_EQ(ids.size(), 4u);
    EXPECT_EQ(std::ranges::count(ids, modest.id()), 2);
    for (const uint64_t id : greedy) EXPECT_LE(std::ranges::count(ids, id), 1);
  }
  EXPECT_EQ(intake_->stats().agents, 2u);
}

TEST_F(IntakeTest, AnAgentGetsNoMoreByLargerSubmissions) {
  start({.batchItemsMax = 8});
  Connection &greedy = bound(kGreedy), &modest = bound(kModest);
  const Buffer large = largeFrame(0, kGreedy), small = submitFrame(0, "01", kModest);
  const size_t turnsOfLarge =
      (intake::kSubmissionCostBytes + large.size()) / intake::kTurnCostBytes;
  ASSERT_GE(turnsOfLarge, 2u);
  for (int i = 0; i < 4; ++i) feed(greedy, large);
  for (int i = 0; i < 20; ++i) feed(modest, small);
  const Ids ids = connectionsOf(intake_->takeBatch());
  ASSERT_EQ(ids.size(), 8u);
  const size_t ofGreedy = static_cast<size_t>(std::ranges::count(ids, greedy.id()));
  EXPECT_GE(ofGreedy, 1u);
  EXPECT_LE(ofGreedy, 8 / turnsOfLarge);
}

TEST_F(IntakeTest, TakesALargeSubmissionWhenNobodyElseHasWork) {
  start();
  Connection& connection = bound();
  feed(connection, largeFrame(0, kGreedy));
  EXPECT_EQ(intake_->takeBatch().items.size(), 1u);
}

TEST_F(IntakeTest, BoundsTheMemoryOfAnAgentOverItsConnections) {
  start({.agentBytesMax = 1});
  Connection &first = bound(kGreedy), &second = bound(kGreedy), &modest = bound(kModest);
  feed(first, submitFrame(0, "01", kGreedy));
  feed(second, submitFrame(0, "01", kGreedy));
  feed(modest, submitFrame(0, "01", kModest));
  EXPECT_FALSE(second.wantsInput());
  intake::Batch batch = intake_->takeBatch();
  EXPECT_EQ(connectionsOf(batch), (Ids{first.id(), modest.id()}));
  commit(batch);
  intake_->answer(std::move(batch));
  EXPECT_EQ(connectionsOf(intake_->takeBatch()), Ids{second.id()});
}

TEST_F(IntakeTest, RoomInAllGoesToAgentsInTurn) {
  start({.totalBytesMax = 1});
  std::vector<Connection*> greedy;
  for (int i = 0; i < 4; ++i) greedy.push_back(&bound(kGreedy));
  Connection& modest = bound(kModest);
  for (Connection* connection : greedy) feed(*connection, submitFrame(0, "01", kGreedy));
  feed(modest, submitFrame(0, "01", kModest));
  EXPECT_EQ(intake_->stats().waitingConnections, 4u);
  Ids order;
  while (intake_->hasWork()) {
    intake::Batch batch = intake_->takeBatch();
    order.push_back(batch.items.front().connection);
    commit(batch);
    intake_->answer(std::move(batch));
  }
  const Ids expected{greedy[0]->id(), greedy[1]->id(), modest.id(), greedy[2]->id(),
                     greedy[3]->id()};
  EXPECT_EQ(order, expected);
  EXPECT_EQ(intake_->stats().heldBytes, 0u);
  EXPECT_EQ(intake_->stats().waitingConnections, 0u);
}

TEST_F(IntakeTest, RefusesWhatWaitedTooLongForItsBatch) {
  start({.batchItemsMax = 1, .queueTimeMs = 100});
  Connection &first = bound(kGreedy), &second = bound(kModest);
  for (uint64_t at = 0; at < 3; ++at) feed(first, submitFrame(at, "01", kGreedy));
  intake::Batch underWay = intake_->takeBatch();
  nowMs += 50;
  feed(second, submitFrame(0, "01", kModest));
  nowMs += 60;
  intake_->checkTime(nowMs);
  EXPECT_EQ(codesOf(readAnswers(first)), (Codes{"overloaded", "overloaded"}));
  EXPECT_TRUE(readAnswers(second).empty());
  commit(underWay);
  intake_->answer(std::move(underWay));
  EXPECT_EQ(codesOf(readAnswers(first)), Codes{""});
  answerAll();
  EXPECT_EQ(codesOf(readAnswers(second)), Codes{""});
  EXPECT_FALSE(intake_->hasWork());
  EXPECT_EQ(intake_->stats().heldBytes, 0u);
  EXPECT_EQ(intake_->stats().refusals.at("overloaded"), 2u);
  EXPECT_EQ(intake_->stats().submissions, 4u);
}

TEST_F(IntakeTest, LetsNothingNewBeTakenWhileItIsToldTo) {
  start();
  Connection& connection = bound();
  intake_->refuseSubmissions({"disk-low", "little room", intake::Retry::kLater});
  feed(connection, submitFrame(0));
  intake::Batch batch = intake_->takeBatch();
  EXPECT_FALSE(batch.items.at(0).refusal);
  EXPECT_STREQ(batch.items[0].unlessRepeated.code, "disk-low");
  batch.items[0].refusal = batch.items[0].unlessRepeated;
  intake_->answer(std::move(batch));
  EXPECT_EQ(codesOf(readAnswers(connection)), Codes{"disk-low"});
  intake_->refuseSubmissions({});
  feed(connection, submitFrame(0));
  answerAll();
  EXPECT_EQ(codesOf(readAnswers(connection)), Codes{""});
}

TEST_F(IntakeTest, BoundsPushesOverAllConnections) {
  start({.outgoingTotalBytesMax = 1500});
  Connection &first = bound(kGreedy), &second = bound(kModest);
  const Buffer receipt = encode([](cbor::Writer& w) { w.writeBytes(Buffer(1000, 1)); });
  for (Connection* connection : {&first, &second}) {
    feed(*connection, submitFrame(0));
    intake_->pushAnchored(connection->id(), 0, receipt);
  }
  EXPECT_EQ(readAnswers(first).size(), 1u);
  EXPECT_EQ(readAnswers(second).size(), 0u);
  first.publish();
  intake_->pushAnchored(second.id(), 0, receipt);
  EXPECT_EQ(readAnswers(second).size(), 1u);
}

TEST_F(IntakeTest, ForgetsAgentsWithTheirLastConnection) {
  start();
  Connection& connection = bound(kModest);
  feed(connection, submitFrame(0, "01", kModest));
  answerAll();
  readAnswers(connection);
  EXPECT_EQ(intake_->stats().agents, 1u);
  intake_->socketClosed(connection);
  intake_->takeBatch();
  EXPECT_EQ(intake_->stats().agents, 0u);
  EXPECT_EQ(intake_->stats().connections, 0u);
}

}  // namespace
}  // namespace kudurru::test
