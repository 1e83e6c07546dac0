// CRC-32C (Castagnoli, RFC 3720 §12.1): finds torn and decayed bytes in the journal. It is no
// protection against a forger; the chain and the tree are.
#pragma once

#include <cstdint>

#include "core/journal/storage.h"

namespace kudurru {

// `previous` is the checksum of the bytes before, or 0: crc32c(a ‖ b) = crc32c(b, crc32c(a)).
uint32_t crc32c(Bytes bytes, uint32_t previous = 0);

// Without the processor's instruction; equal on every input.
uint32_t crc32cPortable(Bytes bytes, uint32_t previous = 0);

}  // namespace kudurru
