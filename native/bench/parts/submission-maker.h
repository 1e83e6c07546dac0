// Submissions as an agent makes them, each from fresh bytes: actions with one deposited body, their
// envelopes and root, and the statement that puts them at their place in the session (SPEC.md
// §3–§6).
#pragma once

#include <vector>

#include "core/bytes.h"
#include "signing-agent.h"

namespace kudurru::bench {

struct SubmissionForm {
  size_t actions = 1;
  size_t bodySizeBytes = 512;
};

struct MadeSubmission {
  std::vector<uint8_t> frame;  // with length and type
  uint64_t firstSequence = 0;
  Hash statementHash{};  // SHA-256 of the COSE_Sign1
};

// The submissions of one session, in their order. The agent outlives it.
class SubmissionMaker {
 public:
  SubmissionMaker(const SigningAgent& agent, const SubmissionForm& form, Bytes ledgerId);

  void startSession(const Hash& sessionId, uint64_t nextSequence, const Hash& previousStatement);
  void make(MadeSubmission& out);

 private:
  void makeBody(size_t action);
  void makeEnvelope(size_t action);
  std::vector<uint8_t> statement() const;

  const SigningAgent& agent_;
  const SubmissionForm form_;
  Hash ledgerId_{};
  Hash sessionId_{};
  uint64_t nextSequence_ = 0;
  Hash previousStatement_{};
  uint64_t bodiesMade_ = 0;

  std::vector<uint8_t> random_;                  // of all actions: salt, trace id, span id
  std::vector<std::vector<uint8_t>> bodies_;     // one an action
  std::vector<std::vector<uint8_t>> envelopes_;  // one an action
  std::vector<Hash> leafHashes_;
};

}  // namespace kudurru::bench
