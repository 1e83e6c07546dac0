#include "core/tiles/merkle-proof.h"

#include <bit>

#include "core/hash/sha256.h"
#include "core/tree/merkle.h"

namespace kudurru {
namespace {

// Leaves [first, first + count) of the tree. `first` is a multiple of the smallest power of two
// that is not below `count`, as all ranges of RFC 6962's recursion are.
struct Range {
  uint64_t first;
  uint64_t count;

  // The largest power of two below count.
  uint64_t split() const { return std::bit_floor(count - 1); }
  Range left() const { return {first, split()}; }
  Range right() const { return {first + split(), count - split()}; }
};

Status rangeHash(const NodeSource& nodes, Range range, Hash* hash) {
  if (std::has_single_bit(range.count)) {
    const unsigned level = static_cast<unsigned>(std::countr_zero(range.count));
    return nodes(level, range.first >> level, hash);
  }
  Hash left;
  Hash right;
  Status status = rangeHash(nodes, range.left(), &left);
  if (status.ok()) status = rangeHash(nodes, range.right(), &right);
  if (status.ok()) *hash = nodeHash(left, right);
  return status;
}

Status addRange(const NodeSource& nodes, Range range, std::vector<Hash>* path) {
  Hash hash;
  Status status = rangeHash(nodes, range, &hash);
  if (status.ok()) path->push_back(hash);
  return status;
}

// PATH(index, D[range]), index counted from the range's first leaf.
Status addInclusion(const NodeSource& nodes, uint64_t index, Range range, std::vector<Hash>* path) {
  if (range.count == 1) return {};
  const bool inLeft = index < range.split();
  const uint64_t within = inLeft ? index : index - range.split();
  Status status = addInclusion(nodes, within, inLeft ? range.left() : range.right(), path);
  if (!status.ok()) return status;
  return addRange(nodes, inLeft ? range.right() : range.left(), path);
}

// SUBPROOF(oldCount, D[range], isWhole).
Status addConsistency(const NodeSource& nodes, uint64_t oldCount, Range range, bool isWhole,
                      std::vector<Hash>* path) {
  if (oldCount == range.count) return isWhole ? Status{} : addRange(nodes, range, path);
  const bool inLeft = oldCount <= range.split();
  Status status = inLeft
                      ? addConsistency(nodes, oldCount, range.left(), isWhole, path)
                      : addConsistency(nodes, oldCount - range.split(), range.right(), false, path);
  if (!status.ok()) return status;
  return addRange(nodes, inLeft ? range.right() : range.left(), path);
}

}  // namespace

Status rootAt(const NodeSource& nodes, uint64_t size, Hash* root) {
  if (size == 0) {
    *root = sha256({});
    return {};
  }
  return rangeHash(nodes, {0, size}, root);
}

Status inclusionPath(const NodeSource& nodes, uint64_t index, uint64_t size,
                     std::vector<Hash>* path) {
  path->clear();
  if (index >= size) return failure(Code::kBadArgument, "the index is not below the size");
  return addInclusion(nodes, index, {0, size}, path);
}

Status consistencyPath(const NodeSource& nodes, uint64_t oldSize, uint64_t size,
                       std::vector<Hash>* path) {
  path->clear();
  if (oldSize > size) return failure(Code::kBadArgument, "the old size is above the new one");
  if (oldSize == 0) return {};
  return addConsistency(nodes, oldSize, {0, size}, true, path);
}

}  // namespace kudurru
