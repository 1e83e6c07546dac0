// The hashes of the tree and the entries as C2SP tlog-tiles files: written behind the journal, read
// for proofs. What is on disk is believed only where it gives the hash that the tile above it has,
// up to the tree's own edge in memory; what does not, or is missing, is made again from the
// journal.
#pragma once

#include <functional>
#include <list>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "core/tiles/tile-files.h"
#include "core/tree/incremental-tree.h"

namespace kudurru {

struct TileSources {
  // Appends `count` entries from `first` on, each after its length (u16), as in an entry bundle.
  std::function<Status(uint64_t first, uint64_t count, std::vector<uint8_t>* bundle)> entries;
  const IncrementalTree* tree = nullptr;
  // Is told of a file that was durable and is not what was written.
  std::function<void(std::string)> note;
};

struct TileName {
  std::optional<unsigned> level;
  uint64_t index = 0;
  unsigned width = 0;  // 1 .. 256
};

class TileStore {
 public:
  // `folder` gets `tile/`; `work` holds the mark of what is durable. Both must exist.
  TileStore(Storage& storage, const std::string& folder, std::string work);

  // Reads the mark: full tiles below that size need not be written again. `known` is a size below
  // which they are known to be durable without it. Called before the log is replayed, with the
  // size that the replay goes on from; and `checkMark` after it.
  Status open(uint64_t replayedFrom, uint64_t known);
  Status checkMark(uint64_t treeSize);
  void setSources(TileSources sources) { sources_ = std::move(sources); }
  // Entries below this index are in full, durable bundles only. Called before `open`.
  void setRetired(uint64_t below) { retired_ = below; }
  // Appends the retired entries from `index` on that are in its bundle, each after its length, as
  // far as `end`, and moves `index` behind them. The bundle is checked against the tree. notHeld:
  // it is missing, or not what was written.
  Status readRetired(uint64_t* index, uint64_t end, std::vector<uint8_t>* entries);

  // Takes the tiles that a group has filled. Writes them once they are many.
  Status add(std::vector<Tile> full);
  // Full files of the tree of that size that are still to be written, and the writing of the first
  // of them.
  size_t filesBehind(uint64_t size) const {
    return held_.size() + static_cast<size_t>(size / kTileWidth - bundles_);
  }
  Status writeNext(uint64_t size);
  // Hash of the perfect subtree of 2^level leaves beginning at leaf index·2^level.
  Status node(unsigned level, uint64_t index, Hash* hash);
  // All files of the tree of that size, partial ones too. Errors: disk-full (try again later).
  Status publish(uint64_t size);
  // The bytes of a file of the tree that is not there, or not of its form: from memory, or made
  // again from what it follows from; a full one is written too. `level` none: the entry bundle.
  // Errors: notFound where the tree has not so many hashes or entries yet.
  Status remake(const TileName& name, std::vector<uint8_t>* bytes);
  // Makes every file so far durable and remembers that.
  Status markDurable();
  // The same in two steps, for an owner that waits for the file system elsewhere: up to which size
  // that is due now (0: it is not), and that it was done.
  void leaveSyncsToOwner() { ownerSyncs_ = true; }
  uint64_t sizeToSync() const { return published_ - durable_ >= kMarkEvery ? published_ : 0; }
  Status noteSynced(uint64_t size);
  uint64_t publishedSize() const { return published_; }
  uint64_t durableSize() const { return durable_; }

 private:
  // Between two marks: what is written again, at most, after a crash.
  static constexpr uint64_t kMarkEvery = 65'536;
  using TileId = std::pair<unsigned, uint64_t>;  // level, index

  Status writeHeld();
  Status readMark(uint64_t* size);
  // Full tiles of which the last leaf is at or above `from` and below `to`.
  Status makeBetween(uint64_t from, uint64_t to);
  Status readTile(const TileId& id, size_t atLeast, std::vector<Hash>* hashes);
  Status readFull(const TileId& id, std::vector<Hash>* hashes);
  Status readFile(const TileId& id, std::vector<Hash>* hashes);
  Status expectedRoot(const TileId& id, Hash* root);
  Status makeTile(const TileId& id, const Hash& root, std::vector<Hash>* hashes);
  Status entries(uint64_t first, uint64_t count, std::vector<uint8_t>* bundle);
  Status readBundle(uint64_t index);
  Status compute(const TileId& id, bool fromFiles, std::vector<Hash>* hashes);
  Status publishHashes(uint64_t size);
  Status publishEntries(uint64_t size);
  // Of the tile at the tree's edge: which partial forms a publish writes.
  Status widthsToWrite(const std::string& fullPath, unsigned width, std::vector<unsigned>* widths);
  Status writeFirstHeld();
  Status writeMark(uint64_t size, bool syncs);
  Status writeBundle();
  Status writeTile(const TileId& id, const std::vector<Hash>& hashes);
  void remember(const TileId& id, const std::vector<Hash>& hashes);

  Storage& storage_;
  TileFiles files_;
  const std::string work_;
  TileSources sources_;
  std::map<TileId, std::vector<Hash>> held_;  // full, not yet written
  std::list<std::pair<TileId, std::vector<Hash>>> recent_;
  bool ownerSyncs_ = false;
  uint64_t retired_ = 0;              // entries below it are in bundles only
  uint64_t bundleRead_ = UINT64_MAX;  // the one last read by readBundle, and its bytes
  std::vector<uint8_t> bundleBytes_;
  uint64_t bundles_ = 0;    // full entry bundles written
  uint64_t published_ = 0;  // tree size of the last publish
  uint64_t durable_ = 0;    // all files below this size are durable
  bool knowsEdge_ = false;  // the partial files at the tree's edge are this run's
  uint64_t resumed_ = 0;    // full tiles from `durable_` up to this size may be missing
};

}  // namespace kudurru
