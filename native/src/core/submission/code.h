// What can be wrong with a submission, and how it is said.
#pragma once

#include <cstdint>
#include <string>

#include "core/cbor/cbor.h"

namespace kudurru::submission {

enum class Code : uint8_t {
  kNone,
  kCborMalformed,        // not deterministic CBOR, at `offset` of the part named in the message
  kSubmissionMalformed,  // the payload is not [statement, envelopes, bodies, level]
  kTooManyActions,       // no action, or more than kActionsMax
  kStatementMalformed,   // not the one form of COSE_Sign1, its header and payload
  kAlgorithmUnknown,     // neither Ed25519 (−19) nor ESP256 (−9)
  kActionCountMismatch,  // the statement's actionCount is not the number of envelopes
  kRootMismatch,         // the statement's root is not that of the envelopes
  kEnvelopeInvalid,      // breaks the action schema, at `action` and key `field`
  kEnvelopeTooLong,      // over kEnvelopeSizeBytesMax
  kBodyMalformed,        // neither of a body's two forms, or out of order
  kBodySize,             // 0 bytes, or over kBodySizeBytesMax; a large one's length is another
  kBodyMissing,          // a commitment says deposited and no body came
  kBodyIncomplete,       // the last chunks of a large body did not come
  kBodyUnexpected,       // a body that no commitment announces as deposited
  kBodyScopeMismatch,    // a large body was announced for another erasure scope than its action's
  kTooManyLargeBodies,   // over kLargeBodiesMax
  kCommitmentMismatch,   // body, salt and length do not give the commitment's digest
  kSaltRepeated,         // two bodies of the submission share a salt
};

// The stable name that goes into a `refused` answer, such as "root-mismatch".
const char* nameOf(Code code);

// Why a submission was refused, and where.
struct Fault {
  Code code = Code::kNone;
  cbor::Error cbor = cbor::Error::kNone;
  int32_t action = -1;  // position in the statement, −1 where it is none's
  int32_t field = -1;   // envelope key or body field, −1 where it is none's
  size_t offset = 0;    // in the envelope, statement or payload, for encoding errors

  explicit operator bool() const { return code != Code::kNone; }
};

// The words for a person: what is wrong and where, in lower case.
std::string describe(const Fault& fault);

}  // namespace kudurru::submission
