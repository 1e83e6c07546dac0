#include "core/ledger/place-file.h"

#include <algorithm>
#include <cerrno>

namespace kudurru {
namespace {

constexpr size_t kHeldBytesMax = 64 * 1024;

}  // namespace

Status PlaceFile::open(Storage& storage, const std::string& path, size_t placeBytes,
                       std::unique_ptr<PlaceFile>* out) {
  OpenResult opened = storage.open(path, OpenMode::kCreate);
  const int error = opened.error == 0 ? opened.file->truncate(0) : opened.error;
  if (error == ENOSPC || error == EDQUOT) {
    return systemFailure(Code::kDiskFull, "cannot make '" + path + "'", error);
  }
  if (error != 0) return systemFailure(Code::kFolderUnusable, "cannot make '" + path + "'", error);
  out->reset(new PlaceFile(std::move(opened.file), path, placeBytes));
  return {};
}

void PlaceFile::append(Bytes place) { held_.insert(held_.end(), place.begin(), place.end()); }

Status PlaceFile::read(uint64_t number, MutableBytes place) const {
  if (number >= written_) {
    const size_t at = static_cast<size_t>(number - written_) * placeBytes_;
    std::copy_n(held_.begin() + static_cast<ptrdiff_t>(at), placeBytes_, place.begin());
    return {};
  }
  const IoResult got = readAll(*file_, place.first(placeBytes_), number * placeBytes_);
  if (got.error == 0 && got.value == placeBytes_) return {};
  return systemFailure(Code::kIoFailed, "cannot read '" + path_ + "'",
                       got.error == 0 ? EIO : got.error);
}

Status PlaceFile::writeHeld(bool force) {
  if (held_.empty() || (!force && held_.size() < kHeldBytesMax)) return {};
  const int error = writeAll(*file_, held_, written_ * placeBytes_);
  if (error == ENOSPC || error == EDQUOT) return {};
  if (error != 0) return systemFailure(Code::kIoFailed, "cannot write '" + path_ + "'", error);
  written_ = count();
  held_.clear();
  return {};
}

}  // namespace kudurru
