#include "core/ledger/place-file.h"

#include <algorithm>
#include <array>
#include <cerrno>

#include "core/journal/big-endian.h"
#include "core/journal/crc32c.h"

namespace kudurru {
namespace {

constexpr size_t kHeldBytesMax = 64 * 1024;
constexpr size_t kSlotBytesMax = 64;

Status openFailure(const std::string& path, int error) {
  const bool isFull = error == ENOSPC || error == EDQUOT;
  return systemFailure(isFull ? Code::kDiskFull : Code::kFolderUnusable,
                       "cannot make '" + path + "'", error);
}

}  // namespace

Status PlaceFile::open(Storage& storage, const PlaceFileForm& form, uint64_t count,
                       std::unique_ptr<PlaceFile>* out) {
  OpenResult opened = storage.open(form.path, OpenMode::kCreate);
  if (opened.error != 0) return openFailure(form.path, opened.error);
  auto file = std::unique_ptr<PlaceFile>(new PlaceFile(std::move(opened.file), form, count));
  const IoResult size = file->file_->size();
  const uint64_t expected = count * file->slotBytes();
  if (size.error == 0 && size.value < expected) {
    return failure(Code::kLookupDamaged, "'" + form.path + "' has " + std::to_string(size.value) +
                                             " bytes where " + std::to_string(expected) +
                                             " were written");
  }
  const int error = size.error == 0 ? file->file_->truncate(expected) : size.error;
  if (error != 0) return openFailure(form.path, error);
  *out = std::move(file);
  return {};
}

uint32_t PlaceFile::checksumOf(uint64_t number, Bytes place) const {
  std::array<uint8_t, 8> name;
  put64(name.data(), number);
  return crc32c(name, crc32c(place));
}

void PlaceFile::append(Bytes place) {
  const uint32_t checksum = checksumOf(count(), place);
  held_.insert(held_.end(), place.begin(), place.end());
  held_.resize(held_.size() + sizeof checksum);
  put32(held_.data() + held_.size() - sizeof checksum, checksum);
}

Status PlaceFile::read(uint64_t number, MutableBytes place) const {
  if (number >= count()) {
    return failure(Code::kLookupDamaged, "'" + form_.path + "' has no place of that number");
  }
  if (number >= written_) {
    const size_t at = static_cast<size_t>(number - written_) * slotBytes();
    std::copy_n(held_.begin() + static_cast<ptrdiff_t>(at), form_.placeBytes, place.begin());
    return {};
  }
  std::array<uint8_t, kSlotBytesMax> slot;
  const MutableBytes bytes = MutableBytes(slot).first(slotBytes());
  const IoResult got = readAll(*file_, bytes, number * slotBytes());
  const Bytes read = Bytes(bytes).first(form_.placeBytes);
  if (got.error != 0 || got.value != slotBytes() ||
      get32(&slot[form_.placeBytes]) != checksumOf(number, read)) {
    return failure(Code::kLookupDamaged,
                   "place " + std::to_string(number) + " in '" + form_.path + "' is damaged");
  }
  std::copy(read.begin(), read.end(), place.begin());
  return {};
}

Status PlaceFile::writeHeld(bool force) {
  if (held_.empty() || (!force && held_.size() < kHeldBytesMax)) return {};
  const int error = writeAll(*file_, held_, written_ * slotBytes());
  if (error == ENOSPC || error == EDQUOT) return {};
  if (error != 0) return systemFailure(Code::kIoFailed, "cannot write '" + form_.path + "'", error);
  written_ = count();
  held_.clear();
  return {};
}

Status PlaceFile::sync() {
  Status status = writeHeld(true);
  if (!status.ok()) return status;
  if (!held_.empty()) return failure(Code::kDiskFull, "no room for '" + form_.path + "'");
  const int error = file_->syncData();
  if (error == 0) return {};
  return systemFailure(Code::kIoFailed, "cannot sync '" + form_.path + "'", error);
}

}  // namespace kudurru
