// Commitments to private bytes (SPEC.md §3).
#pragma once

#include "core/bytes.h"

namespace kudurru {

constexpr size_t kSaltSizeBytes = 32;

// SHA-256("kudurru/commit/1\0" ‖ salt32 ‖ u8(field) ‖ u64(length) ‖ bytes).
Hash commitmentDigest(Bytes salt, uint8_t field, Bytes bytes);

}  // namespace kudurru
