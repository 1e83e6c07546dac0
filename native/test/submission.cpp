#include "core/submission/submission.h"

#include <gtest/gtest.h>

#include "core/hash/sha256.h"
#include "submission-builder.h"

namespace kudurru::submission {
namespace {

using test::BodyParts;
using test::Buffer;
using test::Fields;
using test::fromHex;
using test::observation;
using test::SubmissionBuilder;
using test::toHex;

Fault faultOf(const Buffer& payload) {
  Submission out;
  return parse(payload, out);
}

Code codeOf(const SubmissionBuilder& builder) { return faultOf(builder.build()).code; }

BodyParts body(uint8_t field, uint8_t fill, size_t sizeBytes = 5) {
  return {0, field, Buffer(32, fill), Buffer(sizeBytes, fill)};
}

SubmissionBuilder oneAction() {
  SubmissionBuilder builder;
  builder.add(observation(), {body(1, 0x21), body(3, 0x23)});
  return builder;
}

TEST(Submission, GivesEveryPartOfAGoodOne) {
  SubmissionBuilder builder = oneAction();
  Fields second = observation();
  second[2] = {2};  // an outcome, with its intent, status, observer and scope
  second[9] = fromHex("825820" + std::string(64, 'a') + "09");
  second[11] = {1};
  second[19] = fromHex("66636173652d37");
  second[22] = {2};
  builder.add(second, {body(2, 0x42, 300)});
  builder.level = {3};
  const Buffer payload = builder.build();
  Submission out;
  const Fault fault = parse(payload, out);
  ASSERT_EQ(fault.code, Code::kNone) << describe(fault);

  EXPECT_EQ(out.level, 3);
  EXPECT_EQ(out.statement.firstSequence, 7u);
  EXPECT_EQ(out.statement.actionCount, 2u);
  EXPECT_EQ(out.statement.algorithm, -19);
  EXPECT_EQ(toHex(out.statement.kid), toHex(Buffer(32, 3)));
  EXPECT_EQ(toHex(out.statement.ledgerId), toHex(Buffer(32, 4)));
  EXPECT_EQ(toHex(out.statement.sessionId), toHex(Buffer(32, 5)));
  EXPECT_EQ(toHex(out.statement.previousStatementHash), toHex(Buffer(32, 6)));
  EXPECT_EQ(toHex(out.statement.root), toHex(builder.rootOfEnvelopes()));
  EXPECT_EQ(toHex(out.statement.signature), toHex(Buffer(64, 9)));
  EXPECT_EQ(out.statement.hash, sha256(builder.cose()));

  ASSERT_EQ(out.envelopes.size(), 2u);
  EXPECT_EQ(toHex(out.envelopes[1].bytes), toHex(builder.envelopes[1]));
  EXPECT_EQ(out.envelopes[0].kind, Kind::kObservation);
  EXPECT_EQ(out.envelopes[1].kind, Kind::kOutcome);
  EXPECT_EQ(out.envelopes[1].leafHash, leafHash(builder.envelopes[1]));
  EXPECT_FALSE(out.envelopes[0].intent.has_value());
  ASSERT_TRUE(out.envelopes[1].intent.has_value());
  EXPECT_EQ(out.envelopes[1].intent->sequence, 9u);
  EXPECT_EQ(out.envelopes[0].scope, "default");
  EXPECT_EQ(out.envelopes[1].scope, "case-7");

  ASSERT_EQ(out.bodies.size(), 3u);
  EXPECT_EQ(out.bodies[1].field, 3);
  EXPECT_EQ(out.bodies[2].action, 1u);
  EXPECT_EQ(out.bodies[2].scope, "case-7");
  EXPECT_EQ(toHex(out.bodies[2].bytes), toHex(Buffer(300, 0x42)));
  EXPECT_EQ(toHex(out.bodies[2].digest),
            toHex(commitmentDigest(out.bodies[2].salt, 2, out.bodies[2].bytes)));
}

TEST(Submission, SignedBytesAreTheSigStructure) {
  const SubmissionBuilder builder = oneAction();
  const Buffer payload = builder.build();
  Submission out;
  ASSERT_FALSE(parse(payload, out));
  const Buffer expected = test::encode([&](cbor::Writer& w) {
    w.writeArray(4).writeText("Signature1").writeBytes(builder.protectedHeader());
    w.writeBytes({}).writeBytes(builder.payload());
  });
  EXPECT_EQ(toHex(out.signedBytes()), toHex(expected));
}

TEST(Submission, SignedBytesOfTheLongestStatementFit) {
  SubmissionBuilder builder;
  for (size_t i = 0; i < kActionsMax; ++i) builder.add(observation());
  builder.firstSequence = cbor::kSafeIntegerMax - kActionsMax + 1;
  const Buffer payload = builder.build();
  Submission out;
  ASSERT_FALSE(parse(payload, out));
  EXPECT_EQ(out.signedBytes().size(), 242u);
  builder.firstSequence += 1;
  EXPECT_EQ(codeOf(builder), Code::kStatementMalformed) << "the last sequence is not an integer";
}

TEST(Submission, AParserIsReusedWithoutATraceOfTheFrameBefore) {
  Submission out;
  const Buffer first = oneAction().build();
  ASSERT_FALSE(parse(first, out));
  SubmissionBuilder builder;
  builder.add(observation());
  const Buffer second = builder.build();
  ASSERT_FALSE(parse(second, out));
  EXPECT_EQ(out.envelopes.size(), 1u);
  EXPECT_TRUE(out.bodies.empty());
  EXPECT_TRUE(out.commitments.empty());
}

TEST(Submission, EveryPrefixIsRefused) {
  const Buffer payload = oneAction().build();
  for (size_t size = 0; size < payload.size(); ++size) {
    const Fault fault = faultOf({payload.begin(), payload.begin() + static_cast<long>(size)});
    EXPECT_EQ(fault.code, Code::kCborMalformed) << size;
    EXPECT_EQ(fault.cbor, cbor::Error::kTruncated) << size;
  }
}

TEST(Submission, EveryChangedByteIsRefusedOrChangesWhatIsSigned) {
  const Buffer payload = oneAction().build();
  Submission original;
  ASSERT_FALSE(parse(payload, original));
  const std::string signedBefore = toHex(original.signedBytes());
  for (size_t at = 0; at < payload.size(); ++at) {
    for (const uint8_t bit : {0x01, 0x20, 0x80}) {
      Buffer changed = payload;
      changed[at] ^= bit;
      Submission out;
      if (parse(changed, out)) continue;
      const bool sameContent = toHex(out.signedBytes()) == signedBefore;
      const bool signatureOrLevel =
          toHex(out.statement.signature) != toHex(Buffer(64, 9)) || out.level != original.level;
      EXPECT_TRUE(!sameContent || signatureOrLevel) << "byte " << at;
    }
  }
}

TEST(Submission, FormOfThePayload) {
  EXPECT_EQ(faultOf({}).code, Code::kCborMalformed);
  EXPECT_EQ(faultOf(fromHex("80")).code, Code::kSubmissionMalformed);
  EXPECT_EQ(faultOf(fromHex("f6")).code, Code::kSubmissionMalformed);
  Buffer longer = oneAction().build();
  longer.push_back(0);
  EXPECT_EQ(faultOf(longer).cbor, cbor::Error::kTrailing);
  for (const char* level : {"00", "04", "f6", "20"}) {
    SubmissionBuilder builder = oneAction();
    builder.level = fromHex(level);
    EXPECT_EQ(codeOf(builder), Code::kSubmissionMalformed) << level;
  }
  SubmissionBuilder lax = oneAction();
  lax.level = fromHex("1801");
  EXPECT_EQ(codeOf(lax), Code::kCborMalformed);
}

TEST(Submission, NumberOfActions) {
  SubmissionBuilder none;
  none.actionCount = 1;
  EXPECT_EQ(codeOf(none), Code::kTooManyActions);
  none.actionCount = 0;
  EXPECT_EQ(codeOf(none), Code::kTooManyActions);
  SubmissionBuilder many;
  for (size_t i = 0; i < kActionsMax; ++i) many.add(observation());
  EXPECT_EQ(codeOf(many), Code::kNone);
  many.add(observation());
  many.actionCount = kActionsMax;
  EXPECT_EQ(codeOf(many), Code::kTooManyActions);
  many.actionCount = kActionsMax + 1;
  EXPECT_EQ(codeOf(many), Code::kTooManyActions);
  SubmissionBuilder miscounted = oneAction();
  miscounted.actionCount = 2;
  EXPECT_EQ(codeOf(miscounted), Code::kActionCountMismatch);
}

TEST(Submission, FormOfTheStatement) {
  SubmissionBuilder algorithm = oneAction();
  algorithm.algorithm = -9;
  EXPECT_EQ(codeOf(algorithm), Code::kNone);
  algorithm.algorithm = -8;
  EXPECT_EQ(codeOf(algorithm), Code::kAlgorithmUnknown);
  SubmissionBuilder type = oneAction();
  type.type = "application/kudurru-session+cose";
  EXPECT_EQ(codeOf(type), Code::kStatementMalformed);
  const std::string good = toHex(oneAction().cose());
  const auto codeOfStatement = [](const std::string& hex) {
    SubmissionBuilder builder = oneAction();
    builder.statement = fromHex(hex);
    return codeOf(builder);
  };
  EXPECT_EQ(codeOfStatement(good), Code::kNone);
  EXPECT_EQ(codeOfStatement(good.substr(2)), Code::kStatementMalformed) << "untagged";
  EXPECT_EQ(codeOfStatement("d1" + good.substr(2)), Code::kCborMalformed) << "another tag";
  EXPECT_EQ(codeOfStatement(good + "00"), Code::kCborMalformed) << "trailing";
  // An unprotected header of one member: the empty map stands between header and payload.
  std::string unprotected = good;
  const std::string header = toHex(oneAction().protectedHeader());
  unprotected.insert(good.find(header) + header.size() + 2, "0101");
  unprotected.replace(good.find(header) + header.size(), 2, "a1");
  EXPECT_EQ(codeOfStatement(unprotected), Code::kStatementMalformed);
}

TEST(Submission, OnlyTheFirstStatementHasNoneBeforeIt) {
  SubmissionBuilder first = oneAction();
  first.firstSequence = 0;
  EXPECT_EQ(codeOf(first), Code::kNone);
  std::string hex = toHex(first.cose());
  hex.replace(hex.find(std::string(64, '0')), 64, std::string(64, '1'));
  first.statement = fromHex(hex);
  EXPECT_EQ(codeOf(first), Code::kStatementMalformed);
  SubmissionBuilder later = oneAction();
  hex = toHex(later.cose());
  const std::string previous = toHex(Buffer(32, 6));
  hex.replace(hex.find(previous), previous.size(), std::string(64, '0'));
  later.statement = fromHex(hex);
  EXPECT_EQ(codeOf(later), Code::kStatementMalformed);
}

TEST(Submission, RootOverTheEnvelopes) {
  SubmissionBuilder builder = oneAction();
  builder.root = Hash{};
  EXPECT_EQ(codeOf(builder), Code::kRootMismatch);
  SubmissionBuilder swapped;
  swapped.add(observation());
  Fields other = observation();
  other[7] = {2};
  swapped.add(other);
  swapped.root = swapped.rootOfEnvelopes();
  EXPECT_EQ(codeOf(swapped), Code::kNone);
  std::swap(swapped.envelopes[0], swapped.envelopes[1]);
  EXPECT_EQ(codeOf(swapped), Code::kRootMismatch);
}

TEST(Submission, BodiesAndTheirCommitments) {
  const auto change = [](auto&& edit) {
    SubmissionBuilder builder = oneAction();
    edit(builder.bodies);
    return codeOf(builder);
  };
  using Bodies = std::vector<BodyParts>;
  EXPECT_EQ(change([](Bodies& b) { b[0].bytes[0] ^= 1; }), Code::kCommitmentMismatch);
  EXPECT_EQ(change([](Bodies& b) { b[0].salt[31] ^= 1; }), Code::kCommitmentMismatch);
  EXPECT_EQ(change([](Bodies& b) { b[0].bytes.push_back(0); }), Code::kCommitmentMismatch);
  EXPECT_EQ(change([](Bodies& b) { b.pop_back(); }), Code::kBodyMissing);
  EXPECT_EQ(change([](Bodies& b) { b.erase(b.begin()); }), Code::kBodyMissing);
  EXPECT_EQ(change([](Bodies& b) { b[1].field = 4; }), Code::kBodyMissing);
  EXPECT_EQ(change([](Bodies& b) { b[0].field = 2; }), Code::kBodyMissing);
  EXPECT_EQ(change([](Bodies& b) { b.push_back(body(4, 0x24)); }), Code::kBodyUnexpected);
  EXPECT_EQ(change([](Bodies& b) { b.insert(b.begin() + 1, body(2, 0x22)); }),
            Code::kBodyUnexpected);
  EXPECT_EQ(change([](Bodies& b) {
              b.push_back(body(1, 0x24));
              b.back().offset = 1;
            }),
            Code::kBodyUnexpected);
  EXPECT_EQ(change([](Bodies& b) { std::swap(b[0], b[1]); }), Code::kBodyMalformed);
  EXPECT_EQ(change([](Bodies& b) { b[1] = b[0]; }), Code::kBodyMalformed);
  EXPECT_EQ(change([](Bodies& b) { b[0].offset = 1024; }), Code::kBodyMalformed);
  EXPECT_EQ(change([](Bodies& b) { b[0].field = 9; }), Code::kBodyMalformed);
  EXPECT_EQ(change([](Bodies& b) { b[0].salt.pop_back(); }), Code::kBodyMalformed);
  EXPECT_EQ(change([](Bodies& b) { b[0].bytes.clear(); }), Code::kBodySize);
  EXPECT_EQ(change([](Bodies& b) { b[0].bytes.resize(kBodySizeBytesMax + 1); }), Code::kBodySize);

  SubmissionBuilder largest;
  largest.add(observation(), {body(1, 0x21, kBodySizeBytesMax)});
  EXPECT_EQ(codeOf(largest), Code::kNone);
}

TEST(Submission, ABodyThatIsNotDepositedDoesNotCome) {
  SubmissionBuilder builder;
  Fields fields = observation();
  Buffer commitment = test::encodeCommitment(body(1, 0x21));
  commitment.back() = 0;
  fields[20] = {0x81};
  fields[20].insert(fields[20].end(), commitment.begin(), commitment.end());
  builder.add(fields);
  EXPECT_EQ(codeOf(builder), Code::kNone);
  builder.bodies.push_back(body(1, 0x21));
  EXPECT_EQ(codeOf(builder), Code::kBodyUnexpected);
}

TEST(Submission, SaltsAreUsedOnce) {
  SubmissionBuilder within;
  within.add(observation(), {body(1, 0x21), body(2, 0x21)});
  EXPECT_EQ(codeOf(within), Code::kSaltRepeated);
  SubmissionBuilder across;
  across.add(observation(), {body(1, 0x21), body(2, 0x22)}).add(observation(), {body(1, 0x22)});
  const Fault fault = faultOf(across.build());
  EXPECT_EQ(fault.code, Code::kSaltRepeated);
  EXPECT_EQ(fault.action, 1);
  EXPECT_EQ(fault.field, 1);
}

TEST(Submission, EveryCodeHasItsOwnNameAndWords) {
  std::map<std::string, int> names, words;
  for (int code = 0; code <= static_cast<int>(Code::kSaltRepeated); ++code) {
    Fault fault;
    fault.code = static_cast<Code>(code);
    ++names[nameOf(fault.code)];
    ++words[describe(fault)];
  }
  EXPECT_EQ(names.size(), static_cast<size_t>(Code::kSaltRepeated) + 1);
  EXPECT_EQ(words.size(), names.size());
}

}  // namespace
}  // namespace kudurru::submission
