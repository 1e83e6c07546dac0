// Commitments to private bytes (SPEC.md §3).
#pragma once

#include "core/bytes.h"
#include "core/hash/sha256.h"

namespace kudurru {

constexpr size_t kSaltSizeBytes = 32;

// SHA-256("kudurru/commit/1\0" ‖ salt32 ‖ u8(field) ‖ u64(length) ‖ bytes).
Hash commitmentDigest(Bytes salt, uint8_t field, Bytes bytes);

// The same for bytes that come in parts: they are what is still to be given, `length` in all.
Sha256 beginCommitment(Bytes salt, uint8_t field, uint64_t length);

}  // namespace kudurru
