// Files under `tile/` by their C2SP tlog-tiles names. Each appears whole, by rename, and is never
// changed; none is synced: all are derived and can be made again.
#pragma once

#include <string>
#include <unordered_set>
#include <vector>

#include "core/journal/storage.h"

namespace kudurru {

// "tile/0/x001/234" and, for a partial one of width 5, "tile/0/x001/234.p/5".
std::string hashTilePath(unsigned level, uint64_t index, unsigned width);
std::string entryTilePath(uint64_t index, unsigned width);

class TileFiles {
 public:
  // `folder` must exist and will hold `tile/`; `temporary` is a file on the same file system.
  TileFiles(Storage& storage, std::string folder, std::string temporary);

  // Errors: disk-full, journal-io-failed.
  Status write(const std::string& path, Bytes bytes);
  // notFound where there is no such file.
  Status read(const std::string& path, std::vector<uint8_t>* bytes);
  // Widths of the partial forms that are there.
  Status partialWidths(const std::string& fullPath, std::vector<unsigned>* widths);
  // Removes the partial forms of a tile that is now full.
  Status removePartials(const std::string& fullPath);

 private:
  Status makeFolders(const std::string& path);

  Storage& storage_;
  const std::string folder_;
  const std::string temporary_;
  std::unordered_set<std::string> made_;
};

}  // namespace kudurru
