// An array of fixed-size places in a file: where groups, statements and records are. Derived from
// the journal. Each place has a checksum over itself and its number, so that a damaged or misplaced
// one is noticed at the read and never believed. What is not yet written is held in memory, so that
// a full disk costs memory and not answers.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "core/journal/storage.h"

namespace kudurru {

struct PlaceFileForm {
  std::string path;
  size_t placeBytes = 0;
};

class PlaceFile {
 public:
  // Goes on behind the first `count` places, and drops what the file has beyond them.
  // lookupDamaged where it has fewer.
  static Status open(Storage& storage, const PlaceFileForm& form, uint64_t count,
                     std::unique_ptr<PlaceFile>* out);

  uint64_t count() const { return written_ + held_.size() / slotBytes(); }
  void append(Bytes place);
  // Any place below count(). lookupDamaged where the file has other bytes than were written.
  Status read(uint64_t number, MutableBytes place) const;
  // Writes what is held once it is much. A full disk is no error: it stays held.
  Status writeHeld(bool force = false);
  // All places are durable on return, or it is disk-full.
  Status sync();

 private:
  PlaceFile(std::unique_ptr<File> file, PlaceFileForm form, uint64_t count)
      : file_(std::move(file)), form_(std::move(form)), written_(count) {}
  size_t slotBytes() const { return form_.placeBytes + sizeof(uint32_t); }
  uint32_t checksumOf(uint64_t number, Bytes place) const;

  std::unique_ptr<File> file_;
  const PlaceFileForm form_;
  uint64_t written_;
  std::vector<uint8_t> held_;
};

}  // namespace kudurru
