// Hashes and entries as proofs and publications need them: from memory, from a file that the tree
// vouches for, or made again.
#include <algorithm>
#include <cstring>

#include "core/journal/big-endian.h"
#include "core/tiles/tile-store.h"
#include "core/tree/merkle.h"

namespace kudurru {
namespace {

constexpr size_t kRecentTilesMax = 16;

// The leaf hashes of a bundle's entries; false where it is cut.
bool hashBundle(Bytes bundle, std::vector<Hash>* hashes) {
  for (size_t at = 0; at < bundle.size();) {
    const size_t size = bundle.size() - at < 2 ? SIZE_MAX : get16(&bundle[at]);
    if (size > bundle.size() - at - 2) return false;
    hashes->push_back(leafHash(bundle.subspan(at + 2, size)));
    at += 2 + size;
  }
  return true;
}

}  // namespace

void TileStore::remember(const TileId& id, const std::vector<Hash>& hashes) {
  recent_.emplace_front(id, hashes);
  if (recent_.size() > kRecentTilesMax) recent_.pop_back();
}

// At least `atLeast` hashes of the tile; all it has where it is full.
Status TileStore::readTile(const TileId& id, size_t atLeast, std::vector<Hash>* hashes) {
  if (const auto held = held_.find(id); held != held_.end()) {
    *hashes = held->second;
    return {};
  }
  const uint64_t nodes = sources_.tree->size() >> (kTileHeight * id.first);
  const bool isPartial = id.second == nodes / kTileWidth;
  if (isPartial) {
    for (Tile& tile : sources_.tree->partialTiles()) {
      if (tile.level == id.first) *hashes = std::move(tile.hashes);
    }
    if (hashes->size() >= atLeast) return {};
    return failure(Code::kNotFound, "the tree has no such node yet");
  }
  if (id.second > nodes / kTileWidth) return failure(Code::kNotFound, "no such node yet");
  const auto known =
      std::ranges::find_if(recent_, [&](const auto& recent) { return recent.first == id; });
  if (known != recent_.end()) {
    *hashes = known->second;
    return {};
  }
  Status status = readFull(id, hashes);
  if (status.ok()) remember(id, *hashes);
  return status;
}

// Believed when it gives the hash that the tree has for it; made again where it does not.
Status TileStore::readFull(const TileId& id, std::vector<Hash>* hashes) {
  Hash root;
  Status status = expectedRoot(id, &root);
  if (status.ok()) status = readFile(id, hashes);
  if (!status.ok() && status.code != Code::kNotFound) return status;
  if (status.ok() && treeRoot(*hashes) == root) return {};
  const uint64_t end = (id.second + 1) << (kTileHeight * (id.first + 1));
  if (end <= durable_) {
    const std::string path = hashTilePath(id.first, id.second, kTileWidth);
    sources_.note("'" + path + "' was damaged or missing: it is made again");
  }
  return makeTile(id, root, hashes);
}

// notFound where the file is missing or has another length.
Status TileStore::readFile(const TileId& id, std::vector<Hash>* hashes) {
  std::vector<uint8_t> bytes;
  const std::string path = hashTilePath(id.first, id.second, kTileWidth);
  Status status = files_.read(path, &bytes);
  if (!status.ok()) return status;
  if (bytes.size() != kTileWidth * sizeof(Hash)) {
    return failure(Code::kNotFound, "'" + path + "' is not whole");
  }
  hashes->resize(kTileWidth);
  std::memcpy(hashes->data(), bytes.data(), bytes.size());
  return {};
}

// What the tile above, or the tree's edge, says of a full tile.
Status TileStore::expectedRoot(const TileId& id, Hash* root) {
  const size_t place = static_cast<size_t>(id.second % kTileWidth);
  std::vector<Hash> above;
  Status status = readTile({id.first + 1, id.second / kTileWidth}, place + 1, &above);
  if (status.ok()) *root = above[place];
  return status;
}

// From the files below it where they give the root, else from the journal's entries alone.
Status TileStore::makeTile(const TileId& id, const Hash& root, std::vector<Hash>* hashes) {
  Status status = compute(id, true, hashes);
  if (status.ok() && treeRoot(*hashes) != root) status = compute(id, false, hashes);
  if (!status.ok()) return status;
  if (treeRoot(*hashes) != root) {
    const bool isRetired = id.second << (kTileHeight * (id.first + 1)) < retired_;
    return failure(isRetired ? Code::kNotHeld : Code::kCorrupt,
                   "the entries of '" + hashTilePath(id.first, id.second, kTileWidth) +
                       "' do not give the tree they were written with");
  }
  status = writeTile(id, *hashes);
  return status.code == Code::kDiskFull ? Status{} : status;
}

// Those of a retired range as the bundle has them: whoever asks compares what they give.
Status TileStore::entries(uint64_t first, uint64_t count, std::vector<uint8_t>* bundle) {
  if (first >= retired_) return sources_.entries(first, count, bundle);
  const std::string path = entryTilePath(first / kTileWidth, kTileWidth);
  Status status = files_.read(path, bundle);
  if (status.code != Code::kNotFound) return status;
  return failure(Code::kNotHeld, "'" + path + "' is missing, and its entries were retired");
}

Status TileStore::readBundle(uint64_t index) {
  if (index == bundleRead_) return {};
  bundleRead_ = UINT64_MAX;
  Hash root;
  std::vector<Hash> hashes;
  Status status = expectedRoot({0, index}, &root);
  if (status.ok()) status = entries(index * kTileWidth, kTileWidth, &bundleBytes_);
  if (!status.ok()) return status;
  const bool isWhole = hashBundle(bundleBytes_, &hashes) && hashes.size() == kTileWidth;
  if (!isWhole || treeRoot(hashes) != root) {
    return failure(Code::kNotHeld, "'" + entryTilePath(index, kTileWidth) +
                                       "' is damaged, and its entries were retired");
  }
  bundleRead_ = index;
  return {};
}

Status TileStore::readRetired(uint64_t* index, uint64_t end, std::vector<uint8_t>* entries) {
  Status status = readBundle(*index / kTileWidth);
  if (!status.ok()) return status;
  end = std::min(end, retired_);
  uint64_t place = *index / kTileWidth * kTileWidth;
  for (size_t at = 0; at < bundleBytes_.size() && *index < end; ++place) {
    const uint8_t* entry = &bundleBytes_[at];
    const size_t size = size_t{2} + get16(entry);
    if (place == *index) {
      entries->insert(entries->end(), entry, entry + size);
      ++*index;
    }
    at += size;
  }
  return {};
}

Status TileStore::compute(const TileId& id, bool fromFiles, std::vector<Hash>* hashes) {
  hashes->clear();
  if (id.first == 0) {
    std::vector<uint8_t> bundle;
    Status status = entries(id.second * kTileWidth, kTileWidth, &bundle);
    if (status.ok() && !hashBundle(bundle, hashes)) {
      status = failure(Code::kNotHeld, "an entry bundle is not whole");
    }
    return status;
  }
  for (uint64_t child = 0; child < kTileWidth; ++child) {
    const TileId below{id.first - 1, id.second * kTileWidth + child};
    std::vector<Hash> found;
    const auto held = held_.find(below);
    Status status = failure(Code::kNotFound, "");
    if (held != held_.end()) {
      found = held->second;
      status = {};
    } else if (fromFiles) {
      status = readFile(below, &found);
    }
    if (status.code == Code::kNotFound) {
      status = compute(below, fromFiles, &found);
      if (status.ok()) status = writeTile(below, found);
      if (status.code == Code::kDiskFull) status = {};
    }
    if (!status.ok()) return status;
    hashes->push_back(treeRoot(found));
  }
  return {};
}

Status TileStore::node(unsigned level, uint64_t index, Hash* hash) {
  const unsigned tileLevel = level / kTileHeight;
  const unsigned height = level % kTileHeight;
  if (level >= 64 || index > (UINT64_MAX >> height)) {
    return failure(Code::kNotFound, "no log has such a node");
  }
  const uint64_t first = index << height;
  const size_t offset = static_cast<size_t>(first % kTileWidth);
  const size_t width = size_t{1} << height;
  std::vector<Hash> hashes;
  Status status = readTile({tileLevel, first / kTileWidth}, offset + width, &hashes);
  if (status.ok()) *hash = treeRoot(std::span<const Hash>(hashes).subspan(offset, width));
  return status;
}

}  // namespace kudurru
