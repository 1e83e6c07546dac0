#include "core/ledger/retired.h"

#include <algorithm>
#include <cerrno>
#include <map>

#include "core/hash/sha256.h"
#include "core/journal/journal-reader.h"
#include "core/ledger/fields.h"
#include "core/ledger/group.h"

namespace kudurru {
namespace {

constexpr uint8_t kRetiredVersion = 1;
constexpr size_t kPieceBytes = size_t{1} << 20;
constexpr const char* kCopySuffix = ".copy";

Status failureOf(const std::string& what, int error) {
  const bool isFull = error == ENOSPC || error == EDQUOT;
  return systemFailure(isFull ? Code::kDiskFull : Code::kFolderUnusable, what, error);
}

// Reads the file to its end, and gives each piece to `take` (errno), at its offset.
template <class Take>
int readPieces(Storage& storage, const std::string& path, Take&& take) {
  OpenResult opened = storage.open(path, OpenMode::kRead);
  if (opened.error != 0) return opened.error;
  std::vector<uint8_t> piece(kPieceBytes);
  for (uint64_t at = 0;;) {
    const IoResult got = readAll(*opened.file, piece, at);
    if (got.error != 0) return got.error;
    const int error = take(Bytes(piece).first(got.value), at);
    if (error != 0) return error;
    at += got.value;
    if (got.value < piece.size()) return 0;
  }
}

int copyFile(Storage& storage, const std::string& from, const std::string& to) {
  OpenResult opened = storage.open(to, OpenMode::kCreate);
  int error = opened.error == 0 ? opened.file->truncate(0) : opened.error;
  if (error == 0) {
    error = readPieces(storage, from,
                       [&](Bytes piece, uint64_t at) { return writeAll(*opened.file, piece, at); });
  }
  if (error == 0) error = opened.file->syncData();
  // So that the comparison reads what the disk has.
  return error == 0 ? opened.file->dropCache() : error;
}

Status checkDigest(Storage& storage, const std::string& path, const Hash& digest) {
  FileFacts facts;
  Status status = readFileFacts(storage, path, &facts);
  if (!status.ok() || facts.digest == digest) return status;
  return failure(Code::kCorrupt, "'" + path + "' is not the segment that was retired");
}

}  // namespace

std::string RetiredMark::advice() const {
  const std::string last = segmentName(nextSegment() - 1);
  return "put '" + segmentName(firstSegment) + "' to '" + last + "' of '" + folder +
         "' back into journal/";
}

std::vector<uint8_t> encodeRetired(const RetiredMark& mark) {
  std::vector<uint8_t> bytes;
  FieldWriter out(bytes);
  out.byte(kRetiredVersion);
  out.byte(0);
  out.u16(0);
  out.u32(mark.firstSegment);
  out.u32(static_cast<uint32_t>(mark.files.size()));
  out.u64(mark.firstIndex);
  out.u64(mark.firstRecord);
  out.u16(static_cast<uint16_t>(mark.folder.size()));
  out.bytes({reinterpret_cast<const uint8_t*>(mark.folder.data()), mark.folder.size()});
  for (const Hash& file : mark.files) out.bytes(file);
  return bytes;
}

std::optional<RetiredMark> decodeRetired(Bytes bytes) {
  FieldReader in(bytes);
  RetiredMark mark;
  if (in.byte() != kRetiredVersion || in.byte() != 0 || in.u16() != 0) return std::nullopt;
  mark.firstSegment = in.u32();
  const uint32_t count = in.u32();
  mark.firstIndex = in.u64();
  mark.firstRecord = in.u64();
  const size_t pathBytes = in.u16();
  if (count == 0 || count > kRetiredAtOnceMax || mark.firstSegment > UINT32_MAX - count ||
      pathBytes == 0 || pathBytes > kRetiredPathBytesMax) {
    return std::nullopt;
  }
  const Bytes path = in.bytes(pathBytes);
  mark.folder.assign(path.begin(), path.end());
  mark.files.resize(count);
  for (Hash& file : mark.files) in.into(file);
  return in.atEnd() ? std::optional(std::move(mark)) : std::nullopt;
}

Status findHeld(Storage& storage, const SegmentPath& from, const LedgerId& ledgerId,
                HeldRange* held) {
  std::unique_ptr<SegmentFile> first;
  Status status = SegmentFile::open(storage, from, &first);
  if (!status.ok()) return status;
  held->firstSegment = from.segment;
  held->firstRecord = first->header().firstRecord;
  JournalReader reader(storage, from.folder, ledgerId);
  reader.seek({from.segment, kSegmentHeaderBytes, held->firstRecord});
  for (;;) {
    Step step = Step::kEnd;
    Record record;
    status = reader.next(&step, &record);
    if (status.ok() && step != Step::kRecord) {
      status = failure(Code::kCorrupt,
                       "the journal holds no group of entries from '" + first->path() + "' on");
    }
    if (!status.ok()) return status;
    if (record.type != RecordType::kGroup) continue;
    const auto group = GroupView::parse(record.payload);
    if (!group) return failure(Code::kCorrupt, "'" + first->path() + "' begins with no group");
    held->firstIndex = group->firstIndex();
    return {};
  }
}

bool allows(const RetiredMark& mark, const HeldRange& held) {
  if (held.firstSegment < mark.nextSegment()) return held.firstIndex <= mark.firstIndex;
  return held.firstSegment == mark.nextSegment() && held.firstIndex == mark.firstIndex &&
         held.firstRecord == mark.firstRecord;
}

Status HeldRange::gone(const std::string& what) const {
  return failure(Code::kNotHeld,
                 what + " was in a segment that was retired: to have it, " + advice);
}

Status missingBefore(const HeldRange& held, const std::string& stateFolder) {
  const std::string name = segmentName(held.firstSegment - 1);
  return failure(Code::kCorrupt, "segment '" + stateFolder + "/journal/" + name +
                                     "' is missing, and no record says that it was retired");
}

Status askForRetired(Storage& storage, const LedgerPlace& ledger, const HeldRange& held) {
  std::map<uint32_t, std::string> advice;
  JournalReader reader(storage, ledger.folder + "/journal", ledger.ledgerId);
  Status status = reader.rewind();
  for (Step step = Step::kRecord; status.ok() && step == Step::kRecord;) {
    Record record;
    status = reader.next(&step, &record);
    if (!status.ok() || step != Step::kRecord || record.type != RecordType::kRetired) continue;
    const auto mark = decodeRetired(record.payload);
    if (mark) advice[mark->firstSegment] = mark->advice();
  }
  if (!status.ok()) return status;
  if (advice.empty()) return missingBefore(held, ledger.folder);
  std::string all;
  for (const auto& [segment, text] : advice) all += (all.empty() ? "" : ", ") + text;
  return failure(Code::kNotHeld, "no snapshot is usable, and the journal begins with segment " +
                                     std::to_string(held.firstSegment) + ": " + all);
}

Status readFileFacts(Storage& storage, const std::string& path, FileFacts* facts) {
  Sha256 hash;
  facts->bytes = 0;
  const int error = readPieces(storage, path, [&](Bytes piece, uint64_t) {
    hash.update(piece);
    facts->bytes += piece.size();
    return 0;
  });
  if (error == ENOENT) return {Code::kNotFound, "'" + path + "' is not there", error};
  if (error != 0) return systemFailure(Code::kIoFailed, "cannot read '" + path + "'", error);
  facts->digest = hash.finish();
  return {};
}

Status moveRetired(Storage& storage, const std::string& journal, const RetiredMark& mark,
                   uint32_t segment, uint64_t* bytes) {
  const std::string from = journal + "/" + segmentName(segment);
  const std::string to = mark.folder + "/" + segmentName(segment);
  const Hash& digest = mark.files[segment - mark.firstSegment];
  FileFacts facts;
  Status status = readFileFacts(storage, from, &facts);
  *bytes = facts.bytes;
  if (status.code == Code::kNotFound) return {};  // an earlier call has moved it
  if (!status.ok()) return status;
  if (facts.digest != digest) {
    return failure(Code::kCorrupt, "'" + from + "' has changed since it was retired");
  }
  FileFacts there;
  status = readFileFacts(storage, to, &there);
  if (status.ok() && there.digest != digest) {
    return failure(Code::kFolderUnusable, "'" + to + "' is another file: name another folder");
  }
  const bool isThere = status.ok();
  if (!isThere && status.code != Code::kNotFound) return status;
  // A rename keeps the file's own sync; a copy counts once its bytes are on the disk and read back.
  int error = isThere ? 0 : storage.rename(from, to);
  const bool isCopied = isThere || error == EXDEV;
  if (error == EXDEV) {
    error = copyFile(storage, from, to + kCopySuffix);
    if (error == 0) error = storage.rename(to + kCopySuffix, to);
  }
  if (error == 0) error = storage.syncFolder(mark.folder);
  if (error != 0) return failureOf("cannot move '" + from + "' to '" + to + "'", error);
  if (isCopied) {
    status = checkDigest(storage, to, digest);
    if (!status.ok()) return status;
    error = storage.unlink(from);
  }
  if (error == 0) error = storage.syncFolder(journal);
  return error == 0 ? Status{} : failureOf("cannot remove '" + from + "'", error);
}

}  // namespace kudurru
