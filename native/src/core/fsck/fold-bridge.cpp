// Getting over damage: entries of a record that is damaged are taken from the published entry
// bundles, if the chain from before the damage to behind it proves them.
#include <algorithm>

#include "core/fsck/fold.h"
#include "core/journal/big-endian.h"
#include "core/tree/merkle.h"

namespace kudurru::fsck {
namespace {

// They are held in memory until the chain has proven them: several whole segments of small entries.
constexpr uint64_t kBridgedEntriesMax = uint64_t{1} << 20;

}  // namespace

// The next entry holds the leaf hash of the one that was held back, or of another.
void Fold::settleHeld(const Hash* link) {
  if (!held_) return;
  Held held = std::move(*held_);
  held_.reset();
  const auto view = decodeEntry(Bytes(held.bytes));
  if (link != nullptr && *link == held.leafHash && state_.append(*view, held.leafHash).ok()) {
    held.finding.code = "group-root";
    held.finding.message = "the group holds another root than its entries give";
    std::vector<uint8_t> prefixed(2);
    put16(prefixed.data(), static_cast<uint16_t>(held.bytes.size()));
    prefixed.insert(prefixed.end(), held.bytes.begin(), held.bytes.end());
    takeLeaf(Bytes(prefixed).subspan(2));
  }
  isDamaged_ = true;
  findings_.add(std::move(held.finding));
}

// The leaf hash of the last entry must be `link`, or the root over all `root`.
bool Fold::bridge(uint64_t until, const Hash* link, const Hash* root) {
  isDamaged_ = true;
  if (until - state_.size() > kBridgedEntriesMax) return false;
  std::vector<std::vector<uint8_t>> entries;  // each after its length
  if (!readPublished(until, &entries)) return false;
  Hash leaf = state_.lastLeafHash();
  IncrementalTree tree = state_.tree();
  for (const std::vector<uint8_t>& entry : entries) {
    const Bytes bytes = Bytes(entry).subspan(2);
    const auto view = decodeEntry(bytes);
    if (!view || view->head.previousLeafHash != leaf) return false;
    leaf = leafHash(bytes);
    tree.append(leaf);
  }
  if ((link != nullptr && leaf != *link) || (root != nullptr && tree.root() != *root)) return false;
  for (const std::vector<uint8_t>& entry : entries) {
    const Bytes bytes = Bytes(entry).subspan(2);
    const auto view = decodeEntry(bytes);
    if (!state_.append(*view, leafHash(bytes)).ok()) return false;
    takeLeaf(bytes);
    noteKey(*view);
    ++counts_.recovered;
  }
  return true;
}

// The entries from the tree's size up to `until`, as they were published.
bool Fold::readPublished(uint64_t until, std::vector<std::vector<uint8_t>>* entries) {
  TileFiles files(storage_, options_.folder, "");
  for (uint64_t index = state_.size(); index < until;) {
    const uint64_t tile = index / kTileWidth;
    const std::string full = entryTilePath(tile, kTileWidth);
    std::vector<uint8_t> bytes;
    Status status = files.read(full, &bytes);
    const ListResult partials = storage_.list(options_.folder + "/" + full + ".p");
    for (const std::string& name : partials.names) {
      std::vector<uint8_t> partial;
      if (files.read(full + ".p/" + name, &partial).ok() && partial.size() > bytes.size()) {
        bytes = std::move(partial);
      }
    }
    uint64_t place = tile * kTileWidth;
    const uint64_t before = index;
    for (size_t at = 0; index < until && bytes.size() - at >= 2; ++place) {
      const size_t size = size_t{2} + get16(&bytes[at]);
      if (size > bytes.size() - at) break;
      if (place == index) {
        entries->emplace_back(bytes.begin() + static_cast<ptrdiff_t>(at),
                              bytes.begin() + static_cast<ptrdiff_t>(at + size));
        ++index;
      }
      at += size;
    }
    if (index == before) return false;
  }
  return true;
}

}  // namespace kudurru::fsck
