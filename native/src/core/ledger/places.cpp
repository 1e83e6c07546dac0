#include "core/ledger/places.h"

#include <array>

#include "core/journal/big-endian.h"

namespace kudurru {
namespace {

constexpr size_t kGroupPlaceBytes = 28;
constexpr size_t kRecordPlaceBytes = 37;
constexpr uint64_t kNone = UINT64_MAX;
constexpr size_t kStatementPlaceBytes = 40;

void putPosition(uint8_t* at, const Position& position) {
  put32(at, position.segment);
  put64(at + 4, position.offset);
  put64(at + 12, position.record);
}

Position getPosition(const uint8_t* at) { return {get32(at), get64(at + 4), get64(at + 12)}; }

}  // namespace

Status Places::open(Storage& storage, const std::string& folder, const PlaceCounts& counts,
                    std::unique_ptr<Places>* out) {
  auto places = std::unique_ptr<Places>(new Places());
  Status status = PlaceFile::open(storage, {folder + "/groups", kGroupPlaceBytes}, counts.groups,
                                  &places->groups_);
  if (status.ok()) {
    status = PlaceFile::open(storage, {folder + "/records", kRecordPlaceBytes}, counts.records,
                             &places->records_);
  }
  if (status.ok()) {
    status = PlaceFile::open(storage, {folder + "/statements", kStatementPlaceBytes},
                             counts.statements, &places->statements_);
  }
  places->lastOfType_ = counts.lastOfType;
  if (status.ok()) *out = std::move(places);
  return status;
}

PlaceCounts Places::counts() const {
  return {groups_->count(), records_->count(), statements_->count(), lastOfType_};
}

Status Places::note(Status status) const {
  isDamaged_ = isDamaged_ || status.code == Code::kLookupDamaged;
  return status;
}

void Places::addGroup(const GroupPlace& place) {
  std::array<uint8_t, kGroupPlaceBytes> bytes;
  put64(&bytes[0], place.firstIndex);
  putPosition(&bytes[8], place.position);
  groups_->append(bytes);
}

Status Places::readGroup(uint64_t number, GroupPlace* place) const {
  std::array<uint8_t, kGroupPlaceBytes> bytes;
  Status status = note(groups_->read(number, bytes));
  if (status.ok()) *place = {get64(&bytes[0]), getPosition(&bytes[8])};
  return status;
}

Status Places::findGroup(uint64_t index, GroupPlace* place) const {
  uint64_t low = 0;
  uint64_t high = groups_->count();
  while (high - low > 1) {
    const uint64_t middle = low + (high - low) / 2;
    Status status = readGroup(middle, place);
    if (!status.ok()) return status;
    (place->firstIndex <= index ? low : high) = middle;
  }
  return readGroup(low, place);
}

void Places::addRecord(RecordPlace place) {
  const uint8_t type = static_cast<uint8_t>(place.type);
  std::array<uint8_t, kRecordPlaceBytes> bytes;
  bytes[0] = type;
  putPosition(&bytes[1], place.position);
  put64(&bytes[21], place.treeSize);
  put64(&bytes[29], lastRecord(place.type).value_or(kNone));
  lastOfType_[type] = records_->count();
  records_->append(bytes);
}

std::optional<uint64_t> Places::lastRecord(RecordType type) const {
  const auto last = lastOfType_.find(static_cast<uint8_t>(type));
  if (last == lastOfType_.end()) return std::nullopt;
  return last->second;
}

Status Places::readRecord(uint64_t number, RecordPlace* place) const {
  std::array<uint8_t, kRecordPlaceBytes> bytes;
  Status status = note(records_->read(number, bytes));
  if (!status.ok()) return status;
  *place = {static_cast<RecordType>(bytes[0]), getPosition(&bytes[1]), get64(&bytes[21]), {}};
  const uint64_t before = get64(&bytes[29]);
  if (before != kNone) place->before = before;
  return {};
}

Status Places::readStatement(uint64_t number, StatementPlace* place) const {
  std::array<uint8_t, kStatementPlaceBytes> bytes;
  Status status = note(statements_->read(number, bytes));
  if (!status.ok()) return status;
  *place = {get64(&bytes[0]), get64(&bytes[8]), get64(&bytes[16]), get64(&bytes[24]),
            get64(&bytes[32])};
  return {};
}

// Steps are those of a skew-binary list: a place jumps twice as far as the two before it where
// these jumped equally far, else one back. Where one of these is damaged the new place only keeps
// the count: all are made again before anything is looked up.
uint64_t Places::addStatement(std::optional<uint64_t> last, StatementPlace place) {
  const uint64_t number = statements_->count();
  place.depth = 0;
  place.before = place.jump = number;
  StatementPlace before;
  StatementPlace far;
  StatementPlace further;
  if (last && readStatement(*last, &before).ok() && readStatement(before.jump, &far).ok() &&
      readStatement(far.jump, &further).ok()) {
    place.depth = before.depth + 1;
    place.before = *last;
    const bool equallyFar = before.depth - far.depth == far.depth - further.depth;
    place.jump = equallyFar ? far.jump : *last;
  }
  std::array<uint8_t, kStatementPlaceBytes> bytes;
  put64(&bytes[0], place.index);
  put64(&bytes[8], place.firstSequence);
  put64(&bytes[16], place.depth);
  put64(&bytes[24], place.before);
  put64(&bytes[32], place.jump);
  statements_->append(bytes);
  return number;
}

Status Places::findStatement(uint64_t last, uint64_t sequence, StatementPlace* place) const {
  if (isDamaged_) return failure(Code::kLookupDamaged, "the places of statements are damaged");
  Status status = readStatement(last, place);
  while (status.ok() && place->firstSequence > sequence) {
    if (place->depth == 0) return failure(Code::kNotFound, "no statement covers this sequence");
    StatementPlace far;
    status = readStatement(place->jump, &far);
    if (!status.ok()) return status;
    if (far.firstSequence > sequence) {
      *place = far;
    } else {
      status = readStatement(place->before, place);
    }
  }
  return status;
}

Status Places::sync(unsigned file) {
  PlaceFile* const files[kFileCount] = {groups_.get(), records_.get(), statements_.get()};
  return files[file]->sync();
}

Status Places::writeHeld() {
  Status status = groups_->writeHeld();
  if (status.ok()) status = records_->writeHeld();
  if (status.ok()) status = statements_->writeHeld();
  return status;
}

}  // namespace kudurru
