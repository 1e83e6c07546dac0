#include "core/fsck/fsck.h"

#include <algorithm>

#include "core/journal/journal-reader.h"

namespace kudurru::fsck {
namespace {

// Records of one round: enough that rounds cost nothing, and three of them in memory are little.
constexpr size_t kBatchBytes = size_t{8} << 20;
// Signatures of one job: a few hundred microseconds.
constexpr size_t kJobSignatures = 8;
constexpr size_t kJobTiles = 4;

}  // namespace

Fsck::Fsck(Storage& storage, Options options)
    : storage_(storage),
      options_(std::move(options)),
      groupOptions_{options_.fromIndex, options_.checksBodies,       &options_.scopeKeys, 0,
                    &storage,           options_.folder + "/journal"},
      walk_(storage, options_.folder + "/journal", findings_),
      retired_(storage, options_.folder, findings_) {}

Status Fsck::begin() {
  if (options_.repairsTiles) {
    status_ = StateLock::acquire(storage_, options_.folder, options_.processId, &lock_);
  }
  if (status_.ok()) status_ = walk_.begin(&ledgerId_);
  if (!status_.ok()) return status_;
  groupOptions_.firstSegment = walk_.held().firstSegment;
  retired_.readTo(walk_.held().firstIndex);
  FoldOptions options;
  options.folder = options_.folder;
  options.fromIndex = options_.fromIndex;
  options.publishedSize = options_.publishedSize;
  options.publishedRoot = options_.publishedRoot;
  options.resumedSize = options_.resumedSize;
  options.resumedRoot = options_.resumedRoot;
  options.checksSignatures = options_.checksSignatures;
  fold_ = std::make_unique<Fold>(storage_, std::move(options), ledgerId_, findings_);
  reading_ = std::make_shared<Batch>();
  return {};
}

bool Fsck::advance() {
  endRound();
  isComplete_ = isComplete_ || (status_.ok() && isIdle());
  if (!status_.ok() || isComplete_) {
    lock_.reset();
    return false;
  }
  jobs_.push_back([this] { readAndFold(); });
  addRangeJobs();
  addFollowUpJobs();
  return true;
}

bool Fsck::isIdle() const {
  return isFolded_ && walk_.ended() && !checking_ && !folding_ && followUps_.signatures.empty() &&
         followUps_.tiles.empty();
}

// Moves each batch one step on: read, checked, put in order.
void Fsck::endRound() {
  if (jobs_.empty()) return;
  jobs_.clear();
  for (FollowUpResult& result : followUps_.results) takeResult(std::move(result));
  settled_ = followUps_.size;
  settledRoot_ = followUps_.root;
  // Its memory serves again: fresh pages cost as much as hashing what is read into them.
  if (followUps_.batch) spare_ = std::move(followUps_.batch);
  followUps_ = {};
  if (!fold_ || !status_.ok()) return;
  followUps_.batch = std::move(folding_);
  followUps_.signatures = fold_->takeSignatures();
  followUps_.tiles = fold_->takeTiles();
  followUps_.size = fold_->wholeSize();
  followUps_.root = fold_->wholeRoot();
  std::ranges::move(fold_->takeEvidence(), std::back_inserter(evidence_));
  folding_ = std::move(checking_);
  checking_ = reading_->journal.items.empty() ? nullptr : std::move(reading_);
  reading_ = spare_ ? std::move(spare_) : std::make_shared<Batch>();
  reading_->groups.clear();
  reading_->journal.items.clear();
  reading_->journal.bytes.clear();
}

void Fsck::readAndFold() {
  if (folding_) {
    fold(*folding_);
  } else if (!isFolded_ && walk_.ended() && !checking_) {
    finish();
  }
  if (!walk_.ended()) read(*reading_);
}

// Segments may be missing at the beginning only where a record says that they were retired.
void Fsck::finish() {
  fold_->finish();
  isFolded_ = true;
  const HeldRange& held = walk_.held();
  const auto& mark = fold_->retired();
  if (held.isWhole() || (mark && allows(*mark, held))) return;
  findings_.add(damageAt({held.firstSegment - 1, 0, held.firstRecord}, "segment-missing",
                         "the segment is missing, and no record says that it was retired"));
}

void Fsck::read(Batch& batch) {
  if (!retired_.ended()) {
    retired_.fill(&batch.journal, kBatchBytes);
  } else {
    status_ = walk_.fill(&batch.journal, kBatchBytes);
  }
  for (const JournalItem& item : batch.journal.items) {
    if (item.isGap || item.type != RecordType::kGroup) continue;
    batch.groups.push_back(
        std::make_unique<GroupCheck>(item.position, batch.journal.payloadOf(item), item.isRetired));
  }
}

void Fsck::fold(Batch& batch) {
  size_t group = 0;
  for (const JournalItem& item : batch.journal.items) {
    if (item.isGap) {
      fold_->takeGap();
    } else if (item.type == RecordType::kGroup) {
      fold_->takeGroup(*batch.groups[group++]);
    } else {
      fold_->takeRecord(item, batch.journal.payloadOf(item));
    }
  }
}

void Fsck::addRangeJobs() {
  if (!checking_) return;
  for (const auto& group : checking_->groups) {
    for (size_t range = 0; range < group->ranges().size(); ++range) {
      jobs_.push_back([this, &group = *group, range] { group.check(groupOptions_, range); });
    }
  }
}

void Fsck::addFollowUpJobs() {
  const auto parts = [](size_t count, size_t each) { return (count + each - 1) / each; };
  const size_t signatureJobs = parts(followUps_.signatures.size(), kJobSignatures);
  const size_t tileJobs = parts(followUps_.tiles.size(), kJobTiles);
  followUps_.results.resize(signatureJobs + followUps_.tiles.size());
  for (size_t job = 0; job < signatureJobs; ++job) {
    jobs_.push_back([this, job] {
      const std::span<const SignatureCheck> all(followUps_.signatures);
      const size_t first = job * kJobSignatures;
      followUps_.results[job] =
          checkSignatures(all.subspan(first, std::min(kJobSignatures, all.size() - first)));
    });
  }
  for (size_t job = 0; job < tileJobs; ++job) {
    jobs_.push_back([this, job, signatureJobs] {
      const size_t end = std::min(followUps_.tiles.size(), (job + 1) * kJobTiles);
      for (size_t at = job * kJobTiles; at < end; ++at) {
        followUps_.results[signatureJobs + at] =
            checkTile(storage_, options_.folder, followUps_.tiles[at]);
      }
    });
  }
}

void Fsck::takeResult(FollowUpResult result) {
  findings_.addAll(std::move(result.findings));
  signatures_ += result.signatures;
  tiles_ += result.tiles;
  if (status_.ok()) status_ = result.status;
  if (!options_.repairsTiles) return;
  TileFiles files(storage_, options_.folder, options_.folder + "/tile.repaired");
  for (const TileFile& tile : result.wrong) {
    if (!status_.ok()) return;
    if (!tile.bytes.empty()) {
      status_ = files.write(tile.path, tile.bytes);
    } else if (const int error = storage_.unlink(options_.folder + "/" + tile.path); error != 0) {
      status_ = systemFailure(Code::kIoFailed, "cannot remove '" + tile.path + "'", error);
    }
    ++tilesRepaired_;
  }
}

Report Fsck::report() const {
  Report report;
  report.ledgerId = ledgerId_;
  if (fold_) {
    const FoldCounts& counts = fold_->counts();
    report.entries = fold_->wholeSize();
    report.root = fold_->wholeRoot();
    report.entriesChecked = fold_->size();
    report.recovered = counts.recovered;
    report.laterEntries = counts.laterEntries;
    report.bodies = counts.bodies;
    report.bodiesOpened = counts.bodiesOpened;
    report.bodiesRetired = counts.bodiesRetired;
    report.retiredEntries = walk_.held().firstIndex;
  }
  report.settled = settled_;
  report.settledRoot = settledRoot_;
  report.signatures = signatures_;
  report.tiles = tiles_;
  report.tilesRepaired = tilesRepaired_;
  report.journal = walk_.facts();
  report.isComplete = isComplete_;
  return report;
}

Status check(Storage& storage, const Options& options, Report* report, Findings* findings) {
  Fsck fsck(storage, options);
  Status status = fsck.begin();
  while (status.ok() && fsck.advance()) {
    for (size_t job = 0; job < fsck.jobCount(); ++job) fsck.run(job);
    fsck.takeEvidence();
  }
  *report = fsck.report();
  *findings = fsck.findings();
  return fsck.status();
}

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

}  // namespace kudurru::fsck
