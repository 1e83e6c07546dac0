#include "core/journal/storage.h"

#include <cerrno>

namespace kudurru {

int writeAll(File& file, Bytes bytes, uint64_t offset) {
  while (!bytes.empty()) {
    const IoResult written = file.write(bytes, offset);
    if (written.error == EINTR) continue;
    if (written.error != 0) return written.error;
    if (written.value == 0) return EIO;  // a disk that takes nothing and reports nothing
    bytes = bytes.subspan(written.value);
    offset += written.value;
  }
  return 0;
}

namespace {

// A read that is no multiple of `unit` long has met the end of the file.
IoResult readUnits(File& file, MutableBytes bytes, uint64_t offset, uint64_t unit) {
  uint64_t total = 0;
  while (total < bytes.size() && total % unit == 0) {
    const IoResult got = file.read(bytes.subspan(total), offset + total);
    if (got.error == EINTR) continue;
    if (got.error != 0) return {got.error, total};
    if (got.value == 0) break;
    total += got.value;
  }
  return {0, total};
}

}  // namespace

IoResult readAll(File& file, MutableBytes bytes, uint64_t offset) {
  return readUnits(file, bytes, offset, 1);
}

IoResult readAllDirect(File& file, MutableBytes bytes, uint64_t offset) {
  return readUnits(file, bytes, offset, kDirectAlignment);
}

Status ensureFolder(Storage& storage, const std::string& parent, const std::string& name) {
  const std::string folder = parent + "/" + name;
  const int made = storage.makeFolder(folder);
  if (made == ENOSPC || made == EDQUOT) {
    return systemFailure(Code::kDiskFull, "cannot make folder '" + folder + "'", made);
  }
  if (made != 0 && made != EEXIST) {
    return systemFailure(Code::kFolderUnusable, "cannot make folder '" + folder + "'", made);
  }
  // One that is there may be another run's, killed before this.
  const int synced = storage.syncFolder(parent);
  if (synced != 0) return systemFailure(Code::kIoFailed, "cannot sync '" + parent + "'", synced);
  return {};
}

}  // namespace kudurru
