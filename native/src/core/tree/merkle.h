// RFC 6962 §2.1 hashing: leaves and nodes are set apart by a first byte, so that no node can be
// passed off as a leaf.
#pragma once

#include "core/bytes.h"

namespace kudurru {

// SHA-256(0x00 ‖ entry).
Hash leafHash(Bytes entry);

// SHA-256(0x01 ‖ left ‖ right).
Hash nodeHash(const Hash& left, const Hash& right);

// The root of a whole tree given by its leaf hashes; SHA-256 of nothing for no leaves.
// Allocates nothing.
Hash treeRoot(std::span<const Hash> leafHashes);

}  // namespace kudurru
