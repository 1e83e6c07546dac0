#include "core/entry/entry.h"

#include <algorithm>

#include "core/cbor/writer.h"

namespace kudurru {
namespace {

constexpr uint64_t kHeadItems = 5;
constexpr uint64_t kActionFields = 6;
constexpr cbor::Bounds kIndexBounds{0, cbor::kSafeIntegerMax};
constexpr cbor::Bounds kNsBounds{0, kTimeNsMax};
constexpr cbor::Bounds kHashBounds{32, 32};

using cbor::Reader;
using cbor::Writer;

void writeOptional(Writer& writer, std::optional<uint64_t> value) {
  if (value) {
    writer.writeUnsigned(*value);
  } else {
    writer.writeNull();
  }
}

void writeTime(Writer& writer, const EntryTime& time) {
  writer.writeArray(7)
      .writeUnsigned(time.taiNs)
      .writeUnsigned(time.monotonicRawNs)
      .writeUnsigned(time.bootIndex);
  writeOptional(writer, time.statisticalNs);
  writeOptional(writer, time.adversarialNs);
  writer.writeUnsigned(time.level);
  writeOptional(writer, time.timeEvidenceIndex);
}

void writeHead(Writer& writer, const EntryHead& head, uint64_t fieldCount) {
  writer.writeArray(kHeadItems + fieldCount)
      .writeUnsigned(1)
      .writeUnsigned(static_cast<uint8_t>(head.kind))
      .writeBytes(head.previousLeafHash);
  writeTime(writer, head.time);
  writer.writeUnsigned(head.appliance);
}

// No rule set, and the decision where none is in force.
void writeDecision(Writer& writer) {
  writer.writeNull().writeArray(3).writeUnsigned(0).writeArray(0).writeArray(0);
}

std::optional<uint64_t> readOptional(Reader& reader, cbor::Bounds bounds) {
  if (reader.takeNull()) return std::nullopt;
  return reader.readUnsigned(bounds);
}

EntryTime readTime(Reader& reader) {
  EntryTime time;
  reader.readArray({7, 7});
  time.taiNs = reader.readUnsigned(kNsBounds);
  time.monotonicRawNs = reader.readUnsigned(kNsBounds);
  time.bootIndex = reader.readUnsigned(kIndexBounds);
  time.statisticalNs = readOptional(reader, kNsBounds);
  time.adversarialNs = readOptional(reader, kNsBounds);
  time.level = static_cast<uint8_t>(reader.readUnsigned({0, 5}));
  time.timeEvidenceIndex = readOptional(reader, kIndexBounds);
  return time;
}

}  // namespace

std::optional<KindShape> shapeOf(uint64_t kind) {
  if (kind >= kEntryKindCount) return std::nullopt;
  switch (static_cast<EntryKind>(kind)) {
    case EntryKind::kGenesis:
      return KindShape{3, std::nullopt, false};
    case EntryKind::kBoot:
      return KindShape{8, 7, false};
    case EntryKind::kUncleanStart:
      return KindShape{3, std::nullopt, false};
    case EntryKind::kTimeEvidence:
      return KindShape{2, 1, false};
    case EntryKind::kSessionOpen:
      return KindShape{5, 4, false};
    case EntryKind::kSessionClose:
      return KindShape{3, std::nullopt, true};
    case EntryKind::kStatement:
      return KindShape{3, std::nullopt, false};
    case EntryKind::kAction:
      return KindShape{kActionFields, std::nullopt, false};
    case EntryKind::kAgentEnrol:
      return KindShape{8, 6, false};
    case EntryKind::kAnchor:
    case EntryKind::kCounterAnchor:
      return KindShape{15, 14, false};
    case EntryKind::kRefusalSummary:
      return KindShape{3, std::nullopt, true};
    case EntryKind::kRestore:
    case EntryKind::kTimeProfile:
      return KindShape{2, std::nullopt, false};
    case EntryKind::kStop:
    case EntryKind::kAlarm:
      return KindShape{2, std::nullopt, true};
  }
  return std::nullopt;
}

void encodeEntry(const EntryHead& head, uint64_t fieldCount, Bytes fields,
                 std::vector<uint8_t>& out) {
  Writer writer(out);
  writeHead(writer, head, fieldCount);
  writer.writeRaw(fields);
}

void encodeStatement(const EntryHead& head, const StatementFields& fields,
                     std::vector<uint8_t>& out) {
  Writer writer(out);
  writeHead(writer, head, 3);
  writer.writeUnsigned(fields.sessionIndex)
      .writeUnsigned(fields.writerLevel)
      .writeBytes(fields.cose);
}

void encodeAction(const EntryHead& head, const ActionFields& fields, std::vector<uint8_t>& out) {
  Writer writer(out);
  writeHead(writer, head, kActionFields);
  writer.writeUnsigned(fields.sessionIndex)
      .writeUnsigned(fields.sequence)
      .writeBytes(fields.envelope);
  writeDecision(writer);
  writer.writeUnsigned(fields.writerLevel);
}

ActionEncoder::ActionEncoder(const EntryHead& head, uint64_t sessionIndex, uint8_t writerLevel) {
  Writer(beforeHash_)
      .writeArray(kHeadItems + kActionFields)
      .writeUnsigned(1)
      .writeUnsigned(static_cast<uint8_t>(EntryKind::kAction))
      .writeBytesHead(sizeof(Hash));
  Writer shared(beforeSequence_);
  writeTime(shared, head.time);
  shared.writeUnsigned(head.appliance).writeUnsigned(sessionIndex);
  Writer after(afterEnvelope_);
  writeDecision(after);
  after.writeUnsigned(writerLevel);
}

void ActionEncoder::encode(const Hash& previousLeafHash, uint64_t sequence, Bytes envelope,
                           std::vector<uint8_t>& out) const {
  std::array<uint8_t, 2 * cbor::kHeadSizeBytesMax> heads;
  size_t headBytes = cbor::writeHead(heads.data(), cbor::Type::kUnsigned, sequence);
  headBytes += cbor::writeHead(&heads[headBytes], cbor::Type::kBytes, envelope.size());
  const size_t at = out.size();
  out.resize(at + beforeHash_.size() + previousLeafHash.size() + beforeSequence_.size() +
             headBytes + envelope.size() + afterEnvelope_.size());
  const auto to = out.begin() + static_cast<ptrdiff_t>(at);
  auto end = std::copy(beforeHash_.begin(), beforeHash_.end(), to);
  end = std::copy(previousLeafHash.begin(), previousLeafHash.end(), end);
  end = std::copy(beforeSequence_.begin(), beforeSequence_.end(), end);
  end = std::copy_n(heads.begin(), headBytes, end);
  end = std::copy(envelope.begin(), envelope.end(), end);
  std::copy(afterEnvelope_.begin(), afterEnvelope_.end(), end);
}

void encodeTime(const EntryTime& time, std::vector<uint8_t>& out) {
  Writer writer(out);
  writeTime(writer, time);
}

std::optional<EntryView> decodeEntry(Bytes entry) {
  if (entry.size() > kEntrySizeBytesMax) return std::nullopt;
  Reader reader(entry);
  EntryView view;
  const uint64_t items = reader.readArray({kHeadItems, kHeadItems + 32});
  reader.readUnsigned({1, 1});
  const uint64_t kind = reader.readUnsigned({0, kEntryKindCount - 1});
  const Bytes previous = reader.readBytes(kHashBounds);
  const size_t timeAt = reader.offset();
  view.head.time = readTime(reader);
  view.time = entry.subspan(timeAt, reader.offset() - timeAt);
  view.head.appliance = reader.readUnsigned(kIndexBounds);
  if (!reader.ok()) return std::nullopt;
  const auto shape = shapeOf(kind);
  if (!shape || items != kHeadItems + shape->fieldCount) return std::nullopt;
  view.head.kind = static_cast<EntryKind>(kind);
  std::copy(previous.begin(), previous.end(), view.head.previousLeafHash.begin());
  view.fields = entry.subspan(reader.offset());
  for (uint64_t field = 0; field < shape->fieldCount; ++field) reader.readItem();
  reader.finish();
  if (!reader.ok()) return std::nullopt;
  return view;
}

}  // namespace kudurru
