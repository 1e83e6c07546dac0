#include "core/submission/statement.h"

#include <algorithm>

#include "core/cbor/writer.h"
#include "core/submission/fault.h"
#include "core/verify/public-key.h"

namespace kudurru::submission {
namespace {

using cbor::Reader;

constexpr cbor::Bounds kDigestSize = {32, 32};
constexpr cbor::Bounds kAnySize = {0, kSubmissionSizeBytesMax};
// Counts over the limit are still counts: their refusal names the limit.
constexpr uint64_t kCountMax = UINT32_MAX;
constexpr std::string_view kType = "application/kudurru-statement+cose";

// COSE header labels (RFC 9052 §3.1, RFC 9596).
constexpr int64_t kLabelAlgorithm = 1;
constexpr int64_t kLabelKeyId = 4;
constexpr int64_t kLabelType = 16;

bool isZero(Bytes bytes) {
  return std::all_of(bytes.begin(), bytes.end(), [](uint8_t byte) { return byte == 0; });
}

void readLabel(Reader& reader, int64_t label) {
  if (reader.readInteger() != label) reader.fail(cbor::Error::kRange);
}

// Deterministic encoding leaves one order for the three labels.
Fault parseProtectedHeader(Bytes header, Statement& out) {
  Reader reader(header);
  reader.readMap({3, 3});
  readLabel(reader, kLabelAlgorithm);
  const int64_t algorithm = reader.readInteger();
  readLabel(reader, kLabelKeyId);
  out.kid = reader.readBytes(kDigestSize);
  readLabel(reader, kLabelType);
  if (reader.readText({0, kType.size()}) != kType) reader.fail(cbor::Error::kRange);
  reader.finish();
  if (!reader.ok()) return faultOf(reader, Code::kStatementMalformed);
  if (algorithm != static_cast<int64_t>(Algorithm::kEd25519) &&
      algorithm != static_cast<int64_t>(Algorithm::kEsp256)) {
    Fault fault;
    fault.code = Code::kAlgorithmUnknown;
    return fault;
  }
  out.algorithm = static_cast<int8_t>(algorithm);
  return {};
}

Fault parsePayload(Bytes payload, Statement& out) {
  Reader reader(payload);
  reader.readArray({7, 7});
  reader.readUnsigned({1, 1});
  out.ledgerId = reader.readBytes(kDigestSize);
  out.sessionId = reader.readBytes(kDigestSize);
  out.firstSequence = reader.readUnsigned({0, cbor::kSafeIntegerMax});
  out.previousStatementHash = reader.readBytes(kDigestSize);
  out.actionCount = static_cast<uint32_t>(reader.readUnsigned({0, kCountMax}));
  out.root = reader.readBytes(kDigestSize);
  reader.finish();
  // Only a session's first statement has none before it; and the last action's sequence is an
  // integer of the format too.
  const bool first = out.firstSequence == 0;
  if (first != isZero(out.previousStatementHash) ||
      out.firstSequence + out.actionCount > cbor::kSafeIntegerMax + 1) {
    reader.fail(cbor::Error::kRange);
  }
  if (!reader.ok()) return faultOf(reader, Code::kStatementMalformed);
  Fault fault;
  if (out.actionCount == 0 || out.actionCount > kActionsMax) fault.code = Code::kTooManyActions;
  return fault;
}

}  // namespace

Fault parseStatement(Bytes cose, Statement& out) {
  out = Statement{};
  out.cose = cose;
  Reader reader(cose);
  reader.readTag(cbor::kTagCoseSign1);
  reader.readArray({4, 4});
  out.protectedHeader = reader.readBytes(kAnySize);
  reader.readMap({0, 0});
  out.payload = reader.readBytes(kAnySize);
  out.signature = reader.readBytes({kSignatureSizeBytes, kSignatureSizeBytes});
  reader.finish();
  if (!reader.ok()) return faultOf(reader, Code::kStatementMalformed);
  if (const Fault fault = parseProtectedHeader(out.protectedHeader, out)) return fault;
  return parsePayload(out.payload, out);
}

size_t writeSignedBytes(const Statement& statement, std::array<uint8_t, 256>& out) {
  constexpr std::string_view kContext = "Signature1";
  uint8_t* at = out.data();
  const auto append = [&at](cbor::Type type, Bytes bytes) {
    at += cbor::writeHead(at, type, bytes.size());
    at = std::copy(bytes.begin(), bytes.end(), at);
  };
  at += cbor::writeHead(at, cbor::Type::kArray, 4);
  append(cbor::Type::kText, bytesOf(kContext));
  append(cbor::Type::kBytes, statement.protectedHeader);
  append(cbor::Type::kBytes, {});
  append(cbor::Type::kBytes, statement.payload);
  return static_cast<size_t>(at - out.data());
}

}  // namespace kudurru::submission
