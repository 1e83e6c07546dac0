#include "core/cbor/cbor.h"

#include <gtest/gtest.h>

#include <limits>
#include <random>

#include "core/cbor/writer.h"
#include "hex.h"

namespace kudurru::cbor {
namespace {

using test::fromHex;
using test::toHex;

Error checkHex(std::string_view hex) { return check(fromHex(hex)); }

// RFC 8949 appendix A, those examples that the subset has.
TEST(CborCheck, AcceptsDeterministicItems) {
  for (const char* hex : {"00",
                          "17",
                          "1818",
                          "1903e8",
                          "1a000f4240",
                          "1b000000e8d4a51000",
                          "1bffffffffffffffff",
                          "20",
                          "3863",
                          "3bffffffffffffffff",
                          "f4",
                          "f5",
                          "f6",
                          "40",
                          "4401020304",
                          "60",
                          "6161",
                          "62c3bc",
                          "63e6b0b4",
                          "64f0908591",
                          "80",
                          "83010203",
                          "8301820203820405",
                          "a0",
                          "a201020304",
                          "a26161016162820203",
                          "a56161614161626142616361436164614461656145",
                          "d280",
                          "d284406040f6"}) {
    EXPECT_EQ(checkHex(hex), Error::kNone) << hex;
  }
}

struct Refused {
  const char* hex;
  Error error;
};

TEST(CborCheck, RefusesEverythingElseByItsName) {
  const Refused cases[] = {
      {"", Error::kTruncated},
      {"18", Error::kTruncated},
      {"1901", Error::kTruncated},
      {"4401", Error::kTruncated},
      {"8201", Error::kTruncated},
      {"a101", Error::kTruncated},
      {"9bffffffffffffffff", Error::kTruncated},
      {"5bffffffffffffffff", Error::kTruncated},
      {"1817", Error::kNotShortest},
      {"1900ff", Error::kNotShortest},
      {"1a0000ffff", Error::kNotShortest},
      {"1b00000000ffffffff", Error::kNotShortest},
      {"5803010203", Error::kNotShortest},
      {"1c", Error::kIndefinite},
      {"5f41ff", Error::kIndefinite},
      {"9f01ff", Error::kIndefinite},
      {"bf0102ff", Error::kIndefinite},
      {"e0", Error::kSimple},
      {"f7", Error::kSimple},
      {"f820", Error::kSimple},
      {"f93c00", Error::kSimple},
      {"fb3ff199999999999a", Error::kSimple},
      {"ff", Error::kSimple},
      {"c000", Error::kTag},
      {"d3f6", Error::kTag},
      {"61ff", Error::kUtf8},
      {"62c080", Error::kUtf8},
      {"63eda080", Error::kUtf8},
      {"64f4908080", Error::kUtf8},
      {"61c3", Error::kUtf8},
      {"a14100f6", Error::kKeyType},
      {"a1f6f6", Error::kKeyType},
      {"a180f6", Error::kKeyType},
      {"a201020103", Error::kKeyOrder},
      {"a202010102", Error::kKeyOrder},
      {"a261610161", Error::kTruncated},
      {"a220010101", Error::kKeyOrder},
      {"0000", Error::kTrailing},
      {"f6f6", Error::kTrailing},
  };
  for (const Refused& refused : cases) {
    EXPECT_EQ(checkHex(refused.hex), refused.error) << refused.hex;
  }
}

TEST(CborCheck, DepthIsBounded) {
  std::vector<uint8_t> nested(kDepthMax, 0x81);
  nested.push_back(0x00);
  EXPECT_EQ(check(nested), Error::kNone);
  nested.insert(nested.begin(), 0x81);
  EXPECT_EQ(check(nested), Error::kDepth);
  EXPECT_EQ(check(std::vector<uint8_t>(1'000'000, 0x81)), Error::kDepth);
  EXPECT_EQ(check(std::vector<uint8_t>(1'000'000, 0xd2)), Error::kDepth);
}

TEST(CborCheck, EveryPrefixOfAnItemIsTruncated) {
  const std::vector<uint8_t> item = fromHex("a4011b000000e8d4a5100002820203036361c3bc04d2811818");
  ASSERT_EQ(check(item), Error::kNone);
  for (size_t size = 0; size < item.size(); ++size) {
    EXPECT_EQ(check(Bytes(item).first(size)), Error::kTruncated) << size;
  }
}

TEST(CborReader, ReadsASchemaStraightThrough) {
  const std::vector<uint8_t> item = fromHex("86181a32f643010203626869d200");
  Reader reader(item);
  EXPECT_EQ(reader.readArray({6, 6}), 6u);
  EXPECT_EQ(reader.readUnsigned({0, 26}), 26u);
  EXPECT_EQ(reader.readInteger(), -19);
  EXPECT_TRUE(reader.takeNull());
  EXPECT_FALSE(reader.takeNull());
  EXPECT_EQ(toHex(reader.readBytes({3, 3})), "010203");
  EXPECT_EQ(reader.readText({1, 2}), "hi");
  reader.readTag(kTagCoseSign1);
  EXPECT_EQ(toHex(reader.readItem()), "00");
  reader.finish();
  EXPECT_TRUE(reader.ok());
}

TEST(CborReader, TheFirstErrorSticksAndNamesItsPlace) {
  const std::vector<uint8_t> item = fromHex("8301181b00");
  Reader reader(item);
  reader.readArray({3, 3});
  reader.readUnsigned({0, 1});
  EXPECT_EQ(reader.readUnsigned({0, 26}), 0u);
  EXPECT_EQ(reader.error(), Error::kRange);
  EXPECT_EQ(reader.offset(), 2u);
  EXPECT_TRUE(reader.readBytes({0, 9}).empty());
  EXPECT_EQ(reader.readText({0, 9}), "");
  EXPECT_EQ(reader.peek(), Type::kEnd);
  reader.finish();
  EXPECT_EQ(reader.error(), Error::kRange);
}

TEST(CborReader, RefusesWhatTheSchemaDoesNotWant) {
  const auto errorOf = [](std::string_view hex, auto&& read) {
    const std::vector<uint8_t> item = fromHex(hex);
    Reader reader(item);
    read(reader);
    return reader.error();
  };
  EXPECT_EQ(errorOf("20", [](Reader& r) { r.readUnsigned({0, 9}); }), Error::kType);
  EXPECT_EQ(errorOf("", [](Reader& r) { r.readUnsigned({0, 9}); }), Error::kTruncated);
  EXPECT_EQ(errorOf("1818", [](Reader& r) { r.readUnsigned({25, 99}); }), Error::kRange);
  EXPECT_EQ(errorOf("3bffffffffffffffff", [](Reader& r) { r.readInteger(); }), Error::kRange);
  EXPECT_EQ(errorOf("6161", [](Reader& r) { r.readBytes({0, 9}); }), Error::kType);
  EXPECT_EQ(errorOf("40", [](Reader& r) { r.readBytes({1, 9}); }), Error::kRange);
  EXPECT_EQ(errorOf("616e", [](Reader& r) { r.readText({2, 9}); }), Error::kRange);
  EXPECT_EQ(errorOf("6109", [](Reader& r) { r.readText({0, 9}); }), Error::kControlCharacter);
  EXPECT_EQ(errorOf("617f", [](Reader& r) { r.readText({0, 9}); }), Error::kControlCharacter);
  EXPECT_EQ(errorOf("61ff", [](Reader& r) { r.readText({0, 9}); }), Error::kUtf8);
  EXPECT_EQ(errorOf("82", [](Reader& r) { r.readArray({3, 3}); }), Error::kRange);
  EXPECT_EQ(errorOf("a1", [](Reader& r) { r.readMap({0, 0}); }), Error::kRange);
  EXPECT_EQ(errorOf("d3", [](Reader& r) { r.readTag(18); }), Error::kTag);
  EXPECT_EQ(errorOf("05", [](Reader& r) { r.readKey(5); }), Error::kKeyOrder);
  EXPECT_EQ(errorOf("05", [](Reader& r) { r.readKey(4); }), Error::kNone);
}

TEST(CborWriter, WritesWhatTheReaderReads) {
  std::vector<uint8_t> out;
  Writer writer(out);
  const uint64_t numbers[] = {
      0, 23, 24, 255, 256, 65535, 65536, 0xffffffff, 0x100000000, uint64_t{1} << 53, UINT64_MAX};
  writer.writeArray(std::size(numbers) + 6);
  for (const uint64_t number : numbers) writer.writeUnsigned(number);
  writer.writeInteger(-19).writeInteger(std::numeric_limits<int64_t>::min());
  writer.writeBool(true).writeNull().writeText("tablet");
  writer.writeTag(kTagCoseSign1).writeMap(1).writeInteger(-1).writeBytes(fromHex("00ff"));
  EXPECT_EQ(check(out), Error::kNone);

  Reader reader(out);
  reader.readArray({0, 99});
  for (const uint64_t number : numbers) {
    EXPECT_EQ(reader.readUnsigned({0, UINT64_MAX}), number);
  }
  EXPECT_EQ(reader.readInteger(), -19);
  EXPECT_EQ(reader.readInteger(), std::numeric_limits<int64_t>::min());
  EXPECT_EQ(toHex(reader.readItem()), "f5");
  EXPECT_TRUE(reader.takeNull());
  EXPECT_EQ(reader.readText({0, 9}), "tablet");
  EXPECT_EQ(toHex(reader.readItem()), "d2a1204200ff");
  reader.finish();
  EXPECT_EQ(reader.error(), Error::kNone);
}

// Random bytes are seldom CBOR; random changes of an item often are: both must only be judged.
TEST(CborCheck, JudgesChangedItemsWithoutHarm) {
  std::mt19937 random(20261122);
  const std::vector<uint8_t> item = fromHex("a4011b000000e8d4a5100002820203036361c3bc04d2811818");
  size_t accepted = 0;
  for (int i = 0; i < 20'000; ++i) {
    std::vector<uint8_t> changed = item;
    changed[random() % changed.size()] = static_cast<uint8_t>(random());
    if (check(changed) == Error::kNone) ++accepted;
  }
  EXPECT_GT(accepted, 100u);
  EXPECT_LT(accepted, 19'000u);
}

}  // namespace
}  // namespace kudurru::cbor
