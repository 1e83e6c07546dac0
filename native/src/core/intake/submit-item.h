// What intake itself can say of a submission: its form (core/submission) and whether it speaks of
// this ledger, this connection's session and the session's key.
#pragma once

#include "core/intake/batch.h"

namespace kudurru::intake {

// Reads `item.frame` into `item.parsed`, sets `firstSequence` and `level`, and the refusal where
// the submission cannot be for the session that `item` names.
void readSubmission(SubmitItem& item, Bytes ledgerId);

// Marks the item refused unless its statement is signed by the key of its session. An item that is
// refused already is left as it is. Safe on several items from several threads at once.
void verifySignature(SubmitItem& item);

// Bytes that the item keeps alive, itself included.
uint64_t memoryOf(const SubmitItem& item);

}  // namespace kudurru::intake
