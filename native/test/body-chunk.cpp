#include "core/submission/body-chunk.h"

#include <gtest/gtest.h>

#include "submission-builder.h"

namespace kudurru::submission {
namespace {

using namespace test;
using cbor::Error;

Error errorOf(const Buffer& payload) {
  BodyChunk chunk;
  return readBodyChunk(payload, chunk);
}

// A payload with one part altered.
struct Announcement {
  Buffer digest = Buffer(32, 1);
  Buffer scope = fromHex("f6");
  uint64_t field = 2;
  Buffer salt = Buffer(32, 3);
  uint64_t length = kBodySizeBytesMax + 1;
  Buffer bytes = Buffer(kChunkSizeBytes, 4);

  Buffer build() const {
    return encode([this](cbor::Writer& w) {
      w.writeArray(6).writeBytes(digest).writeRaw(scope).writeUnsigned(field).writeBytes(salt);
      w.writeUnsigned(length).writeBytes(bytes);
    });
  }
};

Buffer following(uint64_t offset, size_t size) {
  return encode([&](cbor::Writer& w) {
    w.writeArray(3).writeBytes(Buffer(32, 1)).writeUnsigned(offset).writeBytes(Buffer(size, 4));
  });
}

Buffer text(const std::string& value) {
  return encode([&](cbor::Writer& w) { w.writeText(value); });
}

TEST(BodyChunk, ReadsBothForms) {
  const BodyParts body = largeBody(2, 9, 2 * kChunkSizeBytes + 5);
  const std::vector<Buffer> chunks = encodeChunks(body, "case-7");
  ASSERT_EQ(chunks.size(), 3u);
  BodyChunk first, last;
  ASSERT_EQ(readBodyChunk(chunks[0], first), Error::kNone);
  ASSERT_EQ(readBodyChunk(chunks[2], last), Error::kNone);
  EXPECT_TRUE(first.announces());
  EXPECT_EQ(first.scope, "case-7");
  EXPECT_EQ(first.field, 2);
  EXPECT_EQ(first.length, body.bytes.size());
  EXPECT_EQ(first.bytes.size(), kChunkSizeBytes);
  EXPECT_FALSE(last.announces());
  EXPECT_EQ(last.offset, 2 * kChunkSizeBytes);
  EXPECT_EQ(last.bytes.size(), 5u);
  EXPECT_TRUE(std::ranges::equal(first.digest, last.digest));
  Announcement unscoped;
  const Buffer payload = unscoped.build();
  ASSERT_EQ(readBodyChunk(payload, first), Error::kNone);
  EXPECT_EQ(first.scope, kDefaultScope);
}

TEST(BodyChunk, CountsItsChunks) {
  EXPECT_EQ(chunkCount(kBodySizeBytesMax + 1), 2u);
  EXPECT_EQ(chunkCount(2 * kChunkSizeBytes), 2u);
  EXPECT_EQ(chunkCount(kLargeBodySizeBytesMax), 64u);
  EXPECT_EQ(chunkSizeBytes(kBodySizeBytesMax + 1, 1), 1u);
  EXPECT_EQ(chunkSizeBytes(2 * kChunkSizeBytes, 1), kChunkSizeBytes);
}

TEST(BodyChunk, RefusesAnotherForm) {
  EXPECT_EQ(errorOf(Announcement{}.build()), Error::kNone);
  EXPECT_EQ(errorOf(Announcement{.digest = Buffer(31, 1)}.build()), Error::kRange);
  EXPECT_EQ(errorOf(Announcement{.scope = text("system")}.build()), Error::kRange);
  EXPECT_EQ(errorOf(Announcement{.scope = text("A")}.build()), Error::kRange);
  EXPECT_EQ(errorOf(Announcement{.scope = text(std::string(65, 'a'))}.build()), Error::kRange);
  EXPECT_EQ(errorOf(Announcement{.field = 0}.build()), Error::kRange);
  EXPECT_EQ(errorOf(Announcement{.field = 9}.build()), Error::kRange);
  EXPECT_EQ(errorOf(Announcement{.salt = Buffer(33, 1)}.build()), Error::kRange);
  EXPECT_EQ(errorOf(Announcement{.length = kBodySizeBytesMax}.build()), Error::kRange);
  EXPECT_EQ(errorOf(Announcement{.length = kLargeBodySizeBytesMax}.build()), Error::kNone);
  EXPECT_EQ(errorOf(Announcement{.length = kLargeBodySizeBytesMax + 1}.build()), Error::kRange);
  EXPECT_EQ(errorOf(Announcement{.bytes = Buffer(kChunkSizeBytes - 1)}.build()), Error::kRange);
  EXPECT_EQ(errorOf(Announcement{.bytes = Buffer(kChunkSizeBytes + 1)}.build()), Error::kRange);
  EXPECT_EQ(errorOf(following(kChunkSizeBytes, 1)), Error::kNone);
  EXPECT_EQ(errorOf(following(0, kChunkSizeBytes)), Error::kRange);
  EXPECT_EQ(errorOf(following(kChunkSizeBytes + 1, 1)), Error::kRange);
  EXPECT_EQ(errorOf(following(kLargeBodySizeBytesMax, 1)), Error::kRange);
  EXPECT_EQ(errorOf(following(kChunkSizeBytes, 0)), Error::kRange);
  EXPECT_EQ(errorOf(following(kChunkSizeBytes, kChunkSizeBytes + 1)), Error::kRange);
  EXPECT_EQ(errorOf(fromHex("80")), Error::kRange);
  EXPECT_EQ(errorOf(encode([](cbor::Writer& w) {
              w.writeArray(4).writeBytes(Buffer(32)).writeNull().writeNull().writeNull();
            })),
            Error::kRange);
  EXPECT_EQ(errorOf({}), Error::kTruncated);
}

TEST(BodyChunk, RefusesEveryCut) {
  const Buffer whole = following(kChunkSizeBytes, 40);
  for (size_t size = 0; size < whole.size(); ++size) {
    EXPECT_NE(errorOf({whole.begin(), whole.begin() + static_cast<ptrdiff_t>(size)}), Error::kNone);
  }
  Buffer longer = whole;
  longer.push_back(0);
  EXPECT_EQ(errorOf(longer), Error::kTrailing);
}

}  // namespace
}  // namespace kudurru::submission
