#include "system-entries.h"

#include "core/body/commitment.h"
#include "core/cbor/writer.h"
#include "core/entry/entry.h"

namespace kudurru::sim {
namespace {

using cbor::Writer;
using Buffer = std::vector<uint8_t>;

constexpr uint64_t kTaiMinusUtcNs = 37'000'000'000;
constexpr uint8_t kContactField = 1;

template <class Write>
SystemEntry entryOf(EntryKind kind, const Clock& clock, Write&& write) {
  SystemEntry entry;
  entry.kind = static_cast<uint8_t>(kind);
  entry.taiNs = static_cast<uint64_t>(clock.realtimeNs()) + kTaiMinusUtcNs;
  entry.monotonicRawNs = clock.monotonicNs;
  Writer writer(entry.fields);
  write(writer);
  return entry;
}

}  // namespace

std::vector<uint8_t> provisioningRecord() {
  Buffer record;
  Writer(record)
      .writeArray(5)
      .writeUnsigned(1)
      .writeText("example.org/log")
      .writeText("example.org")
      .writeArray(0)
      .writeBytes(Buffer(32, 1));
  return record;
}

SystemEntry genesisEntry(const Clock& clock) {
  return entryOf(EntryKind::kGenesis, clock, [](Writer& w) {
    w.writeArray(3).writeBytes(provisioningRecord()).writeText("key").writeBytes(Buffer(3, 7));
  });
}

SystemEntry bootEntry(const Clock& clock, uint64_t number) {
  return entryOf(EntryKind::kBoot, clock, [&](Writer& w) {
    w.writeArray(8).writeUnsigned(number).writeText("0.1.0").writeBytes(Buffer(16, 2));
    w.writeUnsigned(1).writeUnsigned(2).writeUnsigned(2).writeNull().writeArray(0);
  });
}

SystemEntry uncleanStartEntry(const Clock& clock) {
  return entryOf(EntryKind::kUncleanStart, clock,
                 [](Writer& w) { w.writeArray(3).writeUnsigned(1).writeUnsigned(0).writeNull(); });
}

SystemEntry enrolEntry(const Clock& clock, const bench::SigningAgent& agent, Random& random) {
  PrivateBody contact;
  contact.field = kContactField;
  contact.bytes.resize(random.between(8, 60));
  random.fill(contact.salt);
  random.fill(contact.bytes);
  SystemEntry entry = entryOf(EntryKind::kAgentEnrol, clock, [&](Writer& w) {
    w.writeArray(8).writeText(agent.id()).writeText("owner").writeText("purpose");
    w.writeBytes(agent.coseKey()).writeBytes(Buffer(99, 4));
    w.writeArray(2).writeUnsigned(1000).writeText("control").writeArray(1);
    w.writeArray(5).writeUnsigned(contact.field).writeUnsigned(contact.bytes.size());
    w.writeBytes(commitmentDigest(contact.salt, contact.field, contact.bytes));
    w.writeNull().writeUnsigned(1).writeArray(0);
  });
  entry.bodies.push_back(std::move(contact));
  return entry;
}

SystemEntry sessionOpenEntry(const Clock& clock, const SessionOpening& opening) {
  return entryOf(EntryKind::kSessionOpen, clock, [&](Writer& w) {
    w.writeArray(5).writeUnsigned(opening.agentIndex).writeUnsigned(opening.number);
    w.writeBytes(opening.request).writeUnsigned(2).writeArray(0);
  });
}

SystemEntry sessionCloseEntry(const Clock& clock, uint64_t sessionIndex, uint64_t actionCount) {
  return entryOf(EntryKind::kSessionClose, clock, [&](Writer& w) {
    w.writeArray(3).writeUnsigned(sessionIndex).writeUnsigned(actionCount).writeUnsigned(1);
  });
}

SystemEntry anchorEntry(const Clock& clock, uint64_t sequence, uint64_t size, const Hash& root) {
  return entryOf(EntryKind::kAnchor, clock, [&](Writer& w) {
    w.writeArray(15).writeUnsigned(sequence).writeUnsigned(size).writeBytes(root);
    for (int field = 3; field < 14; ++field) w.writeBytes(Buffer(64, 5));
    w.writeArray(0);
  });
}

uint64_t anchorSequenceOf(Bytes fields) {
  return cbor::Reader(fields).readUnsigned({0, cbor::kSafeIntegerMax});
}

SystemEntry alarmEntry(const Clock& clock, const std::string& words) {
  return entryOf(EntryKind::kAlarm, clock,
                 [&](Writer& w) { w.writeArray(2).writeText("simulated").writeText(words); });
}

SystemEntry stopEntry(const Clock& clock) {
  return entryOf(EntryKind::kStop, clock,
                 [](Writer& w) { w.writeArray(2).writeText("asked to").writeUnsigned(1); });
}

}  // namespace kudurru::sim
