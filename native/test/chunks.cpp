#include "core/ledger/chunks.h"

#include <gtest/gtest.h>

#include "core/ledger/group.h"

namespace kudurru {
namespace {

using Buffer = std::vector<uint8_t>;

constexpr uint64_t kLength = 2 * submission::kChunkSizeBytes + 1;

intake::LargeBody bodyWith(std::vector<Position> places) {
  intake::LargeBody body;
  body.upload.fill(6);
  body.length = kLength;
  body.records = std::make_shared<ChunkRecords>();
  body.records->places = std::move(places);
  return body;
}

const std::vector<Position> kPlaces = {{1, 4096, 7}, {1, 270'000, 8}, {2, 4096, 9}};

Buffer listOf(const std::vector<Position>& places) {
  Buffer bytes(chunkListBytes(kLength));
  writeChunkList(bodyWith(places), bytes);
  return bytes;
}

Buffer recordOf(uint32_t number, uint32_t count, size_t sealedBytes) {
  Hash upload;
  upload.fill(6);
  const ChunkHeader header = encodeChunkHeader(number, count, upload);
  Buffer bytes(header.begin(), header.end());
  bytes.resize(bytes.size() + sealedBytes, 5);
  return bytes;
}

TEST(Chunks, ReadsTheListItWrote) {
  const Buffer bytes = listOf(kPlaces);
  const auto list = ChunkList::parse(bytes);
  ASSERT_TRUE(list);
  EXPECT_EQ(list->length, kLength);
  EXPECT_EQ(list->count(), 3u);
  EXPECT_EQ(list->at(2).segment, 2u);
  EXPECT_EQ(list->at(1).offset, 270'000u);
  EXPECT_EQ(list->at(0).record, 7u);
  EXPECT_EQ(list->upload[31], 6);
}

TEST(Chunks, RefusesAnotherList) {
  const Buffer whole = listOf(kPlaces);
  for (size_t size = 0; size < whole.size(); ++size) {
    EXPECT_FALSE(ChunkList::parse(Bytes(whole).first(size)));
  }
  Buffer longer = whole;
  longer.resize(longer.size() + kChunkPlaceBytes);
  EXPECT_FALSE(ChunkList::parse(longer));
  Buffer zero = whole;
  std::fill_n(zero.begin() + 32, 8, 0);
  EXPECT_FALSE(ChunkList::parse(zero));
  EXPECT_FALSE(ChunkList::parse(listOf({kPlaces[1], kPlaces[0], kPlaces[2]})));
  EXPECT_FALSE(ChunkList::parse(listOf({kPlaces[0], kPlaces[2], kPlaces[1]})));
  EXPECT_FALSE(ChunkList::parse(listOf({kPlaces[0], kPlaces[0], kPlaces[2]})));
  EXPECT_FALSE(ChunkList::parse(listOf({kPlaces[0], {1, 270'000, 7}, kPlaces[2]})));
}

TEST(Chunks, ReadsTheRecordItWrote) {
  const size_t full = submission::kChunkSizeBytes + kTagSizeBytes;
  const Buffer first = recordOf(0, 3, full + kSaltSizeBytes);
  const auto chunk = ChunkView::parse(first);
  ASSERT_TRUE(chunk);
  EXPECT_EQ(chunk->number, 0u);
  EXPECT_EQ(chunk->count, 3u);
  EXPECT_EQ(chunk->sealed.size(), full + kSaltSizeBytes);
  EXPECT_TRUE(ChunkView::parse(recordOf(2, 3, 1 + kTagSizeBytes)));
  EXPECT_TRUE(ChunkView::parse(recordOf(63, 64, full)));
}

TEST(Chunks, RefusesAnotherRecord) {
  const size_t full = submission::kChunkSizeBytes + kTagSizeBytes;
  EXPECT_FALSE(ChunkView::parse(Buffer()));
  EXPECT_FALSE(ChunkView::parse(recordOf(2, 3, kTagSizeBytes)));
  EXPECT_FALSE(ChunkView::parse(recordOf(1, 3, full - 1)));  // only the last may be short
  EXPECT_FALSE(ChunkView::parse(recordOf(1, 3, full + 1)));
  EXPECT_FALSE(ChunkView::parse(recordOf(0, 3, full)));
  EXPECT_FALSE(ChunkView::parse(recordOf(3, 3, full)));
  EXPECT_FALSE(ChunkView::parse(recordOf(0, 1, full + kSaltSizeBytes)));
  EXPECT_FALSE(ChunkView::parse(recordOf(1, 65, full)));
  for (const size_t at : {0u, 1u, 2u, 3u}) {
    Buffer other = recordOf(1, 3, full);
    other[at] ^= 2;
    EXPECT_FALSE(ChunkView::parse(other));
  }
}

TEST(Chunks, AGroupTakesOnlyAWholeList) {
  const Buffer list = listOf(kPlaces);
  const Hash digest{};
  GroupBuilder builder;
  builder.begin(0);
  builder.addEntry([](Buffer& out) { out.push_back(0x80); });
  const MutableBytes room = builder.addBody({0, 1, "default", digest, {}, true}, list.size());
  std::ranges::copy(list, room.begin());
  Buffer payload;
  for (const Bytes part : builder.finish(digest)) {
    payload.insert(payload.end(), part.begin(), part.end());
  }
  const auto group = GroupView::parse(payload);
  ASSERT_TRUE(group);
  group->forEachBody([&](const SealedBody& body) {
    EXPECT_TRUE(body.isChunked);
    EXPECT_TRUE(std::ranges::equal(body.sealed, list));
    return true;
  });
  // The same bytes as a sealed form are another thing, and a broken list is no group.
  payload[payload.size() - list.size() + 33] ^= 1;
  EXPECT_FALSE(GroupView::parse(payload));
}

}  // namespace
}  // namespace kudurru
