#include "core/submission/envelope.h"

#include <algorithm>
#include <bit>

#include "core/submission/fault.h"

namespace kudurru::submission {
namespace {

using cbor::Bounds;
using cbor::Reader;

// Kinds as bits, in the order of Kind.
constexpr uint8_t kIntentOnly = 1;
constexpr uint8_t kOutcomeOnly = 2;
constexpr uint8_t kNotIntent = 2 | 4;
constexpr uint8_t kAll = 1 | 2 | 4;
constexpr uint8_t kNone = 0;

enum class Shape : uint8_t {
  kInteger,
  kText,
  kId,  // bytes that are not all zero
  kDigest,
  kReference,
  kReferences,
  kTool,
  kExternalId,
  kModel,
  kScope,
  kCommitments,
};

struct FieldRule {
  Shape shape;
  Bounds bounds;  // of the value, the size in bytes or the count
  uint8_t allowedIn;
  uint8_t requiredIn;
};

constexpr uint64_t kKeyKind = 2;
constexpr uint64_t kKeyIntent = 9;
constexpr uint64_t kKeyDeadline = 10;
constexpr uint64_t kKeyTraceId = 13;
constexpr uint64_t kKeySpanId = 14;
constexpr uint64_t kKeyCoverage = 16;
constexpr uint64_t kKeyLast = 27;
constexpr Bounds kDigestSize = {32, 32};
constexpr uint64_t kNanosecondsMax = INT64_MAX;
constexpr std::string_view kSystemScope = "system";

// SPEC.md §4, by key; key 0 does not exist.
constexpr FieldRule kRules[kKeyLast + 1] = {
    {Shape::kInteger, {1, 0}, kNone, kNone},
    {Shape::kInteger, {1, 1}, kAll, kAll},                       // version
    {Shape::kInteger, {1, 3}, kAll, kAll},                       // kind
    {Shape::kInteger, {1, 9}, kAll, kAll},                       // actionType
    {Shape::kText, {1, 256}, kAll, kAll},                        // operation
    {Shape::kTool, {4, 4}, kAll, kNone},                         // tool
    {Shape::kText, {1, 64}, kAll, kNone},                        // targetType
    {Shape::kInteger, {0, 9}, kAll, kNone},                      // sideEffect
    {Shape::kInteger, {0, 3}, kAll, kNone},                      // reversibility
    {Shape::kReference, {2, 2}, kOutcomeOnly, kOutcomeOnly},     // intent
    {Shape::kInteger, {1, 2'592'000'000}, kIntentOnly, kNone},   // deadlineMs
    {Shape::kInteger, {1, 6}, kNotIntent, kOutcomeOnly},         // status
    {Shape::kReferences, {1, 16}, kAll, kNone},                  // parents
    {Shape::kId, {16, 16}, kAll, kNone},                         // traceId
    {Shape::kId, {8, 8}, kAll, kNone},                           // spanId
    {Shape::kExternalId, {2, 2}, kAll, kNone},                   // externalId
    {Shape::kInteger, {1, 3}, kAll, kAll},                       // coverage
    {Shape::kModel, {4, 4}, kAll, kNone},                        // model
    {Shape::kDigest, kDigestSize, kAll, kNone},                  // rulesBelieved
    {Shape::kScope, {1, 64}, kAll, kNone},                       // erasureScope
    {Shape::kCommitments, {0, kCommitmentsMax}, kAll, kAll},     // commitments
    {Shape::kText, {1, 128}, kAll, kNone},                       // agentVersion
    {Shape::kInteger, {1, 3}, kNotIntent, kOutcomeOnly},         // observedBy
    {Shape::kText, {1, 128}, kNotIntent, kNone},                 // errorType
    {Shape::kText, {1, 64}, kAll, kNone},                        // dataClass
    {Shape::kReference, {2, 2}, kAll, kNone},                    // retryOf
    {Shape::kText, {1, 256}, kAll, kNone},                       // conversationId
    {Shape::kInteger, {0, kNanosecondsMax}, kNotIntent, kNone},  // durationNs
};

constexpr uint32_t bitOf(uint64_t key) { return uint32_t{1} << key; }

bool isScopeCharacter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '_' || c == ':' ||
         c == '-';
}

void readTextOrNull(Reader& reader, Bounds sizeBytes) {
  if (!reader.takeNull()) reader.readText(sizeBytes);
}

void readDigestOrNull(Reader& reader) {
  if (!reader.takeNull()) reader.readBytes(kDigestSize);
}

Reference readReference(Reader& reader) {
  reader.readArray({2, 2});
  const Bytes session = reader.readBytes(kDigestSize);
  return {session, reader.readUnsigned({0, cbor::kSafeIntegerMax})};
}

void readId(Reader& reader, Bounds sizeBytes) {
  const Bytes id = reader.readBytes(sizeBytes);
  if (std::all_of(id.begin(), id.end(), [](uint8_t byte) { return byte == 0; })) {
    reader.fail(cbor::Error::kRange);
  }
}

void readTool(Reader& reader) {
  reader.readArray({4, 4});
  reader.readText({1, 256});
  readTextOrNull(reader, {1, 256});
  readDigestOrNull(reader);
  readTextOrNull(reader, {1, 64});
}

void readModel(Reader& reader) {
  reader.readArray({4, 4});
  reader.readText({1, 128});
  reader.readText({1, 128});
  readTextOrNull(reader, {1, 128});
  readDigestOrNull(reader);
}

Commitment readCommitment(Reader& reader, uint8_t previousField) {
  Commitment commitment{};
  reader.readArray({5, 5});
  const uint64_t leastField = previousField + 1u;
  commitment.field = static_cast<uint8_t>(reader.readUnsigned({leastField, 8}));
  commitment.length = reader.readUnsigned({1, cbor::kSafeIntegerMax});
  commitment.digest = reader.readBytes(kDigestSize);
  if (!reader.takeNull()) commitment.mediaType = reader.readText({1, 127});
  commitment.deposited = reader.readUnsigned({0, 1}) == 1;
  return commitment;
}

class EnvelopeParser {
 public:
  EnvelopeParser(Bytes bytes, Envelope& out, std::vector<Commitment>& commitments)
      : reader_(bytes), out_(out), commitments_(commitments) {}

  // The key at which parsing stopped is in `key()`, 0 outside any.
  bool parse() {
    const uint64_t pairs = reader_.readMap({1, kKeyLast});
    int64_t previous = -1;
    for (uint64_t i = 0; i < pairs && reader_.ok(); ++i) {
      const uint64_t key = reader_.readKey(previous);
      key_ = key;
      if (key == 0 || key > kKeyLast) reader_.fail(cbor::Error::kRange);
      if (!reader_.ok()) return false;
      previous = static_cast<int64_t>(key);
      seen_ |= bitOf(key);
      readField(key, kRules[key]);
    }
    if (reader_.ok()) key_ = 0;
    reader_.finish();
    return reader_.ok() && checkKind();
  }

  uint64_t key() const { return key_; }
  const Reader& reader() const { return reader_; }

 private:
  void readField(uint64_t key, const FieldRule& rule) {
    switch (rule.shape) {
      case Shape::kInteger:
        return keepInteger(key, reader_.readUnsigned(rule.bounds));
      case Shape::kText:
        reader_.readText(rule.bounds);
        return;
      case Shape::kId:
        return readId(reader_, rule.bounds);
      case Shape::kDigest:
        reader_.readBytes(rule.bounds);
        return;
      case Shape::kReference:
        return keepReference(key, readReference(reader_));
      case Shape::kReferences:
        for (uint64_t left = reader_.readArray(rule.bounds); left != 0 && reader_.ok(); --left) {
          readReference(reader_);
        }
        return;
      case Shape::kTool:
        return readTool(reader_);
      case Shape::kExternalId:
        reader_.readArray(rule.bounds);
        reader_.readUnsigned({1, 3});
        reader_.readText({1, 256});
        return;
      case Shape::kModel:
        return readModel(reader_);
      case Shape::kScope:
        out_.scope = readScope(reader_, rule.bounds);
        return;
      case Shape::kCommitments:
        return readCommitments(rule.bounds);
    }
  }

  void keepInteger(uint64_t key, uint64_t value) {
    if (key == kKeyKind) out_.kind = static_cast<Kind>(value);
    if (key == kKeyDeadline) out_.deadlineMs = static_cast<uint32_t>(value);
    if (key == kKeyCoverage) out_.coverage = static_cast<uint8_t>(value);
  }

  void keepReference(uint64_t key, const Reference& reference) {
    if (key == kKeyIntent) out_.intent = reference;
  }

  void readCommitments(Bounds count) {
    uint8_t previousField = 0;
    for (uint64_t left = reader_.readArray(count); left != 0 && reader_.ok(); --left) {
      commitments_.push_back(readCommitment(reader_, previousField));
      previousField = commitments_.back().field;
      ++out_.commitmentCount;
    }
  }

  // Keys that the kind wants or forbids; the first that is wrong stays in `key_`.
  bool checkKind() {
    if ((seen_ & bitOf(kKeyKind)) == 0) return wrong(kKeyKind);
    const uint8_t kind = static_cast<uint8_t>(1u << (static_cast<unsigned>(out_.kind) - 1));
    for (uint64_t key = 1; key <= kKeyLast; ++key) {
      const bool present = (seen_ & bitOf(key)) != 0;
      const uint8_t kinds = present ? kRules[key].allowedIn : kRules[key].requiredIn;
      if (present != ((kinds & kind) != 0)) return wrong(key);
    }
    const bool spanAlone = (seen_ & bitOf(kKeySpanId)) != 0 && (seen_ & bitOf(kKeyTraceId)) == 0;
    return spanAlone ? wrong(kKeySpanId) : true;
  }

  bool wrong(uint64_t key) {
    key_ = key;
    return false;
  }

  Reader reader_;
  Envelope& out_;
  std::vector<Commitment>& commitments_;
  uint64_t key_ = 0;
  uint32_t seen_ = 0;
};

}  // namespace

std::string_view readScope(Reader& reader, Bounds sizeBytes) {
  const std::string_view scope = reader.readText(sizeBytes);
  if (scope == kSystemScope || !std::all_of(scope.begin(), scope.end(), isScopeCharacter)) {
    reader.fail(cbor::Error::kRange);
  }
  return scope;
}

Fault parseEnvelope(Bytes bytes, int32_t action, Envelope& out,
                    std::vector<Commitment>& commitments) {
  out = Envelope{};
  out.bytes = bytes;
  out.scope = kDefaultScope;
  out.firstCommitment = static_cast<uint32_t>(commitments.size());
  EnvelopeParser parser(bytes, out, commitments);
  if (parser.parse()) return {};
  Fault fault;
  if (parser.reader().ok()) {
    fault.code = Code::kEnvelopeInvalid;
  } else {
    fault = faultOf(parser.reader(), Code::kEnvelopeInvalid);
  }
  fault.action = action;
  if (parser.key() != 0) fault.field = static_cast<int32_t>(parser.key());
  return fault;
}

}  // namespace kudurru::submission
