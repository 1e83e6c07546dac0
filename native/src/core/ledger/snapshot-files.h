// The files under `snapshot/`. One is written in bounded pieces, each made durable by itself, under
// a temporary name; it gets its name, durably, when it is whole. The newest two are kept.
#pragma once

#include <string>
#include <vector>

#include "core/journal/storage.h"

namespace kudurru {

class SnapshotFiles {
 public:
  SnapshotFiles(Storage& storage, const std::string& stateFolder);

  // Their segments, the newest first; none where there is no folder.
  Status list(std::vector<uint32_t>* segments);
  Status read(uint32_t segment, std::vector<uint8_t>* bytes);
  Status remove(uint32_t segment);

  void begin(uint32_t segment, std::vector<uint8_t> bytes);
  bool isWriting() const { return !bytes_.empty(); }
  // Writes the next piece, and the name after the last. Any error gives the snapshot up; disk-full
  // is one that can be passed over.
  Status step();
  void giveUp();

 private:
  Status open();
  Status writePiece();
  Status name();
  std::string pathOf(uint32_t segment) const;

  Storage& storage_;
  const std::string stateFolder_;
  const std::string folder_;
  uint32_t segment_ = 0;
  std::vector<uint8_t> bytes_;
  std::unique_ptr<File> file_;
  uint64_t written_ = 0;
};

}  // namespace kudurru
