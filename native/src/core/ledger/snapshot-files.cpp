#include "core/ledger/snapshot-files.h"

#include <algorithm>
#include <cerrno>

#include "core/ledger/snapshot.h"

namespace kudurru {
namespace {

// What one step writes and syncs: it bounds how long a group waits behind it.
constexpr uint64_t kPieceBytes = 256 * 1024;
constexpr size_t kKept = 2;

Status failureOf(const std::string& what, int error) {
  const bool isFull = error == ENOSPC || error == EDQUOT;
  return systemFailure(isFull ? Code::kDiskFull : Code::kIoFailed, what, error);
}

}  // namespace

SnapshotFiles::SnapshotFiles(Storage& storage, const std::string& stateFolder)
    : storage_(storage), stateFolder_(stateFolder), folder_(stateFolder + "/snapshot") {}

std::string SnapshotFiles::pathOf(uint32_t segment) const {
  return folder_ + "/" + snapshotName(segment);
}

Status SnapshotFiles::list(std::vector<uint32_t>* segments) {
  segments->clear();
  const ListResult listed = storage_.list(folder_);
  if (listed.error == ENOENT) return {};
  if (listed.error != 0) {
    return systemFailure(Code::kFolderUnusable, "cannot list '" + folder_ + "'", listed.error);
  }
  for (const std::string& name : listed.names) {
    if (const auto segment = parseSnapshotName(name)) segments->push_back(*segment);
  }
  std::sort(segments->rbegin(), segments->rend());
  return {};
}

Status SnapshotFiles::read(uint32_t segment, std::vector<uint8_t>* bytes) {
  OpenResult opened = storage_.open(pathOf(segment), OpenMode::kRead);
  IoResult got{opened.error, 0};
  if (got.error == 0) got = opened.file->size();
  if (got.error == 0 && got.value > kSnapshotBytesMax) got.error = EFBIG;
  if (got.error == 0) {
    bytes->resize(got.value);
    got = readAll(*opened.file, *bytes, 0);
    bytes->resize(got.value);
  }
  if (got.error == 0) return {};
  return systemFailure(Code::kIoFailed, "cannot read '" + pathOf(segment) + "'", got.error);
}

Status SnapshotFiles::remove(uint32_t segment) {
  const int error = storage_.unlink(pathOf(segment));
  if (error == 0 || error == ENOENT) return {};
  return systemFailure(Code::kIoFailed, "cannot remove '" + pathOf(segment) + "'", error);
}

void SnapshotFiles::begin(uint32_t segment, std::vector<uint8_t> bytes) {
  giveUp();
  segment_ = segment;
  bytes_ = std::move(bytes);
}

void SnapshotFiles::giveUp() {
  bytes_.clear();
  bytes_.shrink_to_fit();
  file_.reset();
  written_ = 0;
}

Status SnapshotFiles::step() {
  Status status = file_ ? Status{} : open();
  if (status.ok()) status = writePiece();
  if (status.ok() && written_ == bytes_.size()) {
    status = name();
    giveUp();
  }
  if (!status.ok()) giveUp();
  return status;
}

Status SnapshotFiles::open() {
  Status status = ensureFolder(storage_, stateFolder_, "snapshot");
  if (!status.ok()) return status;
  const std::string path = folder_ + "/" + kNextSnapshotName;
  OpenResult opened = storage_.open(path, OpenMode::kCreate);
  const int error = opened.error == 0 ? opened.file->truncate(0) : opened.error;
  if (error != 0) return failureOf("cannot make '" + path + "'", error);
  file_ = std::move(opened.file);
  return {};
}

Status SnapshotFiles::writePiece() {
  const uint64_t size = std::min<uint64_t>(kPieceBytes, bytes_.size() - written_);
  int error = writeAll(*file_, Bytes(bytes_).subspan(written_, size), written_);
  if (error == 0) error = file_->syncData();
  if (error != 0)
    return failureOf("cannot write '" + folder_ + "/" + kNextSnapshotName + "'", error);
  written_ += size;
  return {};
}

// The bytes are durable, then the name; only then are older ones removed.
Status SnapshotFiles::name() {
  int error = storage_.rename(folder_ + "/" + kNextSnapshotName, pathOf(segment_));
  if (error == 0) error = storage_.syncFolder(folder_);
  if (error != 0) return failureOf("cannot name '" + pathOf(segment_) + "'", error);
  std::vector<uint32_t> segments;
  Status status = list(&segments);
  for (size_t at = kKept; status.ok() && at < segments.size(); ++at) status = remove(segments[at]);
  return status;
}

}  // namespace kudurru
