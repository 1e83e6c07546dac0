// Opening and ending a ledger. What the journal holds is replayed entry by entry through LogState,
// and each group must give the root it was written with.
#include <algorithm>

#include "core/entry/entry-fields.h"
#include "core/ledger/ledger.h"
#include "core/submission/statement.h"

namespace kudurru {

Ledger::Ledger(Storage& storage, const LedgerOptions& options)
    : storage_(storage),
      options_(options),
      tiles_(storage, options.folder, options.folder + "/lookup"),
      state_(options.ledgerId),
      snapshots_(storage, options.folder, options.ledgerId) {}

Status Ledger::open(Storage& storage, const LedgerOptions& options, std::unique_ptr<Ledger>* ledger,
                    JournalReport* report) {
  auto opened = std::unique_ptr<Ledger>(new Ledger(storage, options));
  Status status = StateLock::acquire(storage, options.folder, options.processId, &opened->lock_);
  if (status.ok()) status = opened->prepareFolders();
  if (!status.ok()) return status;
  JournalOptions journal;
  journal.folder = options.folder + "/journal";
  journal.ledgerId = options.ledgerId;
  journal.segmentBytes = options.segmentBytes;
  status = Journal::open(storage, journal, &opened->journal_, report);
  uint64_t tilesDurable = 0;
  if (status.ok()) status = opened->restore(&tilesDurable);
  if (status.ok()) status = opened->replay(tilesDurable);
  if (status.ok()) *ledger = std::move(opened);
  return status;
}

Status Ledger::prepareFolders() {
  Status status = ensureFolder(storage_, options_.folder, "journal");
  if (status.ok()) status = ensureFolder(storage_, options_.folder, "lookup");
  return status;
}

// Takes the newest snapshot that the journal agrees with, where its places are all there.
Status Ledger::restore(uint64_t* tilesDurable) {
  Status status;
  if (journal_->firstSegment() != 0) {
    const SegmentPath first{options_.folder + "/journal", journal_->firstSegment()};
    status = findHeld(storage_, first, options_.ledgerId, &held_);
    tiles_.setRetired(held_.firstIndex);
  }
  std::optional<ReplayStart> start;
  if (status.ok()) status = snapshots_.find(*journal_, &start, &notes_);
  if (!status.ok()) return status;
  if (!start && !held_.isWhole())
    return askForRetired(storage_, {options_.folder, options_.ledgerId}, held_);
  const std::string folder = options_.folder + "/lookup";
  if (!start) return Places::open(storage_, folder, {}, &places_);
  status = Places::open(storage_, folder, start->places, &places_);
  if (status.code == Code::kLookupDamaged) {
    notes_.push_back("lookup files are made again from the journal: " + status.message);
    snapshots_.giveUp();
    if (held_.isWhole()) return Places::open(storage_, folder, {}, &places_);
    const uint64_t beforeRecord = start->position.record;
    takeStart(std::move(*start), tilesDurable);
    return remakePlaces(beforeRecord);
  }
  if (status.ok()) takeStart(std::move(*start), tilesDurable);
  return status;
}

void Ledger::takeStart(ReplayStart&& start, uint64_t* tilesDurable) {
  opening_.snapshot = start.position.segment;
  opening_.replayedFrom = start.position;
  opening_.neededFrom = start.lastGroup.segment;
  lastGroup_ = start.lastGroup;
  *tilesDurable = start.tilesDurable;
  chunks_.restore(start.chunks);
  state_ = std::move(start.state);
}

Status Ledger::replay(uint64_t tilesDurable) {
  if (options_.syncsTiles) tiles_.leaveSyncsToOwner();
  tiles_.setSources({[this](uint64_t first, uint64_t count, std::vector<uint8_t>* bundle) {
                       return readEntries(first, count, bundle);
                     },
                     &state_.tree(),
                     [this](std::string note) { notes_.push_back(std::move(note)); }});
  Status status = tiles_.open(state_.size(), tilesDurable);
  if (!status.ok()) return status;
  JournalReader reader(storage_, options_.folder + "/journal", options_.ledgerId);
  if (opening_.snapshot) {
    reader.seek(opening_.replayedFrom);
  } else {
    status = reader.rewind();
    opening_.replayedFrom = reader.position();
  }
  reader.limit(journal_->durableBefore());
  for (Step step = Step::kRecord; status.ok() && step == Step::kRecord;) {
    Record record;
    status = reader.next(&step, &record);
    if (!status.ok() || step != Step::kRecord) break;
    ++opening_.replayedRecords;
    if (record.type == RecordType::kGroup) {
      status = replayGroup(record);
    } else if (record.type == RecordType::kBodyChunk) {
      chunks_.noteRecord(record.payload);
    } else if (record.type != RecordType::kStop) {
      places_->addRecord({record.type, record.position, state_.size(), {}});
    }
    if (status.ok()) status = places_->writeHeld();
  }
  if (status.ok()) status = checkHeld();
  return status.ok() ? tiles_.checkMark(state_.size()) : status;
}

// Segments may be missing at the journal's beginning only where the newest record of a retirement
// says so. It is found through the snapshot, and read from the journal itself.
Status Ledger::checkHeld() {
  if (held_.isWhole()) return {};
  std::vector<StoredRecord> records;
  Status status = readRecords(RecordType::kRetired, {1}, &records);
  if (!status.ok()) return status;
  const auto mark = records.empty() ? std::nullopt : decodeRetired(records.front().bytes);
  if (!mark || !allows(*mark, held_)) return missingBefore(held_, options_.folder);
  held_.advice = mark->advice();
  return {};
}

Status Ledger::replayGroup(const Record& record) {
  const auto group = GroupView::parse(record.payload);
  const std::string where = "record " + std::to_string(record.position.record) + ": ";
  if (!group || group->firstIndex() != state_.size()) {
    return failure(Code::kCorrupt, where + "not the next group of entries");
  }
  Status status;
  group->forEachEntry([&](Bytes entry) {
    status = replayEntry(entry);
    return status.ok();
  });
  if (!status.ok()) {
    status.message = where + status.message;
    return status;
  }
  if (state_.insideStatement() || state_.root() != group->root()) {
    return failure(Code::kCorrupt, where + "its entries do not give the root it was written with");
  }
  places_->addGroup({group->firstIndex(), record.position});
  lastGroup_ = record.position;
  chunks_.noteGroup(*group);
  return tiles_.add(state_.tree().takeFullTiles());
}

Status Ledger::replayEntry(Bytes entry) {
  Status status = state_.append(entry);
  if (!status.ok()) return status;
  const uint64_t index = state_.size() - 1;
  if (state_.lastOfKind(EntryKind::kStatement) != index) return {};
  const auto view = decodeEntry(entry);
  const auto fields = readStatementFields(view->fields);
  submission::Statement statement;
  submission::parseStatement(fields->cose, statement);
  noteStatement(fields->sessionIndex, statement.firstSequence);
  return {};
}

// The statement just appended can be found by its sequence numbers from now on.
void Ledger::noteStatement(uint64_t sessionIndex, uint64_t firstSequence) {
  SessionState& session = *state_.sessionAt(sessionIndex);
  StatementPlace place;
  place.index = state_.size() - 1;
  place.firstSequence = firstSequence;
  session.lastStatement = places_->addStatement(session.lastStatement, place);
}

Status Ledger::appendRecord(RecordType type, Bytes bytes) {
  Status status = checkOpen();
  if (!status.ok()) return status;
  if (type != RecordType::kCheckpoint && type != RecordType::kPrepare &&
      type != RecordType::kScopeKey) {
    return failure(Code::kBadArgument, "records of this type are the ledger's own");
  }
  const Bytes parts[] = {bytes};
  Position position;
  status = journal_->append({type, parts, false}, &position);
  if (status.ok()) status = journal_->sync();
  if (!status.ok()) return fail(status);
  places_->addRecord({type, position, state_.size(), {}});
  return fail(keepSnapshot());
}

Status Ledger::stop() {
  Status status = checkOpen();
  if (status.ok()) status = journal_->stop();
  if (status.ok()) status = finishSnapshot();
  if (!status.ok()) return fail(status);
  ended_ = failure(Code::kClosed, "it was stopped");
  status = tiles_.markDurable();
  lock_.reset();
  return status;
}

Status Ledger::checkOpen() const {
  if (!ended_) return {};
  return failure(Code::kClosed, "the ledger has ended: " + ended_->message);
}

Status Ledger::fail(Status status) {
  if (status.fatal()) ended_ = status;
  return status;
}

}  // namespace kudurru
