// Changes a journal behind the product's back so that every checksum is right again: what no
// decaying disk does, for the canaries that need it.
#pragma once

#include <optional>
#include <span>
#include <vector>

#include "core/bytes.h"
#include "core/journal/storage.h"

namespace kudurru::sim {

// `record` as it would be written, with one byte of an action entry changed. None where the record
// is no group with an action, or not whole. `segment` begins with the segment's header.
std::optional<std::vector<uint8_t>> alterEntry(Bytes segment, Bytes record);

// Replaces the last entry of the journal in `folder`, an action, and the root of its group, whose
// leaf hashes up to there are `leaves`. False where the last record is no such group.
bool forgeLastEntry(Storage& storage, const std::string& folder, std::span<const Hash> leaves);

}  // namespace kudurru::sim
