#include "core/intake/submit-item.h"

#include <algorithm>

namespace kudurru::intake {
namespace {

constexpr uint8_t kLevelFinal = 3;

bool equal(Bytes left, Bytes right) { return std::ranges::equal(left, right); }

Refusal whereItBelongs(const SubmitItem& item, Bytes ledgerId) {
  const submission::Statement& statement = item.parsed.statement;
  if (!equal(statement.ledgerId, ledgerId)) {
    return {"ledger-mismatch", "the statement names another ledger", Retry::kNever};
  }
  if (!equal(statement.sessionId, item.session)) {
    return {"session-mismatch", "the statement names another session than this connection's",
            Retry::kNever};
  }
  if (static_cast<int8_t>(item.key->key->algorithm()) != statement.algorithm ||
      !equal(statement.kid, item.key->kid)) {
    return {"key-mismatch", "the statement names another key than the one enrolled for the agent",
            Retry::kNever};
  }
  if (item.level == kLevelFinal) {
    return {"level-not-offered", "this ledger has no witnesses yet: ask for level 1 or 2",
            Retry::kNever};
  }
  return {};
}

}  // namespace

void readSubmission(SubmitItem& item, Bytes ledgerId) {
  const submission::Fault fault = submission::parse(item.frame, item.parsed);
  if (item.parsed.hasPlace) item.firstSequence = item.parsed.statement.firstSequence;
  if (fault) {
    item.refusal = {submission::nameOf(fault.code), submission::describe(fault), Retry::kNever};
    return;
  }
  item.level = item.parsed.level;
  item.refusal = whereItBelongs(item, ledgerId);
}

void verifySignature(SubmitItem& item) {
  if (item.refusal) return;
  if (item.key->key->verify(item.parsed.signedBytes(), item.parsed.statement.signature)) return;
  item.refusal = {"signature-invalid", "the statement's signature is not by the agent's key",
                  Retry::kNever};
}

uint64_t memoryOf(const SubmitItem& item) {
  const submission::Submission& parsed = item.parsed;
  return sizeof(SubmitItem) + item.frame.capacity() +
         parsed.envelopes.capacity() * sizeof(submission::Envelope) +
         parsed.commitments.capacity() * sizeof(submission::Commitment) +
         parsed.bodies.capacity() * sizeof(submission::Body) +
         item.largeBodies.size() * sizeof(LargeBody);
}

}  // namespace kudurru::intake
