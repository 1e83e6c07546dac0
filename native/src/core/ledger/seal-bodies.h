// Sealing the bodies of a submission. A pure function of each body, its commitment and the key of
// its scope: whoever has time does it before the batch reaches the ledger.
#pragma once

#include <string>
#include <unordered_map>

#include "core/body/body-cipher.h"
#include "core/intake/batch.h"

namespace kudurru {

// By erasure scope.
using ScopeKeys = std::unordered_map<std::string, Hash>;

// Fills `item.sealed`, entries counted from the statement's first action; of a large body there is
// only room for the list of its chunks, which the ledger fills. Leaves it empty where there is no
// body, or a scope has no key: the ledger then has the last word.
void sealBodies(intake::SubmitItem& item, const ScopeKeys& keys, BodyCipher& cipher);

}  // namespace kudurru
