// Inclusion and consistency proofs (RFC 6962 §2.1.1, §2.1.2) from node hashes read one by one, so
// that a proof costs a logarithm of the log's size, in memory too.
#pragma once

#include <functional>
#include <vector>

#include "core/bytes.h"
#include "core/journal/status.h"

namespace kudurru {

// The hash of the perfect subtree of 2^level leaves that begins at leaf index·2^level.
using NodeSource = std::function<Status(unsigned level, uint64_t index, Hash* hash)>;

// The root over the first `size` leaves; of no leaves the hash of nothing.
Status rootAt(const NodeSource& nodes, uint64_t size, Hash* root);

// index < size, else badArgument.
Status inclusionPath(const NodeSource& nodes, uint64_t index, uint64_t size,
                     std::vector<Hash>* path);

// oldSize <= size, else badArgument. Empty for equal sizes and for oldSize 0.
Status consistencyPath(const NodeSource& nodes, uint64_t oldSize, uint64_t size,
                       std::vector<Hash>* path);

}  // namespace kudurru
