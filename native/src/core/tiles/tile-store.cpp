#include "core/tiles/tile-store.h"

#include <algorithm>
#include <array>
#include <cerrno>

#include "core/journal/big-endian.h"
#include "core/journal/crc32c.h"
#include "core/tree/merkle.h"

namespace kudurru {
namespace {

// Eight MiB. Usually each is written between two batches, long before.
constexpr size_t kHeldTilesMax = 1024;
// The size and its checksum.
constexpr size_t kMarkBytes = 12;

// Bytes of the first entries of a whole bundle.
ptrdiff_t bundlePrefix(Bytes bundle, unsigned width) {
  size_t at = 0;
  for (; width > 0; --width) at += size_t{2} + get16(&bundle[at]);
  return static_cast<ptrdiff_t>(at);
}

Bytes bytesOf(const std::vector<Hash>& hashes) {
  return {reinterpret_cast<const uint8_t*>(hashes.data()), hashes.size() * sizeof(Hash)};
}

}  // namespace

TileStore::TileStore(Storage& storage, const std::string& folder, std::string work)
    : storage_(storage), files_(storage, folder, work + "/tile"), work_(std::move(work)) {}

// The size, and its checksum. A mark of another form says nothing.
Status TileStore::readMark(uint64_t* size) {
  *size = 0;
  OpenResult opened = storage_.open(work_ + "/published", OpenMode::kRead);
  if (opened.error == ENOENT) return {};
  std::array<uint8_t, kMarkBytes + 1> mark{};
  IoResult got{opened.error, 0};
  if (got.error == 0) got = readAll(*opened.file, mark, 0);
  if (got.error != 0) {
    return systemFailure(Code::kIoFailed, "cannot read '" + work_ + "/published'", got.error);
  }
  if (got.value == kMarkBytes && get32(&mark[8]) == crc32c(Bytes(mark).first(8))) {
    *size = get64(mark.data());
  } else {
    sources_.note("'" + work_ + "/published' was damaged: it is made again");
  }
  return {};
}

Status TileStore::open(uint64_t replayedFrom, uint64_t known) {
  Status status = readMark(&durable_);
  durable_ = std::max({durable_, known, retired_});
  bundles_ = durable_ / kTileWidth;
  resumed_ = replayedFrom;
  return status;
}

// The mark of a longer log means that the files are another history's: all are made again.
Status TileStore::checkMark(uint64_t treeSize) {
  if (durable_ <= treeSize) return {};
  durable_ = retired_;
  bundles_ = retired_ / kTileWidth;
  return makeBetween(retired_, treeSize);
}

Status TileStore::makeBetween(uint64_t from, uint64_t to) {
  for (unsigned level = 0; level < kTileLevels; ++level) {
    const unsigned height = kTileHeight * level;
    const uint64_t last = to >> height >> kTileHeight;
    for (uint64_t index = from >> height >> kTileHeight; index < last; ++index) {
      const TileId id{level, index};
      std::vector<Hash> hashes;
      Hash root;
      Status status = expectedRoot(id, &root);
      if (status.ok()) status = makeTile(id, root, &hashes);
      if (!status.ok()) return status;
    }
  }
  return {};
}

Status TileStore::add(std::vector<Tile> full) {
  for (Tile& tile : full) {
    const uint64_t lastLeaf = (tile.index + 1) << (kTileHeight * (tile.level + 1));
    if (lastLeaf > durable_) held_[{tile.level, tile.index}] = std::move(tile.hashes);
  }
  if (held_.size() < kHeldTilesMax) return {};
  Status status = writeHeld();
  return status.code == Code::kDiskFull ? Status{} : status;  // they stay held
}

Status TileStore::writeTile(const TileId& id, const std::vector<Hash>& hashes) {
  const unsigned width = static_cast<unsigned>(hashes.size());
  const std::string path = hashTilePath(id.first, id.second, width);
  Status status = files_.write(path, bytesOf(hashes));
  if (status.ok() && width == kTileWidth) status = files_.removePartials(path);
  return status;
}

Status TileStore::writeFirstHeld() {
  const auto& [id, hashes] = *held_.begin();
  Status status = writeTile(id, hashes);
  if (status.ok()) held_.erase(held_.begin());
  return status;
}

Status TileStore::writeHeld() {
  Status status;
  while (status.ok() && !held_.empty()) status = writeFirstHeld();
  return status;
}

Status TileStore::writeNext(uint64_t size) {
  if (!held_.empty()) return writeFirstHeld();
  return bundles_ < size / kTileWidth ? writeBundle() : Status{};
}

Status TileStore::publish(uint64_t size) {
  if (size > sources_.tree->size()) {
    return failure(Code::kBadArgument, "the tree has fewer entries than are to be published");
  }
  if (size == published_) return {};
  Status status = publishHashes(size);
  if (status.ok()) status = publishEntries(size);
  if (!status.ok()) return status;
  knowsEdge_ = true;
  // A smaller size than before: its partial tiles are what a checkpoint signed meanwhile needs.
  published_ = std::max(published_, size);
  return sizeToSync() != 0 && !ownerSyncs_ ? markDurable() : Status{};
}

Status TileStore::publishHashes(uint64_t size) {
  Status status = writeHeld();
  if (status.ok() && durable_ < resumed_) status = makeBetween(durable_, resumed_);
  if (status.ok()) resumed_ = 0;
  for (unsigned level = 0; status.ok() && level < kTileLevels; ++level) {
    const uint64_t nodes = size >> (kTileHeight * level);
    const size_t width = static_cast<size_t>(nodes % kTileWidth);
    if (width == 0) continue;
    const TileId id{level, nodes / kTileWidth};
    std::vector<Hash> hashes;
    status = readTile(id, width, &hashes);
    if (!status.ok()) return status;
    std::vector<unsigned> widths;
    status = widthsToWrite(hashTilePath(id.first, id.second, kTileWidth),
                           static_cast<unsigned>(width), &widths);
    for (size_t at = 0; status.ok() && at < widths.size(); ++at) {
      hashes.resize(widths[at]);
      status = writeTile(id, hashes);
    }
  }
  return status;
}

// No partial file is synced: what a power cut has torn keeps its name and may have its length. So
// the first publish after a start writes those again that it finds. The widest comes first.
Status TileStore::widthsToWrite(const std::string& fullPath, unsigned width,
                                std::vector<unsigned>* widths) {
  widths->clear();
  Status status = knowsEdge_ ? Status{} : files_.partialWidths(fullPath, widths);
  std::erase_if(*widths, [&](unsigned found) { return found == 0 || found >= width; });
  widths->push_back(width);
  std::ranges::sort(*widths, std::greater());
  return status;
}

// The first full entry bundle that is not written.
Status TileStore::writeBundle() {
  std::vector<uint8_t> bundle;
  const std::string path = entryTilePath(bundles_, kTileWidth);
  Status status = sources_.entries(bundles_ * kTileWidth, kTileWidth, &bundle);
  if (status.ok()) status = files_.write(path, bundle);
  if (status.ok()) status = files_.removePartials(path);
  if (status.ok()) ++bundles_;
  return status;
}

Status TileStore::publishEntries(uint64_t size) {
  while (bundles_ < size / kTileWidth) {
    Status status = writeBundle();
    if (!status.ok()) return status;
  }
  const unsigned width = static_cast<unsigned>(size % kTileWidth);
  if (width == 0) return {};
  const uint64_t last = size / kTileWidth;
  std::vector<unsigned> widths;
  Status status = widthsToWrite(entryTilePath(last, kTileWidth), width, &widths);
  for (size_t at = 0; status.ok() && at < widths.size(); ++at) {
    std::vector<uint8_t> bundle;
    status = sources_.entries(last * kTileWidth, widths[at], &bundle);
    if (status.ok()) status = files_.write(entryTilePath(last, widths[at]), bundle);
  }
  return status;
}

Status TileStore::remake(const TileName& name, std::vector<uint8_t>* bytes) {
  bytes->clear();
  const unsigned level = name.level.value_or(0);
  const uint64_t nodes = level < kTileLevels ? sources_.tree->size() >> (kTileHeight * level) : 0;
  const uint64_t tile = nodes / kTileWidth;
  const uint64_t there = name.index < tile   ? kTileWidth
                         : name.index > tile ? 0
                                             : nodes % kTileWidth;
  if (name.width == 0 || name.width > there) {
    return failure(Code::kNotFound, "the tree has no such tile yet");
  }
  const bool isFull = name.width == kTileWidth;
  if (!name.level && name.index * kTileWidth < retired_) {
    Status status = readBundle(name.index);
    if (!status.ok()) return status;
    const auto begin = bundleBytes_.begin();
    bytes->assign(begin, begin + bundlePrefix(bundleBytes_, name.width));
    return {};
  }
  if (!name.level) {
    Status status = sources_.entries(name.index * kTileWidth, name.width, bytes);
    if (!status.ok() || !isFull) return status;
    status = files_.write(entryTilePath(name.index, kTileWidth), *bytes);
    return status.code == Code::kDiskFull ? Status{} : status;
  }
  const TileId id{level, name.index};
  std::vector<Hash> hashes;
  Hash root;
  const bool isMade = isFull && !held_.contains(id);
  Status status = isMade ? expectedRoot(id, &root) : readTile(id, name.width, &hashes);
  if (status.ok() && isMade) status = makeTile(id, root, &hashes);
  if (!status.ok()) return status;
  hashes.resize(name.width);
  const Bytes made = bytesOf(hashes);
  bytes->assign(made.begin(), made.end());
  return {};
}

Status TileStore::markDurable() { return writeMark(published_, true); }

// The mark itself may be lost in a crash, or torn, which its checksum tells: then the one before it
// holds, or none.
Status TileStore::noteSynced(uint64_t size) {
  return size > durable_ ? writeMark(size, false) : Status{};
}

Status TileStore::writeMark(uint64_t size, bool syncs) {
  std::array<uint8_t, kMarkBytes> mark;
  put64(mark.data(), size);
  put32(&mark[8], crc32c(Bytes(mark).first(8)));
  const std::string path = work_ + "/published";
  OpenResult opened = storage_.open(path + ".new", OpenMode::kCreate);
  int error = opened.error;
  if (error == 0) error = opened.file->truncate(0);
  if (error == 0) error = writeAll(*opened.file, mark, 0);
  if (error == 0 && syncs) error = storage_.syncFileSystem(work_);
  if (error == 0) error = storage_.rename(path + ".new", path);
  if (error == ENOSPC || error == EDQUOT) return {};  // the old mark holds
  if (error != 0) return systemFailure(Code::kIoFailed, "cannot write '" + path + "'", error);
  durable_ = size;
  return {};
}

}  // namespace kudurru
