#include "core/ledger/retirement.h"

#include <algorithm>

namespace kudurru {

Status Retirement::begin(const RetireAsked& asked) {
  Status status = ledger_.checkOpen();
  std::vector<StoredRecord> records;
  if (status.ok()) status = ledger_.readRecords(RecordType::kRetired, {1}, &records);
  if (!status.ok()) return status;
  const auto newest = records.empty() ? std::nullopt : decodeRetired(records.front().bytes);
  if (newest && ledger_.journal_->firstSegment() < newest->nextSegment()) {
    mark_ = *newest;
    if (mark_.folder != asked.folder) {
      return failure(Code::kBadArgument,
                     "a retirement to '" + mark_.folder + "' is not finished: name that folder");
    }
  } else {
    status = choose(asked);
    if (status.ok()) status = measure();
    if (status.ok()) status = carry();
    if (status.ok()) status = append(RecordType::kRetired, encodeRetired(mark_));
    if (status.ok()) status = ledger_.journal_->sync();
  }
  if (status.ok()) status = finish(asked.wasStopped);
  next_ = std::max(mark_.firstSegment, ledger_.journal_->firstSegment());
  return ledger_.fail(status);
}

// Sealed segments wholly below all that is asked and known, and not needed for a start.
Status Retirement::choose(const RetireAsked& asked) {
  const uint64_t inBundles = ledger_.tiles_.durableSize() / kTileWidth * kTileWidth;
  const uint64_t size = ledger_.state_.size();
  const uint64_t below = std::min({asked.before, asked.anchored, inBundles, size});
  const uint32_t first = ledger_.journal_->firstSegment();
  uint32_t end = first;
  if (below > ledger_.held_.firstIndex && ledger_.opening_.snapshot) {
    GroupView group;
    Status status = ledger_.readGroup(std::min(below, size - 1), &group);
    if (!status.ok()) return status;
    end = std::min(ledger_.read_.place.position.segment, ledger_.opening_.neededFrom);
  }
  if (end <= first) {
    return failure(Code::kNotFound,
                   "no segment can be retired: all of a segment's entries must be below " +
                       std::to_string(asked.before) + " (asked), " +
                       std::to_string(asked.anchored) + " (anchored) and " +
                       std::to_string(inBundles) +
                       " (in durable bundles), and a start needs the segments from " +
                       std::to_string(ledger_.opening_.neededFrom) + " on");
  }
  end = std::min(end, first + kRetiredAtOnceMax);
  HeldRange rest;
  const SegmentPath from{ledger_.options_.folder + "/journal", end};
  Status status = findHeld(ledger_.storage_, from, ledger_.options_.ledgerId, &rest);
  mark_ = {first, rest.firstIndex, rest.firstRecord, asked.folder, std::vector<Hash>(end - first)};
  return status;
}

Status Retirement::measure() {
  uint32_t segment = mark_.firstSegment;
  for (Hash& digest : mark_.files) {
    const std::string name = segmentName(segment++);
    FileFacts facts;
    FileFacts there;
    Status status =
        readFileFacts(ledger_.storage_, ledger_.options_.folder + "/journal/" + name, &facts);
    if (!status.ok()) return status;
    digest = facts.digest;
    status = readFileFacts(ledger_.storage_, mark_.folder + "/" + name, &there);
    if (status.ok() && there.digest != digest) {
      return failure(Code::kBadArgument,
                     "'" + mark_.folder + "/" + name + "' is another file: name another folder");
    }
    if (!status.ok() && status.code != Code::kNotFound) return status;
  }
  return {};
}

// What a start or a check needs of the records that go: appended again.
Status Retirement::carry() {
  struct Carried {
    RecordType type;
    uint64_t newest;
  };
  constexpr Carried kCarried[] = {{RecordType::kScopeKey, UINT64_MAX},
                                  {RecordType::kPrepare, 1},
                                  {RecordType::kCheckpoint, 1},
                                  {RecordType::kRetired, UINT64_MAX}};
  for (const Carried& carried : kCarried) {
    RecordsAsked asked;
    asked.newest = carried.newest;
    std::vector<StoredRecord> records;
    Status status = ledger_.readRecords(carried.type, asked, &records);
    for (const StoredRecord& record : records) {
      const bool goes = record.record < mark_.firstRecord;
      if (status.ok() && goes) status = append(carried.type, record.bytes);
    }
    if (!status.ok()) return status;
  }
  return {};
}

Status Retirement::append(RecordType type, Bytes bytes) {
  const Bytes parts[] = {bytes};
  Position position;
  Status status = ledger_.journal_->append({type, parts, false}, &position);
  if (status.ok()) ledger_.places_->addRecord({type, position, ledger_.state_.size(), {}});
  return status;
}

// A journal that did not end in order still does not: the next start says so.
Status Retirement::finish(bool wasStopped) {
  Status status = wasStopped ? ledger_.journal_->stop() : Status{};
  if (status.ok()) status = ledger_.finishSnapshot();
  if (status.ok()) ledger_.ended_ = failure(Code::kClosed, "its segments are being retired");
  return status;
}

Status Retirement::moveNext(uint64_t* bytes) {
  const std::string journal = ledger_.options_.folder + "/journal";
  Status status = moveRetired(ledger_.storage_, journal, mark_, next_, bytes);
  if (status.ok()) ++next_;
  return status;
}

}  // namespace kudurru
