// Entries of the ledger as bytes (SPEC.md §7): `[1, kind, previousLeafHash, time, appliance,
// fields…]`. Encoding is a pure function of its arguments; decoding accepts exactly what encodes.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "core/bytes.h"

namespace kudurru {

constexpr size_t kEntrySizeBytesMax = 65'535;
constexpr uint64_t kTimeNsMax = INT64_MAX;

enum class EntryKind : uint8_t {
  kGenesis = 0,
  kBoot = 1,
  kUncleanStart = 2,
  kTimeEvidence = 3,
  kSessionOpen = 4,
  kSessionClose = 5,
  kStatement = 6,
  kAction = 7,
  kAgentEnrol = 8,
  kAnchor = 18,
  kCounterAnchor = 19,
  kRefusalSummary = 20,
  kStop = 22,
  kRestore = 26,
  kAlarm = 27,
  kTimeProfile = 28,
};
constexpr size_t kEntryKindCount = 32;

// What version 1 says of a kind.
struct KindShape {
  uint8_t fieldCount = 0;
  std::optional<uint8_t> commitmentsField;  // position of the commitments among the fields
  bool mayUseReserve = false;               // must still fit when the disk is full
};

// Empty for a kind that version 1 does not know.
std::optional<KindShape> shapeOf(uint64_t kind);

struct EntryTime {
  uint64_t taiNs = 0;
  uint64_t monotonicRawNs = 0;
  uint64_t bootIndex = 0;
  std::optional<uint64_t> statisticalNs;
  std::optional<uint64_t> adversarialNs;
  uint8_t level = 0;  // 0 UNKNOWN … 5 ATTESTED
  std::optional<uint64_t> timeEvidenceIndex;
};

struct EntryHead {
  EntryKind kind = EntryKind::kGenesis;
  Hash previousLeafHash{};
  EntryTime time;
  uint64_t appliance = 0;
};

// The longest that the head, and the fields of an action but its envelope, can be.
constexpr size_t kEntryOverheadBytesMax = 256;

// Each appends one entry to `out`.
void encodeEntry(const EntryHead& head, uint64_t fieldCount, Bytes fields,
                 std::vector<uint8_t>& out);

struct StatementFields {
  uint64_t sessionIndex = 0;
  uint8_t writerLevel = 0;
  Bytes cose;
};
void encodeStatement(const EntryHead& head, const StatementFields& fields,
                     std::vector<uint8_t>& out);

struct ActionFields {
  uint64_t sessionIndex = 0;
  uint64_t sequence = 0;
  Bytes envelope;
  uint8_t writerLevel = 0;
};
// With no rules in force: rule set null, verdict 0.
void encodeAction(const EntryHead& head, const ActionFields& fields, std::vector<uint8_t>& out);

// The actions of one statement: what they share is encoded once.
class ActionEncoder {
 public:
  // Of `head`, all but the kind and the previous leaf hash counts.
  ActionEncoder(const EntryHead& head, uint64_t sessionIndex, uint8_t writerLevel);
  // Appends what encodeAction would.
  void encode(const Hash& previousLeafHash, uint64_t sequence, Bytes envelope,
              std::vector<uint8_t>& out) const;

 private:
  std::vector<uint8_t> beforeHash_;
  std::vector<uint8_t> beforeSequence_;
  std::vector<uint8_t> afterEnvelope_;
};

// The `time` of an entry by itself, as receipts carry it.
void encodeTime(const EntryTime& time, std::vector<uint8_t>& out);

struct EntryView {
  EntryHead head;
  Bytes time;    // encoded
  Bytes fields;  // the encoded items one after the other
};

// Empty unless the bytes are an entry of a known kind with that kind's number of fields.
std::optional<EntryView> decodeEntry(Bytes entry);

}  // namespace kudurru
