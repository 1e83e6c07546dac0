#include "core/ledger/places.h"

#include <array>

#include "core/journal/big-endian.h"

namespace kudurru {
namespace {

constexpr size_t kGroupPlaceBytes = 28;
constexpr size_t kRecordPlaceBytes = 29;
constexpr size_t kStatementPlaceBytes = 40;

void putPosition(uint8_t* at, const Position& position) {
  put32(at, position.segment);
  put64(at + 4, position.offset);
  put64(at + 12, position.record);
}

Position getPosition(const uint8_t* at) { return {get32(at), get64(at + 4), get64(at + 12)}; }

}  // namespace

Status Places::open(Storage& storage, const std::string& folder, std::unique_ptr<Places>* out) {
  auto places = std::unique_ptr<Places>(new Places());
  Status status = PlaceFile::open(storage, folder + "/groups", kGroupPlaceBytes, &places->groups_);
  if (status.ok()) {
    status = PlaceFile::open(storage, folder + "/records", kRecordPlaceBytes, &places->records_);
  }
  if (status.ok()) {
    status = PlaceFile::open(storage, folder + "/statements", kStatementPlaceBytes,
                             &places->statements_);
  }
  if (status.ok()) *out = std::move(places);
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
  Status status = groups_->read(number, bytes);
  *place = {get64(&bytes[0]), getPosition(&bytes[8])};
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

void Places::addRecord(const RecordPlace& place) {
  std::array<uint8_t, kRecordPlaceBytes> bytes;
  bytes[0] = static_cast<uint8_t>(place.type);
  putPosition(&bytes[1], place.position);
  put64(&bytes[21], place.treeSize);
  records_->append(bytes);
}

Status Places::readRecord(uint64_t number, RecordPlace* place) const {
  std::array<uint8_t, kRecordPlaceBytes> bytes;
  Status status = records_->read(number, bytes);
  *place = {static_cast<RecordType>(bytes[0]), getPosition(&bytes[1]), get64(&bytes[21])};
  return status;
}

Status Places::readStatement(uint64_t number, StatementPlace* place) const {
  std::array<uint8_t, kStatementPlaceBytes> bytes;
  Status status = statements_->read(number, bytes);
  *place = {get64(&bytes[0]), get64(&bytes[8]), get64(&bytes[16]), get64(&bytes[24]),
            get64(&bytes[32])};
  return status;
}

// Steps are those of a skew-binary list: a place jumps twice as far as the two before it where
// these jumped equally far, else one back.
Status Places::addStatement(std::optional<uint64_t> last, StatementPlace place, uint64_t* number) {
  *number = statements_->count();
  place.depth = 0;
  place.before = place.jump = *number;
  if (last) {
    StatementPlace before;
    StatementPlace far;
    StatementPlace further;
    Status status = readStatement(*last, &before);
    if (status.ok()) status = readStatement(before.jump, &far);
    if (status.ok()) status = readStatement(far.jump, &further);
    if (!status.ok()) return status;
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
  return {};
}

Status Places::findStatement(uint64_t last, uint64_t sequence, StatementPlace* place) const {
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

Status Places::writeHeld() {
  Status status = groups_->writeHeld();
  if (status.ok()) status = records_->writeHeld();
  if (status.ok()) status = statements_->writeHeld();
  return status;
}

}  // namespace kudurru
