// One daemon per state folder. The lock is the kernel's (flock): it ends with the process, so a
// stale file means nothing. The file holds the owner's process id, for the message only.
#pragma once

#include <memory>
#include <string>

#include "core/journal/storage.h"

namespace kudurru {

class StateLock {
 public:
  // Makes the folder (0700) when it is missing; its parent must exist. Errors:
  // state-folder-locked (names the process), state-folder-unusable, disk-full.
  static Status acquire(Storage& storage, const std::string& folder, uint32_t processId,
                        std::unique_ptr<StateLock>* lock);

 private:
  explicit StateLock(std::unique_ptr<File> file) : file_(std::move(file)) {}
  std::unique_ptr<File> file_;
};

}  // namespace kudurru
