#include "core/ledger/snapshot-keeper.h"

#include <algorithm>

#include "core/ledger/group.h"

namespace kudurru {
namespace {

Status disagrees(const std::string& why) { return failure(Code::kLookupDamaged, why); }

}  // namespace

SnapshotKeeper::SnapshotKeeper(Storage& storage, std::string stateFolder, const LedgerId& ledgerId)
    : storage_(storage),
      stateFolder_(std::move(stateFolder)),
      ledgerId_(ledgerId),
      files_(storage, stateFolder_) {}

Status SnapshotKeeper::find(const Journal& journal, std::optional<ReplayStart>* start,
                            std::vector<std::string>* notes) {
  std::vector<uint32_t> segments;
  Status status = files_.list(&segments);
  for (const uint32_t segment : segments) {
    if (!status.ok() || *start) break;
    std::vector<uint8_t> bytes;
    Status found = files_.read(segment, &bytes);
    const auto snapshot = decodeSnapshot(bytes);
    auto state = snapshot ? LogState::decode(snapshot->ledgerId, snapshot->state) : std::nullopt;
    if (found.ok() && !state) found = disagrees("it is not what was written");
    if (found.ok()) found = check(*snapshot, *state, journal);
    if (found.ok()) {
      start->emplace(ReplayStart{std::move(*state), snapshot->position, snapshot->lastGroup,
                                 snapshot->places, snapshot->tilesDurable, snapshot->chunks});
      lastSegment_ = segment;
      break;
    }
    // Where segments were retired, no other can be made from the beginning: it may fit again once
    // they are back.
    const bool isKept = journal.firstSegment() != 0;
    notes->push_back("snapshot '" + snapshotName(segment) +
                     (isKept ? "' passed over: " : "' removed: ") + found.message);
    if (!isKept) status = files_.remove(segment);
  }
  return status;
}

// The journal has, at the snapshot's place, the group that gave the snapshot's tree, and behind it
// no other group up to where the replay is to go on.
Status SnapshotKeeper::check(const Snapshot& snapshot, const LogState& state,
                             const Journal& journal) {
  if (snapshot.ledgerId != ledgerId_) return disagrees("it is of another ledger");
  if (snapshot.position.record > journal.nextRecord()) {
    return disagrees("it is ahead of the journal");
  }
  for (const SessionState& session : state.openSessions()) {
    if (session.lastStatement && *session.lastStatement >= snapshot.places.statements) {
      return disagrees("it is not what was written");
    }
  }
  JournalReader reader(storage_, stateFolder_ + "/journal", ledgerId_);
  reader.seek(snapshot.lastGroup);
  reader.limit(snapshot.position.record);
  Step step = Step::kRecord;
  Record record;
  Status status = reader.next(&step, &record);
  if (status.ok() && step != Step::kRecord) status = disagrees("the journal has no such record");
  if (status.ok()) status = checkGroup(record, state);
  while (status.ok() && step == Step::kRecord) {
    status = reader.next(&step, &record);
    if (status.ok() && step == Step::kRecord && record.type == RecordType::kGroup) {
      status = disagrees("the journal has a group that it has not");
    }
  }
  if (status.ok() && reader.position() != snapshot.position) {
    status = disagrees("the journal goes on elsewhere");
  }
  return status;
}

Status SnapshotKeeper::checkGroup(const Record& record, const LogState& state) {
  const auto group = GroupView::parse(record.payload);
  if (record.type != RecordType::kGroup || !group || group->entryCount() == 0 ||
      group->treeSize() != state.size() || group->root() != state.root() ||
      leafHash(group->entry(group->entryCount() - 1)) != state.lastLeafHash()) {
    return disagrees("the journal's group there gives another tree");
  }
  return {};
}

void SnapshotKeeper::begin(const Snapshot& snapshot) {
  lastSegment_ = snapshot.position.segment;
  record_ = snapshot.position.record;
  filesSynced_ = 0;
  files_.begin(snapshot.position.segment, encodeSnapshot(snapshot));
}

Status SnapshotKeeper::step(Places& places, const Journal& journal) {
  if (!isWriting() || journal.durableBefore() < record_) return {};
  if (filesSynced_ == Places::kFileCount) return files_.step();
  Status status = places.sync(filesSynced_++);
  if (!status.ok()) files_.giveUp();
  return status;
}

void SnapshotKeeper::giveUp() {
  files_.giveUp();
  lastSegment_.reset();
}

}  // namespace kudurru
