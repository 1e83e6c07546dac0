// An array of fixed-size places in a file: where groups, statements and records are. Derived from
// the journal, never synced, written anew at each start. What is not yet written is held in memory,
// so that a full disk costs memory and not answers.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "core/journal/storage.h"

namespace kudurru {

class PlaceFile {
 public:
  // Begins empty, whatever the file held.
  static Status open(Storage& storage, const std::string& path, size_t placeBytes,
                     std::unique_ptr<PlaceFile>* out);

  uint64_t count() const { return written_ + held_.size() / placeBytes_; }
  void append(Bytes place);
  // Any place below count().
  Status read(uint64_t number, MutableBytes place) const;
  // Writes what is held once it is much. A full disk is no error: it stays held.
  Status writeHeld(bool force = false);

 private:
  PlaceFile(std::unique_ptr<File> file, std::string path, size_t placeBytes)
      : file_(std::move(file)), path_(std::move(path)), placeBytes_(placeBytes) {}

  std::unique_ptr<File> file_;
  const std::string path_;
  const size_t placeBytes_;
  uint64_t written_ = 0;
  std::vector<uint8_t> held_;
};

}  // namespace kudurru
