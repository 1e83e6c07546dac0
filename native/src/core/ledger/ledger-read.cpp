// Reading back. Everything comes from the journal's bytes, whose checksums are checked again at
// each read of a group; hashes come from tiles.
#include <algorithm>
#include <unordered_set>

#include "core/journal/big-endian.h"
#include "core/ledger/chunk-reader.h"
#include "core/ledger/ledger.h"

namespace kudurru {

// While a group is under way, what is in it is in no journal yet: places cannot be made again now.
template <class LookUp>
Status Ledger::lookUp(LookUp&& attempt) {
  Status status = attempt();
  if (status.code != Code::kLookupDamaged || !group_.empty()) return status;
  status = rebuildPlaces();
  if (status.ok()) status = attempt();
  if (status.code == Code::kLookupDamaged) return failure(Code::kCorrupt, status.message);
  return status;
}

// The group is valid until the next read.
Status Ledger::readGroup(uint64_t index, GroupView* group) {
  if (index >= state_.size() || (!group_.empty() && index >= group_.firstIndex())) {
    return failure(Code::kNotFound, "the ledger has no entry " + std::to_string(index));
  }
  return lookUp([&] { return lookUpGroup(index, group); });
}

Status Ledger::lookUpGroup(uint64_t index, GroupView* group) {
  GroupPlace place;
  Status status = places_->findGroup(index, &place);
  if (!status.ok()) return status;
  if (read_.bytes.empty() || place.position != read_.place.position) {
    Record record;
    status = readRecord(place.position, &record);
    if (!status.ok()) return status;
    read_.bytes.assign(record.payload.begin(), record.payload.end());
    read_.place = place;
  }
  const auto parsed = GroupView::parse(read_.bytes);
  if (!parsed || index < parsed->firstIndex() || index >= parsed->treeSize()) {
    places_->noteDamaged();
    return failure(Code::kLookupDamaged,
                   "the place of entry " + std::to_string(index) + " is another group's");
  }
  *group = *parsed;
  return {};
}

// The record is valid until the next read. A place where the journal has none may be damaged: then
// the look-up after all places were made again tells which of the two it was.
Status Ledger::readRecord(const Position& position, Record* record) {
  Status status;
  if (!read_.segment || read_.segment->header().segment != position.segment) {
    read_.segment.reset();
    SegmentPath path{options_.folder + "/journal", position.segment};
    path.windowBytes = kRandomWindowBytes;
    status = SegmentFile::open(storage_, path, &read_.segment);
    if (!status.ok()) return status;
  }
  std::optional<Record> found;
  status = read_.segment->read(position, &found);
  if (status.ok() && !found) {
    // What was read ahead may be older than this record.
    read_.segment->forget();
    status = read_.segment->read(position, &found);
  }
  if (!status.ok()) return status;
  if (!found) {
    places_->noteDamaged();
    return failure(Code::kLookupDamaged, "record " + std::to_string(position.record) + " in '" +
                                             read_.segment->path() + "' at offset " +
                                             std::to_string(position.offset) + " is damaged");
  }
  *record = *found;
  return {};
}

Status Ledger::readEntry(uint64_t index, std::vector<uint8_t>* entry) {
  if (index < held_.firstIndex) {
    entry->clear();
    Status status = readEntries(index, 1, entry);
    if (status.ok()) entry->erase(entry->begin(), entry->begin() + 2);
    return status;
  }
  GroupView group;
  Status status = readGroup(index, &group);
  if (!status.ok()) return status;
  const Bytes bytes = group.entry(static_cast<uint32_t>(index - group.firstIndex()));
  entry->assign(bytes.begin(), bytes.end());
  return {};
}

Status Ledger::readEntries(uint64_t first, uint64_t count, std::vector<uint8_t>* entries) {
  if (recent_.read(first, count, entries)) return {};
  for (uint64_t index = first; index - first < count;) {
    GroupView group;
    const bool isRetired = index < held_.firstIndex;
    Status status =
        isRetired ? tiles_.readRetired(&index, first + count, entries) : readGroup(index, &group);
    if (status.code == Code::kNotHeld) status.message += ": " + held_.advice;
    if (!status.ok()) return status;
    if (isRetired) continue;
    uint64_t at = group.firstIndex();
    group.forEachEntry([&](Bytes entry) {
      if (at++ < index) return true;
      entries->insert(entries->end(), entry.data() - 2, entry.data() + entry.size());
      return ++index - first < count;
    });
  }
  return {};
}

Status Ledger::openBody(uint64_t index, uint8_t field, std::vector<uint8_t>* plain) {
  if (index < held_.firstIndex) return held_.gone("the body of entry " + std::to_string(index));
  GroupView group;
  Status status = readGroup(index, &group);
  if (!status.ok()) return status;
  const uint32_t place = static_cast<uint32_t>(index - group.firstIndex());
  std::optional<SealedBody> found;
  group.forEachBody([&](const SealedBody& body) {
    if (body.entry == place && body.field == field) found = body;
    return !found;
  });
  const std::string name = "body " + std::to_string(field) + " of entry " + std::to_string(index);
  if (!found) return failure(Code::kNotFound, name + " is not held");
  const auto key = scopeKeys_.find(std::string(found->scope));
  if (key == scopeKeys_.end()) {
    return failure(Code::kNotFound, name + ": its scope has no key, or no longer");
  }
  if (found->isChunked) {
    const auto list = ChunkList::parse(found->sealed);
    if (list->at(0).segment < held_.firstSegment) return held_.gone(name);
    ChunkReader reader(storage_, options_.folder + "/journal");
    status = reader.openWhole(*found, key->second, plain);
    if (!status.ok()) status.message = name + ": " + status.message;
    return status;
  }
  if (found->sealed.size() <= kSealedOverheadBytes) {
    return failure(Code::kCorrupt, name + " is cut short");
  }
  plain->resize(found->sealed.size() - kTagSizeBytes);
  if (cipher_.open({key->second, found->digest}, found->sealed, *plain)) return {};
  return failure(Code::kCorrupt, name + " does not open: it is damaged, or its key is another");
}

Status Ledger::readRecords(RecordType type, const RecordsAsked& asked,
                           std::vector<StoredRecord>* records) {
  return lookUp([&] { return lookUpRecords(type, asked, records); });
}

Status Ledger::lookUpRecords(RecordType type, const RecordsAsked& asked,
                             std::vector<StoredRecord>* records) {
  records->clear();
  for (auto number = places_->lastRecord(type); number && records->size() < asked.newest;) {
    RecordPlace place;
    Status status = places_->readRecord(*number, &place);
    if (!status.ok()) return status;
    if (place.position.record < asked.fromRecord) break;
    if (place.position.segment < held_.firstSegment) break;
    number = place.before;
    if (place.position.record >= asked.beforeRecord) continue;
    Record record;
    status = readRecord(place.position, &record);
    if (!status.ok()) return status;
    if (record.type != type || place.type != type) {
      places_->noteDamaged();
      return failure(Code::kLookupDamaged, "the place of a record is that of another type");
    }
    records->push_back(
        {place.position.record, place.treeSize, {record.payload.begin(), record.payload.end()}});
  }
  std::ranges::reverse(*records);
  return {};
}

Status Ledger::groupOf(uint64_t index, uint64_t* treeSize, Hash* root) {
  if (index < held_.firstIndex) return held_.gone("the group of entry " + std::to_string(index));
  GroupView group;
  Status status = readGroup(index, &group);
  if (!status.ok()) return status;
  *treeSize = group.treeSize();
  *root = group.root();
  return {};
}

NodeSource Ledger::nodes() {
  return [this](unsigned level, uint64_t index, Hash* hash) {
    return tiles_.node(level, index, hash);
  };
}

Status Ledger::tilesSynced(uint64_t size, int error) {
  Status status = checkOpen();
  if (!status.ok()) return status;
  if (error != 0) {
    return fail(systemFailure(Code::kIoFailed, "cannot sync '" + options_.folder + "'", error));
  }
  return fail(tiles_.noteSynced(size));
}

Status Ledger::writeRoom() {
  Status status = checkOpen();
  return status.ok() ? fail(journal_->writeRoom()) : status;
}

Status Ledger::writeNextFile() {
  Status status = checkOpen();
  return status.ok() ? fail(tiles_.writeNext(state_.size())) : status;
}

Status Ledger::publish(uint64_t size) {
  Status status = checkOpen();
  return status.ok() ? fail(tiles_.publish(size)) : status;
}

Status Ledger::remakeTile(const TileName& name, std::vector<uint8_t>* bytes) {
  Status status = checkOpen();
  // A reader of the log ends nothing: what cannot be made again is its answer.
  return status.ok() ? tiles_.remake(name, bytes) : status;
}

std::vector<std::string> Ledger::missingScopes(const intake::Batch& batch) const {
  std::unordered_set<std::string> missing;
  for (const intake::ChunkItem& chunk : batch.chunks) {
    if (!scopeKeys_.contains(chunk.body->scope)) missing.insert(chunk.body->scope);
  }
  for (const intake::SubmitItem& item : batch.items) {
    if (!item.mayBeNew()) continue;
    for (const submission::Body& body : item.parsed.bodies) {
      const std::string scope(body.scope);
      if (!scopeKeys_.contains(scope)) missing.insert(scope);
    }
  }
  return {missing.begin(), missing.end()};
}

}  // namespace kudurru
