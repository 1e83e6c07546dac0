// HMAC-SHA-256 (RFC 2104) and HKDF-SHA-256 (RFC 5869) on the core's own SHA-256: deriving a body's
// key costs eight compressions, where a library's key-derivation call costs several fetches.
#pragma once

#include "core/bytes.h"

namespace kudurru {

Hash hmacSha256(Bytes key, Bytes message);

// The first 32 bytes of HKDF's output.
Hash hkdfSha256(Bytes inputKey, Bytes salt, Bytes info);

}  // namespace kudurru
