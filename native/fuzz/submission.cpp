// Any bytes as the payload of a submit frame: parsing ends without harm, and what it accepts keeps
// its promises. Hashes that do not match are put right in place, so that the fuzzer gets past them.
#include "core/submission/submission.h"

#include <algorithm>
#include <cstdlib>
#include <vector>

#include "core/body/commitment.h"
#include "core/cbor/cbor.h"
#include "core/tree/merkle.h"

namespace {

using namespace kudurru;
using namespace kudurru::submission;

// A wrong digest can be put right once for each body, and the root after each.
constexpr int kRepairsMax = 40;

void require(bool condition) {
  if (!condition) std::abort();
}

// The views of a submission point into our own copy of the input.
void overwrite(Bytes view, const Hash& hash) {
  std::copy(hash.begin(), hash.end(), const_cast<uint8_t*>(view.data()));
}

bool repair(const Fault& fault, const Submission& submission) {
  if (fault.code == Code::kRootMismatch) {
    std::vector<Hash> hashes;
    for (const Envelope& envelope : submission.envelopes) hashes.push_back(envelope.leafHash);
    overwrite(submission.statement.root, treeRoot(hashes));
    return true;
  }
  if (fault.code != Code::kCommitmentMismatch) return false;
  for (const Body& body : submission.bodies) {
    if (static_cast<int32_t>(body.action) != fault.action || body.field != fault.field) continue;
    // No digest yet: the length is what does not match.
    if (body.digest.empty()) return false;
    overwrite(body.digest, commitmentDigest(body.salt, body.field, body.bytes));
  }
  return true;
}

void checkPromises(const Submission& submission) {
  const Statement& statement = submission.statement;
  require(statement.actionCount == submission.envelopes.size());
  require(statement.actionCount >= 1 && statement.actionCount <= kActionsMax);
  require(submission.level >= 1 && submission.level <= 3);
  require(cbor::check(submission.signedBytes()) == cbor::Error::kNone);
  require(cbor::check(statement.cose) == cbor::Error::kNone);
  size_t deposited = 0;
  for (const Envelope& envelope : submission.envelopes) {
    require(cbor::check(envelope.bytes) == cbor::Error::kNone);
    require((envelope.kind == Kind::kOutcome) == envelope.intent.has_value());
    require(envelope.firstCommitment + envelope.commitmentCount <= submission.commitments.size());
  }
  for (const Commitment& commitment : submission.commitments) {
    if (commitment.deposited) ++deposited;
  }
  require(deposited == submission.bodies.size());
  for (const Body& body : submission.bodies) {
    require(!body.bytes.empty() && body.salt.size() == kSaltSizeBytes && body.digest.size() == 32);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t sizeBytes) {
  static Submission submission;  // reused, as intake does
  std::vector<uint8_t> payload(data, data + sizeBytes);
  Fault fault = parse(payload, submission);
  for (int i = 0; i < kRepairsMax && fault && repair(fault, submission); ++i) {
    fault = parse(payload, submission);
  }
  require(!describe(fault).empty());
  if (fault) return 0;
  require(cbor::check(payload) == cbor::Error::kNone);
  checkPromises(submission);
  return 0;
}
