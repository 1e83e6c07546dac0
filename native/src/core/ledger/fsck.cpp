#include "core/ledger/fsck.h"

#include <algorithm>
#include <cerrno>
#include <memory>

#include "core/body/body-cipher.h"
#include "core/body/commitment.h"
#include "core/entry/entry-fields.h"
#include "core/ledger/group.h"
#include "core/ledger/log-state.h"
#include "core/submission/envelope.h"
#include "core/tiles/tile-files.h"

namespace kudurru {
namespace {

constexpr size_t kWrongTilesNamedMax = 16;
constexpr uint64_t kProgressEveryRecords = 256;

class Fsck {
 public:
  Fsck(Storage& storage, const FsckOptions& options, FsckReport* report)
      : options_(options),
        report_(*report),
        files_(storage, options.folder, ""),
        state_(report->ledgerId) {
    state_.checkRoots();
  }

  Status takeRecord(const Record& record) {
    ++report_.records;
    report_.stoppedCleanly = record.type == RecordType::kStop;
    if (record.type != RecordType::kGroup) return {};
    const auto group = GroupView::parse(record.payload);
    const std::string where = "record " + std::to_string(record.position.record) + ": ";
    if (!group || group->firstIndex() != state_.size()) {
      return failure(Code::kCorrupt, where + "not the next group of entries");
    }
    Status status = takeEntries(*group);
    if (status.ok()) status = checkBodies(*group);
    if (status.ok() && (state_.insideStatement() || state_.root() != group->root())) {
      status = failure(Code::kCorrupt, "the entries do not give the root they were written with");
    }
    if (!status.ok()) {
      status.message = where + status.message;
      return status;
    }
    report_.entries = state_.size();
    report_.root = state_.root();
    return checkTiles();
  }

 private:
  Status takeEntries(const GroupView& group) {
    Status status;
    group.forEachEntry([&](Bytes entry) {
      status = state_.append(entry);
      bundle_.insert(bundle_.end(), entry.data() - 2, entry.data() + entry.size());
      if (status.ok() && state_.size() % kTileWidth == 0) status = checkBundle();
      return status.ok();
    });
    return status;
  }

  // Each deposited commitment has its body and each body its commitment, in the same order.
  Status checkBodies(const GroupView& group) {
    if (group.treeSize() <= options_.fromIndex) return {};
    std::vector<SealedBody> bodies;
    group.forEachBody([&](const SealedBody& body) {
      bodies.push_back(body);
      return true;
    });
    size_t at = 0;
    uint32_t place = 0;
    Status status;
    group.forEachEntry([&](Bytes entry) {
      for (const CommitmentField& commitment : depositedOf(entry)) {
        const bool isThere = at < bodies.size() && bodies[at].entry == place &&
                             bodies[at].field == commitment.field &&
                             std::ranges::equal(bodies[at].digest, commitment.digest);
        status = isThere ? checkBody(bodies[at++], commitment)
                         : failure(Code::kCorrupt, "a deposited body is missing");
        if (!status.ok()) {
          status.message = "entry " + std::to_string(group.firstIndex() + place) + ", field " +
                           std::to_string(commitment.field) + ": " + status.message;
          return false;
        }
      }
      ++place;
      return true;
    });
    if (status.ok() && at != bodies.size()) {
      return failure(Code::kCorrupt, "a body that no entry commits to");
    }
    return status;
  }

  std::vector<CommitmentField> depositedOf(Bytes entry) {
    const auto view = decodeEntry(entry);
    std::vector<CommitmentField> deposited;
    if (view->head.kind == EntryKind::kAction) {
      submission::Envelope envelope;
      commitments_.clear();
      const auto fields = readActionFields(view->fields);
      if (submission::parseEnvelope(fields->envelope, 0, envelope, commitments_)) return deposited;
      for (const submission::Commitment& commitment : commitments_) {
        if (!commitment.deposited) continue;
        deposited.push_back({commitment.field, commitment.length, commitment.digest, true});
      }
    } else if (const auto commitments = readCommitments(*view)) {
      std::ranges::copy_if(*commitments, std::back_inserter(deposited),
                           &CommitmentField::deposited);
    }
    return deposited;
  }

  Status checkBody(const SealedBody& body, const CommitmentField& commitment) {
    ++report_.bodies;
    if (body.sealed.size() != commitment.length + kSealedOverheadBytes) {
      return failure(Code::kCorrupt, "the sealed body has another length than was committed");
    }
    const auto key = options_.scopeKeys.find(std::string(body.scope));
    if (key == options_.scopeKeys.end()) return {};
    plain_.resize(body.sealed.size() - kTagSizeBytes);
    if (!cipher_.open({key->second, body.digest}, body.sealed, plain_)) {
      return failure(Code::kCorrupt, "the sealed body does not open");
    }
    const Bytes plain(plain_);
    const Hash digest =
        commitmentDigest(plain.first(kSaltSizeBytes), body.field, plain.subspan(kSaltSizeBytes));
    if (!std::ranges::equal(digest, commitment.digest)) {
      return failure(Code::kCorrupt, "the body does not match its commitment");
    }
    ++report_.bodiesOpened;
    return {};
  }

  Status checkTiles() {
    for (const Tile& tile : state_.tree().takeFullTiles()) {
      const Bytes bytes(reinterpret_cast<const uint8_t*>(tile.hashes.data()),
                        tile.hashes.size() * sizeof(Hash));
      Status status = compareFile(hashTilePath(tile.level, tile.index, kTileWidth), bytes);
      if (!status.ok()) return status;
    }
    return {};
  }

  Status checkBundle() {
    const uint64_t index = state_.size() / kTileWidth - 1;
    Status status = compareFile(entryTilePath(index, kTileWidth), bundle_);
    bundle_.clear();
    return status;
  }

  // A file that is not there was not written yet, or was removed: it can be made again.
  Status compareFile(const std::string& path, Bytes expected) {
    if (state_.size() <= options_.fromIndex) return {};
    Status status = files_.read(path, &file_);
    if (status.code == Code::kNotFound) return {};
    if (!status.ok()) return status;
    ++report_.tiles;
    if (!std::ranges::equal(file_, expected) && report_.wrongTiles.size() < kWrongTilesNamedMax) {
      report_.wrongTiles.push_back(path);
    }
    return {};
  }

  const FsckOptions& options_;
  FsckReport& report_;
  TileFiles files_;
  LogState state_;
  BodyCipher cipher_;
  std::vector<uint8_t> bundle_;
  std::vector<uint8_t> file_;
  std::vector<uint8_t> plain_;
  std::vector<submission::Commitment> commitments_;
};

Status totalBytes(Storage& storage, const std::string& folder,
                  const std::vector<uint32_t>& segments, uint64_t* total) {
  for (const uint32_t segment : segments) {
    const std::string path = folder + "/" + segmentName(segment);
    OpenResult opened = storage.open(path, OpenMode::kRead);
    IoResult size{opened.error, 0};
    if (size.error == 0) size = opened.file->size();
    if (size.error != 0) {
      return systemFailure(Code::kIoFailed, "cannot inspect '" + path + "'", size.error);
    }
    *total += size.value;
  }
  return {};
}

}  // namespace

Status readLedgerId(Storage& storage, const std::string& stateFolder, LedgerId* ledgerId) {
  const std::string folder = stateFolder + "/journal";
  std::vector<uint32_t> segments;
  Status status = listSegments(storage, folder, &segments);
  if (!status.ok()) return status;
  if (segments.empty()) return failure(Code::kNotFound, "no journal in '" + stateFolder + "'");
  std::unique_ptr<SegmentFile> first;
  status = SegmentFile::open(storage, {folder, segments.front()}, &first);
  if (status.ok()) *ledgerId = first->header().ledgerId;
  return status;
}

Status fsck(Storage& storage, const FsckOptions& options, FsckReport* report) {
  *report = {};
  const std::string folder = options.folder + "/journal";
  Status status = readLedgerId(storage, options.folder, &report->ledgerId);
  std::vector<uint32_t> segments;
  FsckProgress progress;
  if (status.ok()) status = listSegments(storage, folder, &segments);
  if (status.ok()) status = totalBytes(storage, folder, segments, &progress.bytesTotal);
  if (status.code == Code::kCorrupt || status.code == Code::kUnknownFormat) {
    report->finding = status;
    return {};
  }
  if (!status.ok()) return status;
  Fsck scan(storage, options, report);
  JournalReader reader(storage, folder, report->ledgerId);
  status = reader.rewind();
  if (!status.ok()) return status;
  for (Step step = Step::kRecord; step == Step::kRecord;) {
    Record record;
    report->stoppedAt = reader.position();
    report->finding = reader.next(&step, &record);
    if (report->finding.ok() && step == Step::kRecord) {
      report->finding = scan.takeRecord(record);
      report->finding.message =
          report->finding.ok()
              ? ""
              : "record " + std::to_string(record.position.record) + ": " + report->finding.message;
      progress.bytesDone += record.bytes;
    }
    if (!report->finding.ok()) return {};
    progress.entries = report->entries;
    if (options.onProgress && report->records % kProgressEveryRecords == 0 &&
        !options.onProgress(progress)) {
      return {};
    }
  }
  report->stoppedAt = reader.position();
  report->tornBytes = reader.tornBytes();
  report->isComplete = true;
  if (report->stoppedCleanly && report->tornBytes != 0) {
    report->finding = failure(Code::kCorrupt, "bytes behind the stop record");
  }
  return {};
}

}  // namespace kudurru
