#include "core/fsck/fold.h"

#include <algorithm>
#include <charconv>

#include "core/cbor/cbor.h"
#include "core/entry/entry-fields.h"
#include "core/hash/sha256.h"
#include "core/journal/big-endian.h"
#include "core/ledger/chunks.h"
#include "core/tree/merkle.h"

namespace kudurru::fsck {
namespace {

// The size on the second line of a checkpoint; empty for other bytes.
std::optional<uint64_t> sizeOfCheckpoint(Bytes note) {
  const std::string_view text(reinterpret_cast<const char*>(note.data()), note.size());
  const size_t begin = text.find('\n') + 1;
  const size_t end = text.find('\n', begin);
  if (begin == 0 || end == std::string_view::npos) return std::nullopt;
  uint64_t size = 0;
  const auto parsed = std::from_chars(&text[begin], text.data() + end, size);
  if (parsed.ec != std::errc{} || parsed.ptr != text.data() + end) return std::nullopt;
  return size;
}

// The tree size that the plan of an anchor names, in either of its two prepare records; empty for
// another prepare record.
std::optional<uint64_t> sizeOfPlan(Bytes plan) {
  cbor::Reader reader(plan);
  const uint64_t items = reader.readArray({9, 15});
  if (items != 9 && items != 15) return std::nullopt;
  for (int item = 0; item < 5; ++item) reader.readItem();
  const uint64_t size = reader.readUnsigned({0, cbor::kSafeIntegerMax});
  return reader.ok() ? std::optional<uint64_t>(size) : std::nullopt;
}

// The tree size that an anchor entry is of; empty for other entries.
std::optional<uint64_t> sizeOfAnchor(const EntryView& entry) {
  if (entry.head.kind != EntryKind::kAnchor && entry.head.kind != EntryKind::kCounterAnchor) {
    return std::nullopt;
  }
  cbor::Reader reader(entry.fields);
  for (int item = 0; item < 3; ++item) reader.readItem();
  const uint64_t size = reader.readUnsigned({0, cbor::kSafeIntegerMax});
  return reader.ok() ? std::optional<uint64_t>(size) : std::nullopt;
}

bool isEvidence(EntryKind kind) {
  switch (kind) {
    case EntryKind::kGenesis:
    case EntryKind::kBoot:
    case EntryKind::kTimeEvidence:
    case EntryKind::kAgentEnrol:
    case EntryKind::kSessionOpen:
    case EntryKind::kAnchor:
    case EntryKind::kCounterAnchor:
    case EntryKind::kRestore:
    case EntryKind::kTimeProfile:
      return true;
    default:
      return false;
  }
}

}  // namespace

Fold::Fold(Storage& storage, FoldOptions options, const LedgerId& ledgerId, Findings& findings)
    : storage_(storage),
      options_(std::move(options)),
      findings_(findings),
      state_(ledgerId),
      wholeRoot_(state_.root()) {}

void Fold::takeGroup(GroupCheck& group) {
  for (GroupRange& range : group.ranges()) {
    counts_.bodies += range.counts.bodies;
    counts_.bodiesOpened += range.counts.opened;
    counts_.bodiesRetired += range.counts.retired;
    findings_.addAll(std::move(range.findings));
  }
  if (!group.isGroup()) {
    findings_.add(damageAt(group.position(), "group-malformed", "the record holds no group"));
    isDamaged_ = true;
    return;
  }
  const Hash* link =
      group.entries()[0].isGood ? &group.entries()[0].view.head.previousLeafHash : nullptr;
  settleHeld(link);
  const bool wasDamaged = isDamaged_;
  if (group.view().firstIndex() > state_.size() && link != nullptr) {
    bridge(group.view().firstIndex(), link, nullptr);
  }
  const bool isNext = group.view().firstIndex() == state_.size();
  if (!isNext && !wasDamaged) {
    findings_.add(damageAt(group.position(), "group-out-of-place",
                           "the group begins at entry " +
                               std::to_string(group.view().firstIndex()) + ", after " +
                               std::to_string(state_.size()) + " entries"));
  }
  if (!isNext) isDamaged_ = true;
  if (!isNext || !fits(group) || !appendAll(group)) judgeAlone(group);
}

namespace {

Finding brokenChain(const GroupCheck& group, uint32_t place) {
  const std::string index = std::to_string(group.view().firstIndex() + place);
  return group.damage("chain-broken", place,
                      "entry " + index +
                          " does not hold the leaf hash of the entry before: one of the two is "
                          "not what was written");
}

}  // namespace

// Entries are of their form and each holds the hash of the one before: only then is any appended.
bool Fold::fits(const GroupCheck& group) {
  const std::vector<CheckedEntry>& entries = group.entries();
  Hash link = state_.lastLeafHash();
  for (uint32_t place = 0; place < entries.size(); ++place) {
    const CheckedEntry& entry = entries[place];
    if (!entry.isGood) return false;  // a range's finding
    if (entry.view.head.previousLeafHash != link) {
      if (place == 0) findings_.add(brokenChain(group, place));
      return false;
    }
    link = entry.leafHash;
  }
  return true;
}

// Nothing says which root these entries must give but the groups that follow in the journal.
bool Fold::appendRetired(const GroupCheck& group) {
  for (const CheckedEntry& entry : group.entries()) {
    if (!append(group, entry)) return false;
    if (state_.size() != options_.resumedSize) continue;
    checkResumed(group, state_.root());
  }
  endGroup(group, state_.root());
  return true;
}

bool Fold::appendAll(const GroupCheck& group) {
  if (group.isRetired()) return appendRetired(group);
  const std::vector<CheckedEntry>& entries = group.entries();
  for (size_t at = 0; at + 1 < entries.size(); ++at) {
    if (!append(group, entries[at])) return false;
  }
  const CheckedEntry& last = entries.back();
  if (state_.tree().rootWith(last.leafHash) != group.view().root()) {
    const uint32_t place = static_cast<uint32_t>(entries.size()) - 1;
    const std::string index = std::to_string(group.view().treeSize() - 1);
    held_ = Held{{last.bytes.begin(), last.bytes.end()},
                 last.leafHash,
                 group.damage("root-mismatch", place,
                              "entry " + index +
                                  " is not what was written: the entries do not give the root of "
                                  "their group")};
    return true;
  }
  if (!append(group, last)) return false;
  endGroup(group, group.view().root());
  return true;
}

bool Fold::append(const GroupCheck& group, const CheckedEntry& entry) {
  const Status status = state_.append(entry.view, entry.leafHash);
  if (!status.ok()) {
    const uint32_t place = static_cast<uint32_t>(state_.size() - group.view().firstIndex());
    findings_.add(group.damage("entry-contradicts", place, status.message));
    return false;
  }
  takeLeaf(entry.bytes);
  note(group, entry);
  return true;
}

void Fold::endGroup(const GroupCheck& group, const Hash& root) {
  if (state_.insideStatement()) {
    const uint32_t place = group.view().entryCount() - 1;
    findings_.add(group.damage("statement-cut", place, "the group ends within a statement"));
    isDamaged_ = true;
  }
  roots_.add(state_.size(), root);
  if (!group.isRetired()) checkResumed(group, root);
  if (isDamaged_) return;
  wholeSize_ = state_.size();
  wholeRoot_ = root;
}

// What was checked before the pause must be the beginning of this log, at the end of a group.
void Fold::checkResumed(const GroupCheck& group, const Hash& root) {
  const bool isThere =
      group.view().firstIndex() < options_.resumedSize && options_.resumedSize <= state_.size();
  if (!isThere) return;
  if (options_.resumedSize == state_.size() && options_.resumedRoot == root) return;
  findings_.add(damageAt(group.position(), "resumed-log-differs",
                         "the earlier check, which this one goes on with, was of another log"));
}

void Fold::note(const GroupCheck& group, const CheckedEntry& entry) {
  const EntryKind kind = entry.view.head.kind;
  const uint64_t index = state_.size() - 1;
  noteKey(entry.view);
  if (kind == EntryKind::kStatement) {
    noteHead(entry.view);
    noteStatement(group, entry);
  }
  if (!isEvidence(kind)) return;
  Evidence evidence;
  evidence.isEntry = true;
  evidence.isRetired = group.isRetired();
  evidence.number = static_cast<uint8_t>(kind);
  evidence.position = group.position();
  evidence.index = index;
  evidence.leafHash = entry.leafHash;
  evidence.treeSize = index + 1;
  if (const auto size = sizeOfAnchor(entry.view)) {
    evidence.root = roots_.find(*size);
    evidence.agentHeadsRoot = heads_.find(*size, state_);
  } else if (kind == EntryKind::kRestore) {
    evidence.root = roots_.find(index);  // its order is of the tree before it
  }
  evidence.bytes.assign(entry.bytes.begin(), entry.bytes.end());
  evidence_.push_back(std::move(evidence));
}

void Fold::noteKey(const EntryView& entry) {
  if (entry.head.kind != EntryKind::kAgentEnrol) return;
  const auto enrol = readAgentEnrol(entry.fields);
  keys_[state_.size() - 1] = {PublicKey::parseCoseKey(enrol->key), sha256(enrol->key)};
}

// The actions that follow move the head; it is not of them yet.
void Fold::noteHead(const EntryView& statement) {
  const auto fields = readStatementFields(statement.fields);
  const uint64_t agentIndex = state_.sessionAt(fields->sessionIndex)->agentIndex;
  heads_.note(state_.size() - 1, agentIndex, state_.agentAt(agentIndex)->head);
}

void Fold::noteStatement(const GroupCheck& group, const CheckedEntry& entry) {
  const uint64_t index = state_.size() - 1;
  if (!options_.checksSignatures || index < options_.fromIndex) return;
  const auto fields = readStatementFields(entry.view.fields);
  const SessionState* session = state_.sessionAt(fields->sessionIndex);
  const uint32_t place = static_cast<uint32_t>(index - group.view().firstIndex());
  signatures_.push_back({keys_[session->agentIndex], fields->cose,
                         group.damage("signature-invalid", place,
                                      "the statement in entry " + std::to_string(index) +
                                          " is not signed by its agent's key")});
}

void Fold::takeRecord(const JournalItem& item, Bytes payload) {
  if (item.type == RecordType::kStop) return;
  if (item.type == RecordType::kBodyChunk) {
    if (ChunkView::parse(payload)) return;
    return findings_.add(damageAt(item.position, "chunk-malformed", "no chunk of a large body"));
  }
  if (item.type == RecordType::kRetired) {
    retired_ = decodeRetired(payload);
    if (retired_) return;
    return findings_.add(damageAt(item.position, "record-malformed", "no record of a retirement"));
  }
  if (item.type == RecordType::kPrepare) {
    if (const auto size = sizeOfPlan(payload)) {
      roots_.pin(*size);
      heads_.pin(*size, state_);
    }
  }
  Evidence evidence;
  evidence.number = static_cast<uint8_t>(item.type);
  evidence.position = item.position;
  evidence.treeSize = state_.size();
  if (item.type == RecordType::kCheckpoint) {
    if (const auto size = sizeOfCheckpoint(payload)) evidence.root = roots_.find(*size);
  }
  evidence.bytes.assign(payload.begin(), payload.end());
  evidence_.push_back(std::move(evidence));
}

// Tiles: hashes as they become full, bundles as their entries come.
void Fold::takeLeaf(Bytes entry) {
  bundle_.expected.insert(bundle_.expected.end(), entry.data() - 2, entry.data() + entry.size());
  bundle_.ends.push_back(static_cast<uint32_t>(bundle_.expected.size()));
  if (state_.size() % kTileWidth != 0) return;
  if (state_.size() > options_.fromIndex) {
    const uint64_t index = state_.size() / kTileWidth - 1;
    bundle_.path = entryTilePath(index, kTileWidth);
    bundle_.widthPublished = widthPublished(0, index);
    tiles_.push_back(std::move(bundle_));
  }
  bundle_ = {};
  takeFullTiles();
}

namespace {

TileCheck checkOf(const Tile& tile) {
  TileCheck check;
  check.path = hashTilePath(tile.level, tile.index, kTileWidth);
  const auto* bytes = reinterpret_cast<const uint8_t*>(tile.hashes.data());
  check.expected.assign(bytes, bytes + tile.hashes.size() * sizeof(Hash));
  for (size_t at = 1; at <= tile.hashes.size(); ++at) {
    check.ends.push_back(static_cast<uint32_t>(at * sizeof(Hash)));
  }
  return check;
}

}  // namespace

void Fold::takeFullTiles() {
  for (const Tile& tile : state_.tree().takeFullTiles()) {
    if (state_.size() <= options_.fromIndex) continue;
    tiles_.push_back(checkOf(tile));
    tiles_.back().widthPublished = widthPublished(tile.level, tile.index);
  }
}

uint32_t Fold::widthPublished(unsigned level, uint64_t index) const {
  const uint64_t hashes = options_.publishedSize >> (kTileHeight * level);
  const uint64_t first = index * kTileWidth;
  return static_cast<uint32_t>(hashes <= first ? 0
                                               : std::min<uint64_t>(hashes - first, kTileWidth));
}

void Fold::finish() {
  settleHeld(nullptr);
  if (state_.size() < options_.publishedSize) {
    bridge(options_.publishedSize, nullptr, &options_.publishedRoot);
    takeFullTiles();
  }
  for (const Tile& tile : state_.tree().partialTiles()) {
    tiles_.push_back(checkOf(tile));
    tiles_.back().widthPublished =
        std::min(widthPublished(tile.level, tile.index), uint32_t(tile.hashes.size()));
  }
  if (bundle_.ends.empty()) return;
  const uint64_t index = state_.size() / kTileWidth;
  bundle_.path = entryTilePath(index, kTileWidth);
  bundle_.widthPublished =
      std::min(widthPublished(0, index), static_cast<uint32_t>(bundle_.ends.size()));
  tiles_.push_back(bundle_);
}

void Fold::judgeAlone(const GroupCheck& group) {
  isDamaged_ = true;
  counts_.laterEntries +=
      group.view().treeSize() - std::min(group.view().treeSize(), state_.size());
  const std::vector<CheckedEntry>& entries = group.entries();
  for (uint32_t place = 1; place < entries.size(); ++place) {
    const CheckedEntry& before = entries[place - 1];
    if (group.view().firstIndex() + place <= state_.size()) continue;
    if (!entries[place].isGood || !before.isGood) continue;
    if (entries[place].view.head.previousLeafHash == before.leafHash) continue;
    findings_.add(brokenChain(group, place));
  }
}

}  // namespace kudurru::fsck
