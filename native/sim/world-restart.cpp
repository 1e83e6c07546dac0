// Deaths, starts, and what a start must bring back.
#include <cstdlib>

#include "core/fsck/fsck.h"
#include "record-forger.h"
#include "world.h"

namespace kudurru::sim {
namespace {

constexpr unsigned kStartsMax = 60;

// A partial tile of a smaller tree. Tiles are not synced one by one: a power cut may tear one that
// the next publication does not write again. fsck names it; the log's door makes it again.
bool isOldPartial(const std::string& file, uint64_t size) {
  const size_t at = file.find(".p/");
  if (at == std::string::npos) return false;
  const bool isEntries = file.starts_with("tile/entries/");
  const uint64_t level = isEntries ? 0 : std::strtoull(file.c_str() + 5, nullptr, 10);
  return std::strtoull(file.c_str() + at + 3, nullptr, 10) != (size >> (8 * level)) % 256;
}

}  // namespace

void World::die(Death death) {
  context_.trace.note(death == Death::kPowerCut ? "power cut" : "killed");
  context_.count(death == Death::kPowerCut ? "power cuts" : "kills");
  daemon_->kill();
  for (const auto& line : lines_) {
    line->daemonLeft = true;
    line->toDaemon.clear();
  }
  lines_.clear();
  disk_.endProcess();
  if (death == Death::kPowerCut) disk_.cutPower(context_.diskRandom);
  if (mode_ == Mode::kHostile && context_.schedule.percent(30)) decay();
}

// Bits that flip at rest; or, as a canary, a forger at work.
void World::decay() {
  if (options_.canary == Canary::kForgedDisk) {
    const Quiet quiet(context_);
    if (history_.isShown(history_.size())) return;
    if (!forgeLastEntry(storage_, "/state/journal", history_.leaves())) return;
    ++context_.faults.damages;
    context_.trace.note("forged");
    return;
  }
  const auto paths = disk_.paths();
  for (uint64_t flips = context_.diskRandom.between(0, 2); flips > 0; --flips) {
    const std::string& path = paths[context_.diskRandom.below(paths.size())];
    const auto inode = disk_.find(path);
    if (!inode->flipBit(context_.diskRandom)) continue;
    inode->dropCache();
    ++context_.faults.damages;
    context_.count("bit flips");
    context_.trace.note("bit flip in " + path);
  }
}

// Again and again, as systemd does it, until the daemon runs or must not.
void World::start() {
  for (unsigned starts = 0; !isOver_; ++starts) {
    require(starts < kStartsMax, kRecovers, "the daemon does not come up");
    try {
      if (tryStart()) return;
    } catch (const Crash&) {
      context_.trace.note("killed at call " + std::to_string(context_.faults.calls));
      context_.count("deaths while starting");
      die(chooseDeath());
    } catch (const Exit& exit) {
      context_.trace.note("exit: " + exit.message);
      if (isDamaged()) throw Noticed{exit.message};
      const bool wasFull = disk_.capacityBytes != UINT64_MAX;
      disk_.capacityBytes = UINT64_MAX;
      require(wasFull || wasInjected(), kRecovers,
              "the daemon ended itself while starting: " + exit.message);
      die(chooseDeath());
    }
  }
}

bool World::tryStart() {
  if (!isPlanned() && context_.schedule.percent(12)) {
    context_.faults.crashAt = context_.faults.calls + context_.schedule.between(1, 14);
  }
  JournalReport report;
  injectedBefore_ = context_.faults.injected;
  const Status status = daemon_->open(&report);
  context_.count("starts");
  if (!status.ok()) {
    judgeRefusal(status);
    daemon_->kill();
    disk_.endProcess();
    return false;
  }
  judgeStart(report);
  if (isOver_) return true;
  const uint32_t diesAgain = context_.is(Canary::kNoRecoverySync) ? 60 : 8;
  if (!isPlanned() && context_.schedule.percent(diesAgain)) {
    context_.count("deaths while starting");
    die(Death::kPowerCut);
    return false;
  }
  daemon_->begin(report, agents_);
  history_.follow(daemon_->ledger());
  checkFolder();
  return true;
}

// A start may fail for a fault that it met, for want of room, and for damage.
void World::judgeRefusal(const Status& status) {
  context_.trace.note("start refused: " + status.message);
  if (status.code == Code::kDiskFull) {
    disk_.capacityBytes = UINT64_MAX;
    return;
  }
  if (isDamaged()) throw Noticed{status.message};
  require(
      wasInjected(), kRecovers,
      "the ledger does not open: " + std::string(codeName(status.code)) + ": " + status.message);
}

void World::judgeStart(const JournalReport& report) {
  if (report.tornBytes != 0) context_.count("torn tails cut");
  const uint64_t lost = history_.compare(daemon_->ledger(), isDamaged());
  if (lost == 0) {
    if (!isDamaged()) history_.compareRecords(daemon_->ledger());
    return;
  }
  // Whole groups at the end are gone, one for each place that was damaged at most. No journal can
  // know; the receipts, checkpoints and the TPM's counter outside do.
  require(lost <= 2 * context_.faults.damages, kNoWrongData,
          std::to_string(lost) + " groups are gone after " +
              std::to_string(context_.faults.damages) + " damaged places");
  context_.count("damage that only receipts show");
  context_.trace.note("rolled back");
  isOver_ = true;
}

// fsck finds nothing once the tiles are written.
void World::checkFolder() {
  const Quiet quiet(context_);
  const Status published = daemon_->ledger().publish(daemon_->ledger().state().size());
  if (!published.ok() && isDamaged()) throw Noticed{published.message};
  require(published.ok() || published.code == Code::kDiskFull, kFsckIsClean, published.message);
  fsck::Options options;
  options.folder = "/state";
  if (published.ok()) {
    options.publishedSize = history_.size();
    options.publishedRoot = history_.rootAt(history_.size());
  }
  for (const char* scope : {"system", "default"}) {
    options.scopeKeys[scope] = sha256(bytesOf(scope));
  }
  fsck::Report report;
  fsck::Findings findings;
  const Status status = fsck::check(storage_, options, &report, &findings);
  std::string words = status.message;
  for (const fsck::Finding& finding : findings.list()) {
    if (isOldPartial(finding.file, history_.size()) || !published.ok()) {
      context_.count("old partial tiles found torn");
    } else {
      words = finding.file + ": " + finding.message;
    }
  }
  const bool isClean = status.ok() && words.empty() && findings.damages() == 0;
  if (!isClean && isDamaged()) throw Noticed{"fsck: " + words};
  require(isClean, kFsckIsClean, words);
  require(report.entries == history_.size() && report.root == history_.rootAt(history_.size()),
          kFsckIsClean, "fsck sees another log");
  context_.count("fsck runs");
}

void World::restartInOrder() {
  const FaultRates before = context_.faults.rates;
  context_.faults.rates = {};
  bool stopped = false;
  try {
    daemon_->stop();
    stopped = true;
  } catch (const Crash&) {
    die(chooseDeath());
  }
  daemon_->kill();
  for (const auto& line : lines_) line->daemonLeft = true;
  lines_.clear();
  disk_.endProcess();
  if (stopped) {
    if (context_.is(Canary::kStrayByte)) strayByte();
    context_.count("orderly restarts");
    context_.trace.note("stopped");
    if (context_.schedule.percent(50)) disk_.cutPower(context_.diskRandom);
  }
  context_.faults.rates = before;
  start();
}

// A canary: behind the stop record nothing may stand.
void World::strayByte() {
  std::shared_ptr<Inode> newest;
  for (const std::string& path : disk_.paths()) {
    if (path.ends_with(".journal")) newest = disk_.find(path);
  }
  const uint8_t byte = 1;
  newest->write(Bytes(&byte, 1), newest->size() - 1);
  newest->sync();
}

void World::fillDisk() {
  if (disk_.capacityBytes != UINT64_MAX) {
    disk_.capacityBytes = UINT64_MAX;
    return;
  }
  disk_.capacityBytes = disk_.usedBytes() + context_.diskRandom.below(300'000);
  context_.count("full disks");
  context_.trace.note("disk full");
}

}  // namespace kudurru::sim
