// The daemon's order of an anchor (daemon/ARCHITECTURE.md), with a signer that signs whatever it is
// given: prepare record, checkpoint record, anchor entry, the closing checkpoint that is shown.
#include "core/cbor/writer.h"
#include "daemon-twin.h"
#include "system-entries.h"

namespace kudurru::sim {
namespace {

constexpr cbor::Bounds kAnyNumber{0, cbor::kSafeIntegerMax};

// What prepare and checkpoint records hold here. A stage: 0 prepared, 1 first checkpoint, 2
// closing.
struct AnchorRecord {
  uint64_t sequence = 0;
  uint64_t stage = 0;
  uint64_t size = 0;
  Hash root{};
};

std::vector<uint8_t> encode(const AnchorRecord& record) {
  std::vector<uint8_t> bytes;
  cbor::Writer(bytes)
      .writeArray(4)
      .writeUnsigned(record.sequence)
      .writeUnsigned(record.stage)
      .writeUnsigned(record.size)
      .writeBytes(record.root);
  return bytes;
}

AnchorRecord decode(Bytes bytes) {
  cbor::Reader reader(bytes);
  AnchorRecord record;
  reader.readArray({4, 4});
  record.sequence = reader.readUnsigned(kAnyNumber);
  record.stage = reader.readUnsigned(kAnyNumber);
  record.size = reader.readUnsigned(kAnyNumber);
  const Bytes root = reader.readBytes({32, 32});
  std::copy(root.begin(), root.end(), record.root.begin());
  return record;
}

}  // namespace

void DaemonTwin::advanceAnchor() {
  const Hash root = ledger_->state().root();
  switch (anchor_) {
    case Anchor::kNone:
      anchorSize_ = ledger_->state().size();
      anchorRoot_ = root;
      if (!appendRecord(RecordType::kPrepare,
                        encode({anchorSequence_ + 1, 0, anchorSize_, anchorRoot_}))) {
        return;
      }
      ++anchorSequence_;
      anchor_ = Anchor::kPrepared;
      return;
    case Anchor::kPrepared:
      if (!appendRecord(RecordType::kCheckpoint,
                        encode({anchorSequence_, 1, anchorSize_, anchorRoot_}))) {
        return;
      }
      history_.show(anchorSize_, anchorRoot_);
      anchor_ = Anchor::kSigned;
      return;
    case Anchor::kSigned:
      if (applySystem(anchorEntry(context_.clock, anchorSequence_, anchorSize_, anchorRoot_))) {
        anchor_ = Anchor::kEntered;
      }
      return;
    case Anchor::kEntered: {
      const bool forks = context_.is(Canary::kForkedCheckpoint);
      const uint64_t size = forks ? anchorSize_ : ledger_->state().size();
      if (!appendRecord(RecordType::kCheckpoint, encode({anchorSequence_, 2, size, root}))) return;
      history_.follow(*ledger_);
      history_.show(size, root);
      anchor_ = Anchor::kNone;
      return;
    }
  }
}

// The anchor that was under way is finished, with the very tree that was prepared. A tree that is
// shorter than a checkpoint, or another, must not be gone on with.
void DaemonTwin::resumeAnchor() {
  std::vector<StoredRecord> prepared;
  std::vector<StoredRecord> signedBefore;
  must(ledger_->readRecords(RecordType::kPrepare, {.newest = 1}, &prepared));
  must(ledger_->readRecords(RecordType::kCheckpoint, {.newest = 1}, &signedBefore));
  const AnchorRecord last = prepared.empty() ? AnchorRecord{} : decode(prepared[0].bytes);
  const AnchorRecord seen = signedBefore.empty() ? AnchorRecord{} : decode(signedBefore[0].bytes);
  if (!signedBefore.empty()) {
    Hash root{};
    if (seen.size <= ledger_->state().size()) must(rootAt(ledger_->nodes(), seen.size, &root));
    if (root != seen.root) throw Noticed{"the tree is not that of the last checkpoint"};
  }
  anchorSequence_ = last.sequence;
  anchorSize_ = last.size;
  anchorRoot_ = last.root;
  anchor_ = Anchor::kNone;
  if (prepared.empty() || (seen.sequence == last.sequence && seen.stage == 2)) return;
  anchor_ = seen.sequence == last.sequence ? Anchor::kSigned : Anchor::kPrepared;
  const auto index = ledger_->state().lastOfKind(EntryKind::kAnchor);
  if (anchor_ != Anchor::kSigned || !index) return;
  std::vector<uint8_t> entry;
  must(ledger_->readEntry(*index, &entry));
  if (anchorSequenceOf(decodeEntry(entry)->fields) == last.sequence) anchor_ = Anchor::kEntered;
}

}  // namespace kudurru::sim
