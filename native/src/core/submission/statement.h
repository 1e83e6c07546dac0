// The statement's COSE_Sign1 (SPEC.md §2.2, §5): the one accepted form, and the bytes it signs.
#pragma once

#include "core/submission/submission.h"

namespace kudurru::submission {

Fault parseStatement(Bytes cose, Statement& out);

// Writes the Sig_structure of RFC 9052 §4.4 to `out` and gives its size. The sizes of the accepted
// form bound it: 75 bytes of header, 150 of payload and 17 around them.
size_t writeSignedBytes(const Statement& statement, std::array<uint8_t, 256>& out);

}  // namespace kudurru::submission
