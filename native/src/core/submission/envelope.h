// One envelope (SPEC.md §4): which keys may and must stand in which kind, and each one's type and
// range.
#pragma once

#include "core/submission/submission.h"

namespace kudurru::submission {

// Fills `out` but for its leaf hash and appends its commitments. `action` is only for the fault.
Fault parseEnvelope(Bytes bytes, int32_t action, Envelope& out,
                    std::vector<Commitment>& commitments);
// An erasure scope that a submitter may name; another text is an error of the reader.
std::string_view readScope(cbor::Reader& reader, cbor::Bounds sizeBytes);

}  // namespace kudurru::submission
