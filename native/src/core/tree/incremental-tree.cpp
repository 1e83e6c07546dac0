#include "core/tree/incremental-tree.h"

#include <utility>

namespace kudurru {
namespace {

// Hashes in the partial tile of a level of a tree of that size.
size_t partialWidth(uint64_t size, unsigned level) {
  return static_cast<size_t>(size >> (kTileHeight * level)) % kTileWidth;
}

}  // namespace

IncrementalTree::IncrementalTree() {
  for (std::vector<Hash>& hashes : edge_) hashes.reserve(kTileWidth);
}

std::optional<IncrementalTree> IncrementalTree::restore(uint64_t size, const TileEdge& edge) {
  IncrementalTree tree;
  for (unsigned level = kTileLevels; level-- != 0;) {
    std::span<const Hash> hashes = edge[level];
    if (hashes.size() != partialWidth(size, level)) return std::nullopt;
    tree.edge_[level].assign(hashes.begin(), hashes.end());
    for (unsigned height = kTileHeight; height-- != 0;) {
      const size_t width = size_t{1} << height;
      if ((partialWidth(size, level) & width) == 0) continue;
      tree.stack_.restore(kTileHeight * level + height, treeRoot(hashes.first(width)));
      hashes = hashes.subspan(width);
    }
  }
  return tree;
}

void IncrementalTree::append(const Hash& leafHash) {
  stack_.append(leafHash, [this](unsigned height, const Hash& hash) {
    if (height % kTileHeight != 0) return;
    const unsigned level = height / kTileHeight;
    std::vector<Hash>& hashes = edge_[level];
    hashes.push_back(hash);
    if (hashes.size() < kTileWidth) return;
    // Nodes are reported before the leaf is counted, so the size is that without it.
    const uint64_t index = stack_.size() >> (kTileHeight * level) >> kTileHeight;
    full_.push_back({level, index, hashes});
    hashes.clear();
  });
}

std::vector<Tile> IncrementalTree::takeFullTiles() { return std::exchange(full_, {}); }

std::vector<Tile> IncrementalTree::partialTiles() const {
  std::vector<Tile> tiles;
  for (unsigned level = 0; level < kTileLevels; ++level) {
    if (edge_[level].empty()) continue;
    const uint64_t index = size() >> (kTileHeight * level) >> kTileHeight;
    tiles.push_back({level, index, edge_[level]});
  }
  return tiles;
}

}  // namespace kudurru
