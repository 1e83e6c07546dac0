#include "core/journal/state-lock.h"

#include <array>
#include <cerrno>

namespace kudurru {
namespace {

std::string ownerOf(File& file) {
  std::array<uint8_t, 16> text{};
  const IoResult got = readAll(file, text, 0);
  std::string digits;
  for (size_t at = 0; at < got.value && text[at] >= '0' && text[at] <= '9'; ++at) {
    digits.push_back(static_cast<char>(text[at]));
  }
  return digits.empty() ? "another process" : "process " + digits;
}

}  // namespace

Status StateLock::acquire(Storage& storage, const std::string& folder, uint32_t processId,
                          std::unique_ptr<StateLock>* lock) {
  const int made = storage.makeFolder(folder);
  if (made != 0 && made != EEXIST) {
    return systemFailure(Code::kFolderUnusable, "cannot make state folder '" + folder + "'", made);
  }
  OpenResult opened = storage.open(folder + "/lock", OpenMode::kCreate);
  if (opened.error != 0) {
    return systemFailure(Code::kFolderUnusable, "cannot write to state folder '" + folder + "'",
                         opened.error);
  }
  const int locked = opened.file->lock();
  if (locked == EWOULDBLOCK) {
    return failure(Code::kFolderLocked,
                   "state folder '" + folder + "' is in use by " + ownerOf(*opened.file));
  }
  int error = locked;
  const std::string text = std::to_string(processId) + "\n";
  const Bytes bytes(reinterpret_cast<const uint8_t*>(text.data()), text.size());
  if (error == 0) error = opened.file->truncate(0);
  if (error == 0) error = writeAll(*opened.file, bytes, 0);
  if (error == ENOSPC || error == EDQUOT) {
    return systemFailure(Code::kDiskFull, "cannot write to state folder '" + folder + "'", error);
  }
  if (error != 0) {
    return systemFailure(Code::kFolderUnusable, "cannot lock state folder '" + folder + "'", error);
  }
  lock->reset(new StateLock(std::move(opened.file)));
  return {};
}

}  // namespace kudurru
