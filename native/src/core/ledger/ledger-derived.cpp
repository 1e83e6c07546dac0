// What is derived from the journal and kept beside it: snapshots made as the ledger goes on, and
// lookup files made again when they turn out to be damaged.
#include "core/entry/entry-fields.h"
#include "core/ledger/ledger.h"
#include "core/submission/statement.h"

namespace kudurru {
namespace {

// Gives places to what a walk through the journal meets, with the numbers that they had.
class PlaceMaker {
 public:
  PlaceMaker(Places& places, uint64_t firstIndex) : places_(places), size_(firstIndex) {}

  // Number of the last statement of an open session; none where it has none in the journal.
  std::optional<uint64_t> lastOf(uint64_t sessionIndex) const {
    const auto known = last_.find(sessionIndex);
    return known == last_.end() ? std::nullopt : std::optional(known->second);
  }

  Status take(const Record& record) {
    if (record.type == RecordType::kStop || record.type == RecordType::kBodyChunk) return {};
    if (record.type != RecordType::kGroup) {
      places_.addRecord({record.type, record.position, size_, {}});
      return {};
    }
    const auto group = GroupView::parse(record.payload);
    if (!group || group->firstIndex() != size_) {
      return failure(Code::kCorrupt, "record " + std::to_string(record.position.record) +
                                         ": not the next group of entries");
    }
    places_.addGroup({size_, record.position});
    group->forEachEntry([this](Bytes entry) {
      takeEntry(entry);
      return true;
    });
    return {};
  }

 private:
  void takeEntry(Bytes entry) {
    const uint64_t index = size_++;
    const auto view = decodeEntry(entry);
    if (!view) return;
    if (view->head.kind == EntryKind::kSessionClose) {
      if (const auto close = readSessionClose(view->fields)) last_.erase(close->sessionIndex);
    }
    if (view->head.kind != EntryKind::kStatement) return;
    const auto fields = readStatementFields(view->fields);
    submission::Statement statement;
    if (!fields || submission::parseStatement(fields->cose, statement)) return;
    const auto last = lastOf(fields->sessionIndex);
    StatementPlace place;
    place.index = index;
    place.firstSequence = statement.firstSequence;
    last_[fields->sessionIndex] = places_.addStatement(last, place);
  }

  Places& places_;
  uint64_t size_;
  std::unordered_map<uint64_t, uint64_t> last_;  // open session → number of its last statement
};

}  // namespace

// All that the ledger has taken is in the journal now, if not yet durable.
Status Ledger::rebuildPlaces() {
  notes_.push_back("lookup files were damaged and are made again from the journal");
  snapshots_.giveUp();
  read_.bytes.clear();
  read_.segment.reset();
  return remakePlaces(journal_->nextRecord());
}

// From what the journal holds. Where segments were retired the numbers are others than before, so
// the open sessions get theirs anew.
Status Ledger::remakePlaces(uint64_t beforeRecord) {
  std::unique_ptr<Places> fresh;
  Status status = Places::open(storage_, options_.folder + "/lookup", {}, &fresh);
  if (!status.ok()) return status;
  PlaceMaker maker(*fresh, held_.firstIndex);
  JournalReader reader(storage_, options_.folder + "/journal", options_.ledgerId);
  status = reader.rewind();
  reader.limit(beforeRecord);
  for (Step step = Step::kRecord; status.ok() && step == Step::kRecord;) {
    Record record;
    status = reader.next(&step, &record);
    if (status.ok() && step == Step::kRecord) status = maker.take(record);
    if (status.ok()) status = fresh->writeHeld();
  }
  if (!status.ok()) return status;
  places_ = std::move(fresh);
  for (const SessionState& session : state_.openSessions()) {
    state_.sessionAt(session.index)->lastStatement = maker.lastOf(session.index);
  }
  return {};
}

// One bounded piece of a snapshot, begun once a segment; called between groups only.
Status Ledger::keepSnapshot() {
  const Position next = journal_->position();
  if (snapshots_.isDue(next.segment) && state_.size() != 0) {
    std::vector<uint8_t> state;
    state_.encode(&state);
    snapshots_.begin({options_.ledgerId, next, lastGroup_, places_->counts(), tiles_.durableSize(),
                      chunks_.counts(), state});
  }
  Status status = snapshots_.step(*places_, *journal_);
  if (status.code != Code::kDiskFull) return status;
  notes_.push_back("no snapshot made: " + status.message);
  return {};
}

// A snapshot of the ledger's end: the next start replays nothing.
Status Ledger::finishSnapshot() {
  snapshots_.giveUp();
  Status status = keepSnapshot();
  while (status.ok() && snapshots_.isWriting()) status = keepSnapshot();
  return status;
}

}  // namespace kudurru
