#include "core/entry/entry-fields.h"

#include "core/cbor/cbor.h"

namespace kudurru {
namespace {

using cbor::Reader;

constexpr cbor::Bounds kIndexBounds{0, cbor::kSafeIntegerMax};
constexpr cbor::Bounds kAnyBytes{0, kEntrySizeBytesMax};
constexpr size_t kCommitmentsMax = 16;

template <class Fields>
std::optional<Fields> ifGood(const Reader& reader, const Fields& fields) {
  return reader.ok() ? std::optional<Fields>(fields) : std::nullopt;
}

CommitmentField readCommitment(Reader& reader) {
  CommitmentField commitment;
  reader.readArray({5, 5});
  commitment.field = static_cast<uint8_t>(reader.readUnsigned({1, 255}));
  commitment.length = reader.readUnsigned({1, cbor::kSafeIntegerMax});
  commitment.digest = reader.readBytes({32, 32});
  if (!reader.takeNull()) reader.readText({1, 127});
  commitment.deposited = reader.readUnsigned({0, 1}) == 1;
  return commitment;
}

}  // namespace

std::optional<Bytes> readProvisioningRecord(Bytes fields) {
  Reader reader(fields);
  const Bytes record = reader.readBytes(kAnyBytes);
  return ifGood(reader, record);
}

std::optional<AgentEnrolFields> readAgentEnrol(Bytes fields) {
  Reader reader(fields);
  AgentEnrolFields enrol;
  enrol.agentId = reader.readText({1, 512});
  reader.readText({1, 256});   // owner
  reader.readText({1, 1024});  // purpose
  enrol.key = reader.readBytes(kAnyBytes);
  return ifGood(reader, enrol);
}

std::optional<SessionOpenFields> readSessionOpen(Bytes fields) {
  Reader reader(fields);
  SessionOpenFields open;
  open.agentIndex = reader.readUnsigned(kIndexBounds);
  open.sessionNumber = reader.readUnsigned(kIndexBounds);
  return ifGood(reader, open);
}

std::optional<SessionCloseFields> readSessionClose(Bytes fields) {
  Reader reader(fields);
  SessionCloseFields close;
  close.sessionIndex = reader.readUnsigned(kIndexBounds);
  close.actionCount = reader.readUnsigned(kIndexBounds);
  reader.readUnsigned({1, 4});
  reader.finish();
  return ifGood(reader, close);
}

std::optional<StatementFields> readStatementFields(Bytes fields) {
  Reader reader(fields);
  StatementFields statement;
  statement.sessionIndex = reader.readUnsigned(kIndexBounds);
  statement.writerLevel = static_cast<uint8_t>(reader.readUnsigned({1, 3}));
  statement.cose = reader.readBytes(kAnyBytes);
  reader.finish();
  return ifGood(reader, statement);
}

std::optional<ActionFields> readActionFields(Bytes fields) {
  Reader reader(fields);
  ActionFields action;
  action.sessionIndex = reader.readUnsigned(kIndexBounds);
  action.sequence = reader.readUnsigned(kIndexBounds);
  action.envelope = reader.readBytes(kAnyBytes);
  if (!reader.takeNull()) reader.readUnsigned(kIndexBounds);
  reader.readItem();  // decision
  action.writerLevel = static_cast<uint8_t>(reader.readUnsigned({1, 3}));
  reader.finish();
  return ifGood(reader, action);
}

std::optional<std::vector<CommitmentField>> readCommitments(const EntryView& entry) {
  const auto shape = shapeOf(static_cast<uint8_t>(entry.head.kind));
  std::vector<CommitmentField> commitments;
  if (!shape || !shape->commitmentsField) return commitments;
  Reader reader(entry.fields);
  for (uint8_t field = 0; field < *shape->commitmentsField; ++field) reader.readItem();
  const uint64_t count = reader.readArray({0, kCommitmentsMax});
  for (uint64_t at = 0; reader.ok() && at < count; ++at) {
    commitments.push_back(readCommitment(reader));
  }
  return ifGood(reader, commitments);
}

}  // namespace kudurru
