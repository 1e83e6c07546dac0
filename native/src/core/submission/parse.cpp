// The order of the checks is the order of their cost: form first, hashes last.
#include <algorithm>
#include <cstring>

#include "core/body/commitment.h"
#include "core/hash/sha256.h"
#include "core/submission/envelope.h"
#include "core/submission/fault.h"
#include "core/submission/statement.h"
#include "core/submission/submission.h"
#include "core/tree/subtree-stack.h"

namespace kudurru::submission {
namespace {

using cbor::Bounds;
using cbor::Reader;

constexpr Bounds kAnySize = {0, kSubmissionSizeBytesMax};
constexpr Bounds kSaltSize = {kSaltSizeBytes, kSaltSizeBytes};

Fault faultAt(Code code, const Body& body) {
  Fault fault;
  fault.code = code;
  fault.action = static_cast<int32_t>(body.action);
  fault.field = body.field;
  return fault;
}

Fault plainFault(Code code) {
  Fault fault;
  fault.code = code;
  return fault;
}

Fault readEnvelopes(Reader& reader, Submission& out) {
  const uint64_t count = reader.readArray({0, kAnySize.max});
  if (!reader.ok()) return faultOf(reader, Code::kSubmissionMalformed);
  if (count == 0 || count > kActionsMax) return plainFault(Code::kTooManyActions);
  for (uint64_t i = 0; i < count; ++i) {
    const Bytes bytes = reader.readBytes(kAnySize);
    if (!reader.ok()) return faultOf(reader, Code::kSubmissionMalformed);
    if (bytes.size() > kEnvelopeSizeBytesMax) {
      Fault fault = plainFault(Code::kEnvelopeTooLong);
      fault.action = static_cast<int32_t>(i);
      return fault;
    }
    out.envelopes.emplace_back();
    const Fault fault =
        parseEnvelope(bytes, static_cast<int32_t>(i), out.envelopes.back(), out.commitments);
    if (fault) return fault;
  }
  return reader.ok() ? Fault{} : faultOf(reader, Code::kSubmissionMalformed);
}

// [offset, field, salt, bytes], or [offset, field, null] of a large body.
Fault readBody(Reader& reader, std::vector<Body>& bodies) {
  Body body{};
  const bool isLarge = reader.readArray({3, 4}) == 3;
  body.action = static_cast<uint32_t>(reader.readUnsigned({0, kActionsMax - 1}));
  body.field = static_cast<uint8_t>(reader.readUnsigned({1, 8}));
  if (isLarge) {
    if (!reader.takeNull()) reader.fail(cbor::Error::kType);
  } else {
    body.salt = reader.readBytes(kSaltSize);
    body.bytes = reader.readBytes(kAnySize);
    body.length = body.bytes.size();
  }
  if (!reader.ok()) return faultOf(reader, Code::kBodyMalformed);
  if (!isLarge && (body.length == 0 || body.length > kBodySizeBytesMax)) {
    return faultAt(Code::kBodySize, body);
  }
  if (!bodies.empty()) {
    const Body& before = bodies.back();
    const bool ascends =
        before.action < body.action || (before.action == body.action && before.field < body.field);
    if (!ascends) return faultAt(Code::kBodyMalformed, body);
  }
  bodies.push_back(body);
  return {};
}

Fault readBodies(Reader& reader, Submission& out) {
  const uint64_t count = reader.readArray({0, kActionsMax * kCommitmentsMax});
  size_t largeCount = 0;
  for (uint64_t i = 0; i < count; ++i) {
    if (const Fault fault = readBody(reader, out.bodies)) return fault;
    if (out.bodies.back().isLarge() && ++largeCount > kLargeBodiesMax) {
      return faultAt(Code::kTooManyLargeBodies, out.bodies.back());
    }
  }
  return reader.ok() ? Fault{} : faultOf(reader, Code::kSubmissionMalformed);
}

Fault readPayload(Bytes payload, Submission& out) {
  Reader reader(payload);
  reader.readArray({4, 4});
  const Bytes cose = reader.readBytes(kAnySize);
  if (!reader.ok()) return faultOf(reader, Code::kSubmissionMalformed);
  const Fault inStatement = parseStatement(cose, out.statement);
  out.hasPlace = !inStatement || inStatement.code == Code::kTooManyActions;
  if (inStatement) return inStatement;
  if (const Fault fault = readEnvelopes(reader, out)) return fault;
  if (const Fault fault = readBodies(reader, out)) return fault;
  out.level = static_cast<uint8_t>(reader.readUnsigned({1, 3}));
  reader.finish();
  return reader.ok() ? Fault{} : faultOf(reader, Code::kSubmissionMalformed);
}

// A large body's length is what its commitment says.
Fault takeLength(Body& body, uint64_t committed) {
  if (!body.isLarge()) {
    return body.length == committed ? Fault{} : faultAt(Code::kCommitmentMismatch, body);
  }
  body.length = committed;
  const bool isLong = committed > kBodySizeBytesMax && committed <= kLargeBodySizeBytesMax;
  return isLong ? Fault{} : faultAt(Code::kBodySize, body);
}

// Bodies and the commitments that announce them stand in the same order: one walk over both.
Fault matchBodies(Submission& out) {
  auto body = out.bodies.begin();
  for (uint32_t action = 0; action < out.envelopes.size(); ++action) {
    const Envelope& envelope = out.envelopes[action];
    for (uint32_t i = 0; i < envelope.commitmentCount; ++i) {
      const Commitment& commitment = out.commitments[envelope.firstCommitment + i];
      const bool here = body != out.bodies.end() && body->action == action;
      if (here && body->field < commitment.field) return faultAt(Code::kBodyUnexpected, *body);
      const bool came = here && body->field == commitment.field;
      if (came != commitment.deposited) {
        Body wanted{};
        wanted.action = action;
        wanted.field = commitment.field;
        return faultAt(came ? Code::kBodyUnexpected : Code::kBodyMissing, wanted);
      }
      if (!came) continue;
      if (const Fault fault = takeLength(*body, commitment.length)) return fault;
      body->digest = commitment.digest;
      body->scope = envelope.scope;
      ++body;
    }
    if (body != out.bodies.end() && body->action == action) {
      return faultAt(Code::kBodyUnexpected, *body);
    }
  }
  return body == out.bodies.end() ? Fault{} : faultAt(Code::kBodyUnexpected, *body);
}

Fault checkCommitments(const Submission& submission) {
  for (const Body& body : submission.bodies) {
    if (body.isLarge()) continue;
    const Hash digest = commitmentDigest(body.salt, body.field, body.bytes);
    if (!std::equal(digest.begin(), digest.end(), body.digest.begin())) {
      return faultAt(Code::kCommitmentMismatch, body);
    }
  }
  return {};
}

Fault checkRoot(Submission& submission) {
  SubtreeStack tree;
  for (Envelope& envelope : submission.envelopes) {
    envelope.leafHash = leafHash(envelope.bytes);
    tree.append(envelope.leafHash, [](unsigned, const Hash&) {});
  }
  const Hash root = tree.root();
  const bool equal = std::equal(root.begin(), root.end(), submission.statement.root.begin());
  return equal ? Fault{} : plainFault(Code::kRootMismatch);
}

}  // namespace

Fault Submission::checkSalts() {
  salts_.clear();
  for (const Body& body : bodies) {
    if (!body.salt.empty()) salts_.push_back(&body);
  }
  const auto compare = [](const Body* left, const Body* right) {
    return std::memcmp(left->salt.data(), right->salt.data(), kSaltSizeBytes);
  };
  // Equal salts stay in the bodies' order, so that the fault names the later one.
  std::sort(salts_.begin(), salts_.end(), [&](const Body* left, const Body* right) {
    const int order = compare(left, right);
    return order != 0 ? order < 0 : left < right;
  });
  const auto repeated = std::adjacent_find(
      salts_.begin(), salts_.end(),
      [&](const Body* left, const Body* right) { return compare(left, right) == 0; });
  return repeated == salts_.end() ? Fault{} : faultAt(Code::kSaltRepeated, **(repeated + 1));
}

Fault parse(Bytes payload, Submission& out) {
  out.envelopes.clear();
  out.commitments.clear();
  out.bodies.clear();
  out.hasPlace = false;
  if (const Fault fault = readPayload(payload, out)) return fault;
  if (out.statement.actionCount != out.envelopes.size()) {
    return plainFault(Code::kActionCountMismatch);
  }
  if (const Fault fault = matchBodies(out)) return fault;
  if (const Fault fault = out.checkSalts()) return fault;
  if (const Fault fault = checkRoot(out)) return fault;
  if (const Fault fault = checkCommitments(out)) return fault;
  out.statement.hash = sha256(out.statement.cose);
  out.signedSizeBytes_ = writeSignedBytes(out.statement, out.signedBytes_);
  return {};
}

}  // namespace kudurru::submission
