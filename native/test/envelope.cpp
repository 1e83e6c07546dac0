#include "core/submission/envelope.h"

#include <gtest/gtest.h>

#include "submission-builder.h"

namespace kudurru::submission {
namespace {

using test::Buffer;
using test::Fields;
using test::fromHex;
using test::observation;

const std::string kDigest = "5820" + std::string(64, 'd');
const std::string kReference = "82" + kDigest + "05";

std::string text(size_t sizeBytes, char fill = 'a') {
  return test::toHex(
      test::encode([&](cbor::Writer& w) { w.writeText(std::string(sizeBytes, fill)); }));
}

Fields fieldsOf(Kind kind) {
  Fields fields = observation();
  fields[2] = {static_cast<uint8_t>(kind)};
  if (kind == Kind::kOutcome) {
    fields[9] = fromHex(kReference);
    fields[11] = {1};
    fields[22] = {1};
  }
  return fields;
}

Fault faultOf(const Buffer& bytes) {
  Envelope envelope;
  std::vector<Commitment> commitments;
  return parseEnvelope(bytes, 0, envelope, commitments);
}

Fault faultOf(const Fields& fields) { return faultOf(test::encodeFields(fields)); }

Fault faultWith(Kind kind, uint64_t key, const std::string& hex) {
  Fields fields = fieldsOf(kind);
  fields[key] = fromHex(hex);
  // A span needs its trace.
  if (key == 14) fields.emplace(13, fromHex("50" + std::string(32, '1')));
  return faultOf(fields);
}

struct FieldCase {
  uint64_t key;
  Kind kind;
  std::vector<std::string> accepted;
  std::vector<std::string> refused;
};

std::string commitment(const std::string& field, const std::string& rest) {
  return "85" + field + rest;
}

FieldCase commitmentsCase() {
  const std::string c1 = commitment("01", "05" + kDigest + "f601");
  const std::string c2 = commitment("02", "1b001fffffffffffff" + kDigest + text(127) + "00");
  return {20,
          Kind::kObservation,
          {"80", "81" + c1, "82" + c1 + c2},
          {"82" + c1 + c1, "82" + c2 + c1, "a0", "81" + commitment("00", "05" + kDigest + "f601"),
           "81" + commitment("09", "05" + kDigest + "f601"),
           "81" + commitment("01", "00" + kDigest + "f601"),
           "81" + commitment("01", "1b0020000000000000" + kDigest + "f601"),
           "81" + commitment("01", "0541ddf601"), "81" + commitment("01", "05" + kDigest + "6001"),
           "81" + commitment("01", "05" + kDigest + text(128) + "01"),
           "81" + commitment("01", "05" + kDigest + "f602"),
           "81" + commitment("01", "05" + kDigest + "f6f5"),
           "8184"
           "0105" +
               kDigest + "f6"}};
}

std::vector<FieldCase> fieldCases() {
  const Kind any = Kind::kObservation;
  return {
      {1, any, {"01"}, {"00", "02", "f6", "20"}},
      {3, any, {"01", "09"}, {"00", "0a", "6131"}},
      {4, any, {text(1), text(256), "63e282ac"}, {"60", text(257), "4161", "610a", "617f"}},
      {5,
       any,
       {"84" + text(1) + "f6f6f6", "84" + text(256) + text(256) + kDigest + text(64)},
       {"83" + text(1) + "f6f6", "84" + text(257) + "f6f6f6", "84f6f6f6f6",
        "84" + text(1) + text(257) + "f6f6", "84" + text(1) + "f641ddf6",
        "84" + text(1) + "f6f6" + text(65), "84" + text(1) + "60f6f6"}},
      {6, any, {text(1), text(64)}, {"60", text(65)}},
      {7, any, {"00", "09"}, {"0a", "20"}},
      {8, any, {"00", "03"}, {"04"}},
      {9,
       Kind::kOutcome,
       {kReference},
       {kDigest, "81" + kDigest, "82" + kDigest + "20", "82" + kDigest + "1b0020000000000000",
        "8241dd05"}},
      {10, Kind::kIntent, {"01", "1a9a7ec800"}, {"00", "1a9a7ec801", "1b0000000100000000"}},
      {11, any, {"01", "06"}, {"00", "07"}},
      {12, any, {"81" + kReference}, {"80", "8100", kReference}},
      {13, any, {"50" + std::string(32, '1')}, {"50" + std::string(32, '0'), "4101"}},
      {14, any, {"4800000000000000ff"}, {"480000000000000000", "4101"}},
      {15,
       any,
       {"8201" + text(1), "8203" + text(256)},
       {"8200" + text(1), "8204" + text(1), "820160", "8301" + text(1) + "f6"}},
      {16, any, {"01", "03"}, {"00", "04"}},
      {17,
       any,
       {"84" + text(1) + text(128) + "f6f6", "84" + text(1) + text(1) + text(128) + kDigest},
       {"84" + text(129) + text(1) + "f6f6", "84" + text(1) + "f6f6f6",
        "84" + text(1) + text(1) + "60f6", "83" + text(1) + text(1) + "f6"}},
      {18, any, {kDigest}, {"41dd", "f6"}},
      {19,
       any,
       {text(64), "65612e5f3a2d", "6773797374656d73"},
       {text(65), "60", "6641", text(3, 'A'), "6673797374656d", "62c3bc"}},
      commitmentsCase(),
      {21, any, {text(1), text(128)}, {"60", text(129)}},
      {22, any, {"01", "03"}, {"00", "04"}},
      {23, any, {text(1), text(128)}, {"60", text(129)}},
      {24, any, {text(1), text(64)}, {"60", text(65)}},
      {25, any, {kReference}, {kDigest, "80"}},
      {26, any, {text(1), text(256)}, {"60", text(257)}},
      {27, any, {"00", "1b7fffffffffffffff"}, {"1b8000000000000000", "20"}},
  };
}

TEST(Envelope, EachFieldWithinItsBounds) {
  for (const FieldCase& field : fieldCases()) {
    for (const std::string& hex : field.accepted) {
      const Fault fault = faultWith(field.kind, field.key, hex);
      EXPECT_EQ(fault.code, Code::kNone)
          << "key " << field.key << ' ' << hex << ' ' << describe(fault);
    }
    for (const std::string& hex : field.refused) {
      const Fault fault = faultWith(field.kind, field.key, hex);
      EXPECT_NE(fault.code, Code::kNone) << "key " << field.key << ' ' << hex;
      EXPECT_EQ(fault.field, static_cast<int32_t>(field.key)) << hex;
    }
  }
}

TEST(Envelope, SixteenParentsAndNotOneMore) {
  for (const uint64_t count : {16u, 17u}) {
    Fields fields = observation();
    fields[12] = test::encode([&](cbor::Writer& w) {
      w.writeArray(count);
      for (uint64_t i = 0; i < count; ++i) w.writeRaw(fromHex(kReference));
    });
    EXPECT_EQ(faultOf(fields).code, count == 16 ? Code::kNone : Code::kEnvelopeInvalid);
  }
}

// SPEC.md §4, column "kinds": intent, outcome, observation.
TEST(Envelope, EachKindHasTheFieldsItMustAndMayHave) {
  const std::map<uint64_t, std::string> optional = {{9, "-r-"},  {10, "o--"}, {11, "-ro"},
                                                    {22, "-ro"}, {23, "-oo"}, {27, "-oo"}};
  const std::map<uint64_t, std::string> sample = {{9, kReference}, {10, "05"},    {11, "01"},
                                                  {22, "01"},      {23, text(3)}, {27, "00"}};
  for (const uint8_t kind : {1, 2, 3}) {
    for (const auto& [key, rule] : optional) {
      Fields fields = fieldsOf(static_cast<Kind>(kind));
      fields[key] = fromHex(sample.at(key));
      const char wanted = rule[kind - 1];
      EXPECT_EQ(faultOf(fields).code, wanted == '-' ? Code::kEnvelopeInvalid : Code::kNone)
          << "kind " << int{kind} << " with " << key;
      fields.erase(key);
      EXPECT_EQ(faultOf(fields).code, wanted == 'r' ? Code::kEnvelopeInvalid : Code::kNone)
          << "kind " << int{kind} << " without " << key;
    }
    for (const uint64_t key : {1, 2, 3, 4, 16, 20}) {
      Fields fields = fieldsOf(static_cast<Kind>(kind));
      fields.erase(key);
      const Fault fault = faultOf(fields);
      EXPECT_EQ(fault.code, Code::kEnvelopeInvalid) << key;
      EXPECT_EQ(fault.field, static_cast<int32_t>(key));
    }
  }
}

TEST(Envelope, NoOtherKeys) {
  for (const uint64_t key : {0ull, 28ull, 1ull << 53}) {
    Fields fields = observation();
    fields[key] = {0};
    EXPECT_EQ(faultOf(fields).code, Code::kEnvelopeInvalid) << key;
  }
  EXPECT_EQ(faultOf(fromHex("a0")).code, Code::kEnvelopeInvalid);
  EXPECT_EQ(faultOf(fromHex("80")).code, Code::kEnvelopeInvalid);
  EXPECT_EQ(faultOf(fromHex("a16161f6")).code, Code::kEnvelopeInvalid);
  EXPECT_EQ(faultOf(fromHex("a12001")).code, Code::kEnvelopeInvalid);
}

TEST(Envelope, KeysAscendAndStandOnce) {
  EXPECT_EQ(faultOf(fromHex("a201010101")).cbor, cbor::Error::kKeyOrder);
  EXPECT_EQ(faultOf(fromHex("a202010101")).cbor, cbor::Error::kKeyOrder);
  EXPECT_EQ(faultOf(fromHex("a202010101")).code, Code::kCborMalformed);
}

TEST(Envelope, ASpanNeedsItsTrace) {
  Fields fields = observation();
  fields[14] = fromHex("4800000000000000ff");
  const Fault fault = faultOf(fields);
  EXPECT_EQ(fault.code, Code::kEnvelopeInvalid);
  EXPECT_EQ(fault.field, 14);
}

TEST(Envelope, AFaultNamesActionFieldAndByte) {
  Envelope envelope;
  std::vector<Commitment> commitments;
  Fields fields = observation();
  fields[7] = fromHex("1809");
  const Fault fault = parseEnvelope(test::encodeFields(fields), 4, envelope, commitments);
  EXPECT_EQ(fault.code, Code::kCborMalformed);
  EXPECT_EQ(fault.action, 4);
  EXPECT_EQ(fault.field, 7);
  EXPECT_EQ(describe(fault),
            "the bytes are not deterministic CBOR (action 4, field 7, byte 20, not-shortest)");
}

}  // namespace
}  // namespace kudurru::submission
