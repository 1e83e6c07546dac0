// Drives intake without sockets: frames go in by hand, answers are read back as frames.
#pragma once

#include <gtest/gtest.h>

#include <numeric>
#include <string>
#include <vector>

#include "core/frame/frame-parser.h"
#include "core/intake/intake.h"
#include "submission-builder.h"

namespace kudurru::test {

inline Buffer frameOf(frame::Type type, Bytes payload) {
  Buffer out;
  frame::writeHeader(out, type, payload.size());
  out.insert(out.end(), payload.begin(), payload.end());
  return out;
}

inline Buffer helloFrame() {
  return frameOf(frame::Type::kHello, encode([](cbor::Writer& w) {
                   w.writeArray(2).writeUnsigned(1).writeText("test");
                 }));
}

inline Buffer openFrame() {
  return frameOf(frame::Type::kOpen,
                 encode([](cbor::Writer& w) { w.writeArray(1).writeBytes(fromHex("d28440")); }));
}

inline Buffer closeFrame(uint8_t session = 5) {
  return frameOf(frame::Type::kClose,
                 encode([&](cbor::Writer& w) { w.writeArray(1).writeBytes(Buffer(32, session)); }));
}

// For ledger 04… and session 05…, as SubmissionBuilder makes them.
inline Buffer submitFrame(uint64_t firstSequence, const std::string& level = "01",
                          uint8_t keyId = 3) {
  SubmissionBuilder builder;
  builder.kid = keyId;
  builder.add(observation());
  builder.firstSequence = firstSequence;
  builder.level = fromHex(level);
  return frameOf(frame::Type::kSubmit, builder.build());
}

inline Hash filled(uint8_t byte) {
  Hash hash;
  hash.fill(byte);
  return hash;
}

inline intake::Binding binding(uint8_t keyId = 3) {
  // RFC 8032, 7.1, test 1.
  const Buffer key = fromHex("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a");
  intake::Binding bound;
  bound.opened.sessionId = filled(5);
  bound.key = std::make_shared<const intake::SessionKey>(
      intake::SessionKey{PublicKey::parse(Algorithm::kEd25519, key), filled(keyId)});
  bound.gauge = std::make_shared<intake::OutgoingGauge>();
  return bound;
}

class CountingEnvironment final : public intake::Environment {
 public:
  void fillRandom(MutableBytes bytes) override { std::iota(bytes.begin(), bytes.end(), ++calls_); }
  intake::WriterFacts lookAt(const intake::Writer& writer, intake::WriterLevel level) override {
    intake::WriterFacts facts;
    facts.writer = writer;
    facts.level = level;
    return facts;
  }

 private:
  uint8_t calls_ = 0;
};

// A frame the client was sent: type and, of a refusal, its code and sequence.
struct Answer {
  frame::Type type;
  std::string code;
  std::optional<uint64_t> firstSequence;
};

// Reads and removes what waits for the client.
inline std::vector<Answer> readAnswers(intake::Connection& connection) {
  std::vector<Answer> answers;
  const Bytes all = connection.outgoing().unsent();
  for (size_t at = 0; at < all.size();) {
    const size_t size =
        static_cast<size_t>(all[at]) << 24 | all[at + 1] << 16 | all[at + 2] << 8 | all[at + 3];
    const auto type = static_cast<frame::Type>(all[at + 4]);
    const Bytes payload = all.subspan(at + 5, size - 1);
    EXPECT_EQ(cbor::check(payload), cbor::Error::kNone);
    cbor::Reader reader(payload);
    reader.readArray({0, 16});
    Answer answer{type, "", std::nullopt};
    const bool numbered = type == frame::Type::kCommitted || type == frame::Type::kAnchored ||
                          (type == frame::Type::kRefused && !reader.takeNull());
    if (numbered) answer.firstSequence = reader.readUnsigned({0, cbor::kSafeIntegerMax});
    if (type == frame::Type::kRefused) answer.code = reader.readText({1, 64});
    answers.push_back(answer);
    at += frame::kLengthBytes + size;
  }
  connection.outgoing().sent(all.size());
  return answers;
}

inline std::vector<std::string> codesOf(const std::vector<Answer>& answers) {
  std::vector<std::string> codes;
  for (const Answer& answer : answers) codes.push_back(answer.code);
  return codes;
}

class IntakeTest : public testing::Test {
 protected:
  using Connection = intake::Connection;
  static constexpr intake::Writer kAgent{100, 1, 1, 1000, -1};
  static constexpr intake::Writer kOther{101, 1, 1, 1001, -1};

  void start(intake::Limits limits = {}) {
    intake::Options options;
    options.ledgerId = filled(4);
    options.origin = "example/log";
    options.writerLevel = intake::WriterLevel::kPidfdInode;
    options.limits = limits;
    intake_ = std::make_unique<intake::Intake>(options, environment_);
  }

  void feed(Connection& connection, Bytes bytes, const intake::Writer& writer = kAgent) {
    connection.receive(bytes, writer, {1'000 + nowMs * 1'000'000, nowMs * 1'000'000});
  }

  Connection& greeted() {
    Connection& connection = *intake_->connect(nowMs);
    feed(connection, helloFrame());
    readAnswers(connection);
    return connection;
  }

  // Of the agent with this key.
  Connection& bound(uint8_t keyId = 3) {
    Connection& connection = greeted();
    feed(connection, openFrame());
    intake_->takeBatch();
    intake_->bind(connection.id(), binding(keyId));
    readAnswers(connection);
    return connection;
  }

  // What the ledger does with all that was not refused.
  void commit(intake::Batch& batch) {
    for (intake::SubmitItem& item : batch.items) {
      if (item.refusal) continue;
      item.receipt = {nextIndex, 1, nextIndex + 2, filled(9), fromHex("80")};
      nextIndex += 2;
    }
  }

  void answerAll() {
    intake::Batch batch = intake_->takeBatch();
    commit(batch);
    intake_->answer(std::move(batch));
  }

  CountingEnvironment environment_;
  std::unique_ptr<intake::Intake> intake_;
  int64_t nowMs = 50;
  uint64_t nextIndex = 10;
};

}  // namespace kudurru::test
