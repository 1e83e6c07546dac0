// The ledger's RFC 6962 tree, grown leaf by leaf, with the right edge of its C2SP tlog-tiles: all
// that is needed to write every tile, full and partial, at any size. Its memory is a tile a level,
// whatever the log's length, plus the full tiles that nobody has taken yet.
#pragma once

#include <optional>
#include <vector>

#include "core/bytes.h"
#include "core/tree/subtree-stack.h"

namespace kudurru {

constexpr unsigned kTileHeight = 8;
constexpr size_t kTileWidth = size_t{1} << kTileHeight;
constexpr unsigned kTileLevels = 8;  // 256^8 leaves are more than a log can have

// Node hashes at height 8·level, from index·256 onwards.
struct Tile {
  unsigned level;
  uint64_t index;
  std::vector<Hash> hashes;  // 1 to kTileWidth of them; kTileWidth in a full tile
};

// The hashes of each level's partial tile, level 0 first; empty where there is none.
using TileEdge = std::array<std::vector<Hash>, kTileLevels>;

// Copyable: a copy is a tree that can grow by itself.
class IncrementalTree {
 public:
  IncrementalTree();

  // The tree of a size, from its partial tiles; none if their widths are not those of the size.
  // The hashes are believed: the caller compares the root with one it trusts.
  static std::optional<IncrementalTree> restore(uint64_t size, const TileEdge& edge);

  void append(const Hash& leafHash);

  uint64_t size() const { return stack_.size(); }
  Hash root() const { return stack_.root(); }
  // The root with this leaf appended.
  Hash rootWith(const Hash& leafHash) const { return stack_.rootWith(leafHash); }

  // The tiles that became full since the last call, in the order in which they did. To be taken
  // after each group, before the tree grows much.
  std::vector<Tile> takeFullTiles();

  // The partial tiles of the present size, the lowest level first.
  std::vector<Tile> partialTiles() const;

 private:
  SubtreeStack stack_;
  TileEdge edge_;
  std::vector<Tile> full_;
};

}  // namespace kudurru
