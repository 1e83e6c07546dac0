#include "core/tree/incremental-tree.h"

#include <gtest/gtest.h>

#include <map>

#include "core/tree/merkle.h"
#include "hex.h"

namespace kudurru {
namespace {

using test::fromHex;
using test::toHex;

// RFC 6962 §2.1, word for word: the split is at the largest power of two below the count.
Hash recursiveRoot(std::span<const Hash> leaves) {
  if (leaves.size() == 1) return leaves[0];
  size_t split = 1;
  while (split * 2 < leaves.size()) split *= 2;
  return nodeHash(recursiveRoot(leaves.first(split)), recursiveRoot(leaves.subspan(split)));
}

std::vector<Hash> leavesOf(size_t count) {
  std::vector<Hash> leaves;
  for (size_t i = 0; i < count; ++i) leaves.push_back(leafHash(bytesOf(std::to_string(i))));
  return leaves;
}

TEST(TreeRoot, NoLeavesIsTheHashOfNothing) {
  EXPECT_EQ(toHex(treeRoot({})),
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

// The eight leaves that the reference implementations of Certificate Transparency share.
TEST(TreeRoot, SharedVectorOfEightLeaves) {
  std::vector<Hash> leaves;
  for (const char* text : {"", "00", "10", "2021", "3031", "40414243", "5051525354555657",
                           "606162636465666768696a6b6c6d6e6f"}) {
    leaves.push_back(leafHash(fromHex(text)));
  }
  EXPECT_EQ(toHex(treeRoot(std::span(leaves).first(1))),
            "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d");
  EXPECT_EQ(toHex(treeRoot(leaves)),
            "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328");
}

TEST(IncrementalTree, RootAtEverySizeIsTheRecursiveOne) {
  const std::vector<Hash> leaves = leavesOf(600);
  IncrementalTree tree;
  EXPECT_EQ(tree.root(), treeRoot({}));
  for (size_t size = 1; size <= leaves.size(); ++size) {
    tree.append(leaves[size - 1]);
    ASSERT_EQ(tree.size(), size);
    ASSERT_EQ(tree.root(), recursiveRoot(std::span(leaves).first(size)));
    ASSERT_EQ(tree.root(), treeRoot(std::span(leaves).first(size)));
  }
}

// What a reader of tiles derives: each hash of a tile at level n + 1 is the root of a full one
// below.
TEST(IncrementalTree, TilesHoldTheTreeOfTheirSize) {
  const std::vector<Hash> leaves = leavesOf(2 * 65536 + 300);
  IncrementalTree tree;
  std::map<std::pair<unsigned, uint64_t>, std::vector<Hash>> tiles;
  for (const Hash& leaf : leaves) {
    tree.append(leaf);
    for (Tile& tile : tree.takeFullTiles()) {
      ASSERT_EQ(tile.hashes.size(), kTileWidth);
      ASSERT_TRUE(tiles.emplace(std::pair(tile.level, tile.index), tile.hashes).second);
    }
  }
  for (Tile& tile : tree.partialTiles()) {
    ASSERT_LT(tile.hashes.size(), kTileWidth);
    ASSERT_TRUE(tiles.emplace(std::pair(tile.level, tile.index), tile.hashes).second);
  }
  // 514 leaf tiles (the last of 44 hashes), 3 above them (the last of 1), one of 2 on top.
  EXPECT_EQ(tiles.size(), 514u + 3u + 1u);
  for (const auto& [place, hashes] : tiles) {
    const auto& [level, index] = place;
    for (size_t i = 0; i < hashes.size(); ++i) {
      const uint64_t position = index * kTileWidth + i;
      if (level == 0) {
        ASSERT_EQ(hashes[i], leaves[position]);
      } else {
        ASSERT_EQ(hashes[i], treeRoot(tiles.at({level - 1, position})));
      }
    }
  }
}

TEST(IncrementalTree, RestoredTreeGrowsLikeTheOriginal) {
  const std::vector<Hash> leaves = leavesOf(1000);
  IncrementalTree original;
  for (const Hash& leaf : leaves) {
    TileEdge edge;
    for (const Tile& tile : original.partialTiles()) edge[tile.level] = tile.hashes;
    std::optional<IncrementalTree> restored = IncrementalTree::restore(original.size(), edge);
    ASSERT_TRUE(restored.has_value());
    ASSERT_EQ(restored->root(), original.root());
    original.append(leaf);
    restored->append(leaf);
    ASSERT_EQ(restored->root(), original.root());
    ASSERT_EQ(restored->size(), original.size());
  }
}

TEST(IncrementalTree, RestoreRefusesAnEdgeOfAnotherSize) {
  IncrementalTree tree;
  for (const Hash& leaf : leavesOf(300)) tree.append(leaf);
  TileEdge edge;
  for (const Tile& tile : tree.partialTiles()) edge[tile.level] = tile.hashes;
  EXPECT_TRUE(IncrementalTree::restore(300, edge).has_value());
  EXPECT_FALSE(IncrementalTree::restore(299, edge).has_value());
  EXPECT_FALSE(IncrementalTree::restore(300 + 65536, edge).has_value());
  edge[1].push_back(edge[0][0]);
  EXPECT_FALSE(IncrementalTree::restore(300, edge).has_value());
}

}  // namespace
}  // namespace kudurru
