#include "core/tiles/tile-files.h"

#include <cerrno>
#include <charconv>
#include <cstdio>

namespace kudurru {
namespace {

constexpr unsigned kTileWidthFull = 256;
constexpr size_t kMadeFoldersMax = 4096;

Status writeFailure(const std::string& path, int error) {
  const bool isFull = error == ENOSPC || error == EDQUOT;
  return systemFailure(isFull ? Code::kDiskFull : Code::kIoFailed, "cannot write '" + path + "'",
                       error);
}

// 1234067 is "x001/x234/067".
std::string indexPath(uint64_t index) {
  char digits[8];
  std::snprintf(digits, sizeof digits, "%03u", static_cast<unsigned>(index % 1000));
  std::string path = digits;
  for (index /= 1000; index != 0; index /= 1000) {
    std::snprintf(digits, sizeof digits, "x%03u/", static_cast<unsigned>(index % 1000));
    path = digits + path;
  }
  return path;
}

std::string tilePath(const std::string& level, uint64_t index, unsigned width) {
  const std::string path = "tile/" + level + "/" + indexPath(index);
  return width == kTileWidthFull ? path : path + ".p/" + std::to_string(width);
}

}  // namespace

std::string hashTilePath(unsigned level, uint64_t index, unsigned width) {
  return tilePath(std::to_string(level), index, width);
}

std::string entryTilePath(uint64_t index, unsigned width) {
  return tilePath("entries", index, width);
}

TileFiles::TileFiles(Storage& storage, std::string folder, std::string temporary)
    : storage_(storage), folder_(std::move(folder)), temporary_(std::move(temporary)) {}

Status TileFiles::makeFolders(const std::string& path) {
  for (size_t slash = path.find('/'); slash != std::string::npos;
       slash = path.find('/', slash + 1)) {
    const std::string folder = folder_ + "/" + path.substr(0, slash);
    if (made_.contains(folder)) continue;
    const int error = storage_.makeFolder(folder);
    if (error != 0 && error != EEXIST) return writeFailure(folder, error);
    if (made_.size() >= kMadeFoldersMax) made_.clear();
    made_.insert(folder);
  }
  return {};
}

Status TileFiles::write(const std::string& path, Bytes bytes) {
  Status status = makeFolders(path);
  if (!status.ok()) return status;
  OpenResult opened = storage_.open(temporary_, OpenMode::kCreate);
  int error = opened.error;
  if (error == 0) error = opened.file->truncate(0);
  if (error == 0) error = writeAll(*opened.file, bytes, 0);
  if (error == 0) error = storage_.rename(temporary_, folder_ + "/" + path);
  if (error == ENOENT) {
    // Somebody removed the folder meanwhile: tiles may go, they are made again.
    made_.clear();
    status = makeFolders(path);
    if (!status.ok()) return status;
    error = storage_.rename(temporary_, folder_ + "/" + path);
  }
  return error == 0 ? Status{} : writeFailure(folder_ + "/" + path, error);
}

Status TileFiles::read(const std::string& path, std::vector<uint8_t>* bytes) {
  bytes->clear();
  OpenResult opened = storage_.open(folder_ + "/" + path, OpenMode::kRead);
  if (opened.error == ENOENT) return failure(Code::kNotFound, "'" + path + "' is not there");
  IoResult size{opened.error, 0};
  if (size.error == 0) size = opened.file->size();
  if (size.error == 0) {
    bytes->resize(size.value);
    size = readAll(*opened.file, *bytes, 0);
    bytes->resize(size.value);
  }
  if (size.error == 0) return {};
  return systemFailure(Code::kIoFailed, "cannot read '" + folder_ + "/" + path + "'", size.error);
}

Status TileFiles::partialWidths(const std::string& fullPath, std::vector<unsigned>* widths) {
  widths->clear();
  const std::string folder = folder_ + "/" + fullPath + ".p";
  const ListResult listed = storage_.list(folder);
  if (listed.error == ENOENT) return {};
  if (listed.error != 0) {
    return systemFailure(Code::kIoFailed, "cannot list '" + folder + "'", listed.error);
  }
  for (const std::string& name : listed.names) {
    unsigned width = 0;
    const char* const end = name.data() + name.size();
    const auto [stop, error] = std::from_chars(name.data(), end, width);
    if (error == std::errc() && stop == end) widths->push_back(width);
  }
  return {};
}

Status TileFiles::removePartials(const std::string& fullPath) {
  const std::string folder = folder_ + "/" + fullPath + ".p";
  const ListResult listed = storage_.list(folder);
  if (listed.error == ENOENT) return {};
  int error = listed.error;
  for (const std::string& name : listed.names) {
    if (error == 0) error = storage_.unlink(folder + "/" + name);
  }
  if (error == 0) error = storage_.removeFolder(folder);
  made_.erase(folder);
  return error == 0 ? Status{} : writeFailure(folder, error);
}

}  // namespace kudurru
