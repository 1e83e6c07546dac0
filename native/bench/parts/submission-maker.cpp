#include "submission-maker.h"

#include <sodium.h>

#include <algorithm>
#include <cstring>

#include "core/body/commitment.h"
#include "core/cbor/writer.h"
#include "core/frame/frame-parser.h"
#include "core/hash/sha256.h"
#include "core/tree/merkle.h"

namespace kudurru::bench {
namespace {

constexpr std::string_view kStatementType = "application/kudurru-statement+cose";
constexpr uint8_t kFieldInput = 1;
constexpr uint64_t kLevelCommitted = 1;
constexpr size_t kTraceIdSizeBytes = 16;
constexpr size_t kSpanIdSizeBytes = 8;
constexpr size_t kRandomBytesPerAction = kSaltSizeBytes + kTraceIdSizeBytes + kSpanIdSizeBytes;

}  // namespace

SubmissionMaker::SubmissionMaker(const SigningAgent& agent, const SubmissionForm& form,
                                 Bytes ledgerId)
    : agent_(agent),
      form_(form),
      random_(form.actions * kRandomBytesPerAction),
      bodies_(form.actions, std::vector<uint8_t>(form.bodySizeBytes)),
      envelopes_(form.actions),
      leafHashes_(form.actions) {
  std::copy(ledgerId.begin(), ledgerId.end(), ledgerId_.begin());
  for (std::vector<uint8_t>& body : bodies_) randombytes_buf(body.data(), body.size());
}

void SubmissionMaker::startSession(const Hash& sessionId, uint64_t nextSequence,
                                   const Hash& previousStatement) {
  sessionId_ = sessionId;
  nextSequence_ = nextSequence;
  previousStatement_ = previousStatement;
}

// No two bodies are equal: random bytes, and a count over their beginning.
void SubmissionMaker::makeBody(size_t action) {
  std::vector<uint8_t>& body = bodies_[action];
  ++bodiesMade_;
  std::memcpy(body.data(), &bodiesMade_, std::min(body.size(), sizeof bodiesMade_));
}

void SubmissionMaker::makeEnvelope(size_t action) {
  const Bytes random = Bytes(random_).subspan(action * kRandomBytesPerAction);
  const Bytes salt = random.first(kSaltSizeBytes);
  const Bytes traceId = random.subspan(kSaltSizeBytes, kTraceIdSizeBytes);
  const Bytes spanId = random.subspan(kSaltSizeBytes + kTraceIdSizeBytes, kSpanIdSizeBytes);
  std::vector<uint8_t>& out = envelopes_[action];
  out.clear();
  cbor::Writer writer(out);
  // Observation, tool call, create, reversible, mediated.
  writer.writeMap(11).writeUnsigned(1).writeUnsigned(1).writeUnsigned(2).writeUnsigned(3);
  writer.writeUnsigned(3).writeUnsigned(1).writeUnsigned(4).writeText("tools/call");
  writer.writeUnsigned(5).writeArray(4).writeText("write_file").writeText("filesystem");
  writer.writeNull().writeNull();
  writer.writeUnsigned(7).writeUnsigned(3).writeUnsigned(8).writeUnsigned(1);
  writer.writeUnsigned(13).writeBytes(traceId).writeUnsigned(14).writeBytes(spanId);
  writer.writeUnsigned(16).writeUnsigned(2).writeUnsigned(20).writeArray(1);
  writer.writeArray(5).writeUnsigned(kFieldInput).writeUnsigned(form_.bodySizeBytes);
  writer.writeBytes(commitmentDigest(salt, kFieldInput, bodies_[action]));
  writer.writeText("application/json").writeUnsigned(1);
  leafHashes_[action] = leafHash(out);
}

std::vector<uint8_t> SubmissionMaker::statement() const {
  std::vector<uint8_t> payload;
  cbor::Writer writer(payload);
  writer.writeArray(7).writeUnsigned(1).writeBytes(ledgerId_).writeBytes(sessionId_);
  writer.writeUnsigned(nextSequence_).writeBytes(previousStatement_);
  writer.writeUnsigned(form_.actions).writeBytes(treeRoot(leafHashes_));
  return agent_.sign(kStatementType, payload);
}

void SubmissionMaker::make(MadeSubmission& out) {
  randombytes_buf(random_.data(), random_.size());
  for (size_t action = 0; action < form_.actions; ++action) {
    makeBody(action);
    makeEnvelope(action);
  }
  const std::vector<uint8_t> signedStatement = statement();
  out.frame.clear();
  frame::writeHeader(out.frame, frame::Type::kSubmit, 0);
  cbor::Writer writer(out.frame);
  writer.writeArray(4).writeBytes(signedStatement).writeArray(form_.actions);
  for (const std::vector<uint8_t>& envelope : envelopes_) writer.writeBytes(envelope);
  writer.writeArray(form_.actions);
  for (size_t action = 0; action < form_.actions; ++action) {
    const Bytes salt = Bytes(random_).subspan(action * kRandomBytesPerAction, kSaltSizeBytes);
    writer.writeArray(4).writeUnsigned(action).writeUnsigned(kFieldInput);
    writer.writeBytes(salt).writeBytes(bodies_[action]);
  }
  writer.writeUnsigned(kLevelCommitted);
  const size_t size = out.frame.size() - frame::kLengthBytes;
  for (size_t i = 0; i < frame::kLengthBytes; ++i) {
    out.frame[i] = static_cast<uint8_t>(size >> (8 * (frame::kLengthBytes - 1 - i)));
  }
  out.firstSequence = nextSequence_;
  out.statementHash = sha256(signedStatement);
  nextSequence_ += form_.actions;
  previousStatement_ = out.statementHash;
}

}  // namespace kudurru::bench
