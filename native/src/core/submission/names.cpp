#include "core/submission/submission.h"

namespace kudurru::submission {
namespace {

const char* reasonOf(Code code) {
  switch (code) {
    case Code::kNone:
      return "the submission is well formed";
    case Code::kCborMalformed:
      return "the bytes are not deterministic CBOR";
    case Code::kSubmissionMalformed:
      return "the submission is not [statement, envelopes, bodies, level]";
    case Code::kTooManyActions:
      return "a submission has 1 to 1024 actions: send more as several submissions";
    case Code::kStatementMalformed:
      return "the statement is not the COSE_Sign1 of a statement";
    case Code::kAlgorithmUnknown:
      return "the statement's algorithm is neither Ed25519 (-19) nor ESP256 (-9)";
    case Code::kActionCountMismatch:
      return "the statement counts another number of actions than there are envelopes";
    case Code::kRootMismatch:
      return "the statement's root is not the root of the envelopes";
    case Code::kEnvelopeInvalid:
      return "the envelope breaks the action schema";
    case Code::kEnvelopeTooLong:
      return "the envelope is longer than 16384 bytes: move private bytes into bodies";
    case Code::kBodyMalformed:
      return "the body is of neither of its two forms, or is out of order";
    case Code::kBodySize:
      return "a body in the frame has 1 to 262144 bytes, one in chunks up to 16777216";
    case Code::kBodyMissing:
      return "a commitment says that its body is deposited, and no body came";
    case Code::kBodyIncomplete:
      return "the last chunks of the body did not come before the submission";
    case Code::kBodyUnexpected:
      return "no commitment announces this body as deposited";
    case Code::kBodyScopeMismatch:
      return "the body's chunks were announced for another erasure scope than the action's";
    case Code::kTooManyLargeBodies:
      return "a submission has at most 16 bodies of more than 262144 bytes";
    case Code::kCommitmentMismatch:
      return "body and salt do not give the digest and length of the commitment";
    case Code::kSaltRepeated:
      return "two bodies have the same salt: each needs fresh random bytes";
  }
  return "";
}

}  // namespace

const char* nameOf(Code code) {
  switch (code) {
    case Code::kNone:
      return "none";
    case Code::kCborMalformed:
      return "cbor-malformed";
    case Code::kSubmissionMalformed:
      return "submission-malformed";
    case Code::kTooManyActions:
      return "too-many-actions";
    case Code::kStatementMalformed:
      return "statement-malformed";
    case Code::kAlgorithmUnknown:
      return "algorithm-unknown";
    case Code::kActionCountMismatch:
      return "action-count-mismatch";
    case Code::kRootMismatch:
      return "root-mismatch";
    case Code::kEnvelopeInvalid:
      return "envelope-invalid";
    case Code::kEnvelopeTooLong:
      return "envelope-too-long";
    case Code::kBodyMalformed:
      return "body-malformed";
    case Code::kBodySize:
      return "body-size-invalid";
    case Code::kBodyMissing:
      return "body-missing";
    case Code::kBodyIncomplete:
      return "body-incomplete";
    case Code::kBodyUnexpected:
      return "body-unexpected";
    case Code::kBodyScopeMismatch:
      return "body-scope-mismatch";
    case Code::kTooManyLargeBodies:
      return "too-many-large-bodies";
    case Code::kCommitmentMismatch:
      return "commitment-mismatch";
    case Code::kSaltRepeated:
      return "salt-repeated";
  }
  return "none";
}

std::string describe(const Fault& fault) {
  std::string text = reasonOf(fault.code);
  std::string place;
  const auto add = [&place](const char* what, const std::string& value) {
    place.append(place.empty() ? " (" : ", ").append(what).append(value);
  };
  if (fault.action >= 0) add("action ", std::to_string(fault.action));
  if (fault.field >= 0) add("field ", std::to_string(fault.field));
  if (fault.cbor != cbor::Error::kNone) {
    add("byte ", std::to_string(fault.offset));
    add("", cbor::nameOf(fault.cbor));
  }
  return place.empty() ? text : text + place + ")";
}

}  // namespace kudurru::submission
