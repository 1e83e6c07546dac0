// Frames, cut at every byte.
#include "core/frame/frame-parser.h"

#include <gtest/gtest.h>

#include <numeric>

#include "hex.h"

namespace kudurru::frame {
namespace {

using test::fromHex;

struct Frame {
  Type type;
  std::vector<uint8_t> payload;
  bool operator==(const Frame&) const = default;
};

struct Outcome {
  std::vector<Frame> frames;
  Error error = Error::kNone;
  bool midFrame = false;
  bool operator==(const Outcome&) const = default;
};

void feedAll(Parser& parser, Bytes input, Outcome& outcome) {
  while (!input.empty() && parser.state() != Parser::State::kFailed) {
    input = input.subspan(parser.feed(input));
    parser.admit();
    if (parser.state() != Parser::State::kComplete) continue;
    const Type type = parser.type();
    outcome.frames.push_back({type, parser.takePayload()});
  }
  outcome.error = parser.error();
  outcome.midFrame = parser.midFrame();
}

Outcome parse(Bytes first, Bytes second = {}) {
  Parser parser;
  Outcome outcome;
  feedAll(parser, first, outcome);
  feedAll(parser, second, outcome);
  return outcome;
}

std::vector<uint8_t> frameOf(Type type, size_t payloadSizeBytes) {
  std::vector<uint8_t> out;
  writeHeader(out, type, payloadSizeBytes);
  const size_t header = out.size();
  out.resize(header + payloadSizeBytes);
  std::iota(out.begin() + static_cast<ptrdiff_t>(header), out.end(), uint8_t{0});
  return out;
}

TEST(FrameParser, ReadsFramesCutAtEveryByte) {
  std::vector<uint8_t> stream;
  for (const auto& frame :
       {frameOf(Type::kHello, 1), frameOf(Type::kSubmit, 300), frameOf(Type::kClose, 34)}) {
    stream.insert(stream.end(), frame.begin(), frame.end());
  }
  const Outcome whole = parse(stream);
  ASSERT_EQ(whole.frames.size(), 3u);
  EXPECT_EQ(whole.frames[1].payload.size(), 300u);
  EXPECT_FALSE(whole.midFrame);
  for (size_t cut = 0; cut <= stream.size(); ++cut) {
    const Bytes bytes(stream);
    EXPECT_EQ(parse(bytes.first(cut), bytes.subspan(cut)), whole) << "cut at " << cut;
  }
}

TEST(FrameParser, ReadsByteByByte) {
  const auto stream = frameOf(Type::kOpen, 20);
  Parser parser;
  Outcome outcome;
  for (const uint8_t byte : stream) feedAll(parser, Bytes(&byte, 1), outcome);
  EXPECT_EQ(outcome, parse(stream));
}

TEST(FrameParser, KnowsThatAFrameIsCutShort) {
  const auto stream = frameOf(Type::kSubmit, 9);
  for (size_t size = 1; size < stream.size(); ++size) {
    const Outcome outcome = parse(Bytes(stream).first(size));
    EXPECT_TRUE(outcome.midFrame) << size;
    EXPECT_TRUE(outcome.frames.empty()) << size;
    EXPECT_EQ(outcome.error, Error::kNone) << size;
  }
}

TEST(FrameParser, RefusesLengthsWithoutAPayload) {
  EXPECT_EQ(parse(fromHex("00000000")).error, Error::kEmpty);
  EXPECT_EQ(parse(fromHex("00000001")).error, Error::kEmpty);
}

TEST(FrameParser, RefusesLengthsOverTheLimitBeforeTheTypeIsRead) {
  EXPECT_EQ(parse(fromHex("00400001")).error, Error::kTooLong);
  EXPECT_EQ(parse(fromHex("ffffffff")).error, Error::kTooLong);
  EXPECT_EQ(parse(fromHex("0040000003")).error, Error::kNone);
}

TEST(FrameParser, RefusesTypesThatNoClientSends) {
  for (unsigned type = 0; type < 256; ++type) {
    std::vector<uint8_t> header = fromHex("00000002");
    header.push_back(static_cast<uint8_t>(type));
    const bool known = type >= 1 && type <= 5;
    EXPECT_EQ(parse(header).error, known ? Error::kNone : Error::kTypeUnknown) << type;
  }
}

TEST(FrameParser, HoldsSmallTypesToTheirOwnLimit) {
  for (const Type type : {Type::kHello, Type::kOpen, Type::kClose}) {
    const size_t max = payloadSizeBytesMax(static_cast<uint8_t>(type));
    EXPECT_EQ(parse(frameOf(type, max)).frames.size(), 1u);
    EXPECT_EQ(parse(frameOf(type, max + 1)).error, Error::kTooLong);
  }
}

TEST(FrameParser, ReadsTheLongestFrame) {
  const auto stream = frameOf(Type::kSubmit, kFrameSizeBytesMax - 1);
  const Outcome outcome = parse(Bytes(stream).first(100'000), Bytes(stream).subspan(100'000));
  ASSERT_EQ(outcome.frames.size(), 1u);
  EXPECT_EQ(outcome.frames[0].payload.size(), kFrameSizeBytesMax - 1u);
}

TEST(FrameParser, TakesNoPayloadBeforeItIsAdmitted) {
  const auto stream = frameOf(Type::kSubmit, 9);
  Parser parser;
  EXPECT_EQ(parser.feed(stream), kHeaderBytes);
  EXPECT_EQ(parser.state(), Parser::State::kAnnounced);
  EXPECT_EQ(parser.payloadSizeBytes(), 9u);
  EXPECT_EQ(parser.feed(Bytes(stream).subspan(kHeaderBytes)), 0u);
  parser.admit();
  EXPECT_EQ(parser.feed(Bytes(stream).subspan(kHeaderBytes)), 9u);
  EXPECT_EQ(parser.state(), Parser::State::kComplete);
}

TEST(FrameParser, AnErrorSticks) {
  Parser parser;
  parser.feed(fromHex("00000000"));
  EXPECT_EQ(parser.feed(frameOf(Type::kHello, 3)), 0u);
  EXPECT_EQ(parser.state(), Parser::State::kFailed);
}

}  // namespace
}  // namespace kudurru::frame
