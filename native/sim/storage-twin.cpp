#include "storage-twin.h"

#include <algorithm>
#include <cerrno>

#include "core/journal/segment.h"
#include "record-forger.h"

namespace kudurru::sim {
namespace {

constexpr uint64_t kSlowNsMax = 2'000'000'000;
// Canaries of the disk wait for so many calls, so that there is something to lose.
constexpr uint64_t kCanaryAfterCalls = 120;

bool isJournal(const std::string& path) { return path.find("/journal/") != std::string::npos; }

void passTime(Context& context) {
  context.clock.monotonicNs += context.diskRandom.between(2'000, 200'000);
  if (!context.diskRandom.chance(context.faults.rates.slow)) return;
  context.clock.monotonicNs += context.diskRandom.below(kSlowNsMax);
  context.count("slow calls");
}

int injectError(Context& context, const char* name) {
  if (!context.diskRandom.chance(context.faults.rates.error)) return 0;
  ++context.faults.injected;
  context.count(std::string("EIO at ") + name);
  context.trace.note("EIO");
  return EIO;
}

// One call that changes something: it may fail, and the process may die around it.
template <class Effect>
int change(Context& context, const char* name, const std::string& path, Effect&& effect) {
  Faults& faults = context.faults;
  if (faults.quiet) return effect();
  passTime(context);
  const bool dies = ++faults.calls == faults.crashAt;
  context.trace.note(std::string(name) + " " + path);
  if (dies && context.diskRandom.percent(50)) throw Crash{};
  int error = injectError(context, name);
  if (error == 0) error = effect();
  if (dies) throw Crash{};
  return error;
}

class FileTwin final : public File {
 public:
  FileTwin(Context& context, Disk& disk, std::string path, OpenMode mode)
      : context_(context),
        disk_(disk),
        path_(std::move(path)),
        mode_(mode),
        inode_(disk.find(path_)) {}
  ~FileTwin() override {
    if (holdsLock_) inode_->locked = false;
  }

  IoResult write(Bytes bytes, uint64_t offset) override {
    const FaultRates& rates = context_.faults.rates;
    const bool isLoud = !context_.faults.quiet;
    if (isLoud && context_.diskRandom.chance(rates.interrupted)) return interrupted();
    if (isLoud && bytes.size() > 1 && context_.diskRandom.chance(rates.shortCount)) {
      context_.count("short writes");
      bytes = bytes.first(context_.diskRandom.between(1, bytes.size() - 1));
    }
    const uint64_t grows = offset + bytes.size() - std::min(offset + bytes.size(), inode_->size());
    const int error = change(context_, "write", path_, [&] {
      if (grows != 0 && !disk_.hasRoom(grows)) return ENOSPC;
      put(bytes, offset);
      return 0;
    });
    if (error == EIO) put(bytes.first(context_.diskRandom.below(bytes.size())), offset);
    if (error == ENOSPC) context_.count("ENOSPC");
    return {error, error == 0 ? bytes.size() : 0};
  }

  IoResult read(MutableBytes bytes, uint64_t offset) override {
    if (!context_.faults.quiet) {
      const FaultRates& rates = context_.faults.rates;
      if (context_.diskRandom.chance(rates.interrupted)) return interrupted();
      if (const int error = injectError(context_, "read")) return {error, 0};
      if (bytes.size() > 1 && context_.diskRandom.chance(rates.shortCount)) {
        context_.count("short reads");
        bytes = bytes.first(shortened(bytes.size()));
      }
    }
    if (mode_ == OpenMode::kReadDirect) return {0, inode_->readPlatter(bytes, offset)};
    return {0, inode_->read(bytes, offset)};
  }

  IoResult size() override { return {0, inode_->size()}; }

  int syncData() override {
    return change(context_, "sync", path_,
                  [&] {
                    if (!skipsSync()) inode_->sync();
                    return 0;
                  }) == 0
               ? 0
               : failSync();
  }

  int allocate(uint64_t size) override {
    return change(context_, "allocate", path_, [&] {
      if (size <= inode_->size()) return 0;
      if (!disk_.hasRoom(size - inode_->size())) {
        context_.count("ENOSPC");
        return ENOSPC;
      }
      inode_->resize(size);
      return 0;
    });
  }

  int truncate(uint64_t size) override {
    return change(context_, "truncate", path_, [&] {
      inode_->resize(size);
      return 0;
    });
  }

  int dropCache() override {
    inode_->dropCache();
    return 0;
  }

  int lock() override {
    if (inode_->locked) return EWOULDBLOCK;
    inode_->locked = holdsLock_ = true;
    return 0;
  }

 private:
  // A direct read is cut at its unit: anything else would be the end of the file.
  uint64_t shortened(uint64_t bytes) {
    if (mode_ != OpenMode::kReadDirect) return context_.diskRandom.between(1, bytes - 1);
    return std::max(context_.diskRandom.below(bytes / kDirectAlignment), uint64_t{1}) *
           kDirectAlignment;
  }

  IoResult interrupted() {
    context_.count("EINTR");
    return {EINTR, 0};
  }

  int failSync() {
    inode_->failSync(context_.diskRandom);
    return EIO;
  }

  bool skipsSync() {
    const Faults& faults = context_.faults;
    if (!isJournal(path_) || faults.quiet || faults.calls < kCanaryAfterCalls) return false;
    return (context_.is(Canary::kNoJournalSync) && !faults.opening) ||
           (context_.is(Canary::kNoRecoverySync) && faults.opening) ||
           (context_.is(Canary::kNoRecordSync) && faults.recording);
  }

  void put(Bytes bytes, uint64_t offset) {
    if (bytes.empty()) return;
    if (isJournal(path_) && lies(bytes, offset)) return;
    if (!context_.canaryUsed && context_.faults.calls > kCanaryAfterCalls) {
      if (isJournal(path_) && context_.is(Canary::kLostWrite) && offset >= kSegmentHeaderBytes) {
        context_.canaryUsed = true;
        return;
      }
      if (isJournal(path_) && context_.is(Canary::kAlteredEntry)) {
        if (const auto altered = alterEntry(inode_->cached(), bytes)) {
          context_.canaryUsed = true;
          return inode_->write(*altered, offset);
        }
      }
      if (path_.ends_with("/lookup/tile") && context_.is(Canary::kAlteredTile)) {
        std::vector<uint8_t> altered(bytes.begin(), bytes.end());
        altered[altered.size() / 2] ^= 1;
        return inode_->write(altered, offset);
      }
    }
    inode_->write(bytes, offset);
  }

  // Whether the disk did something else than it said.
  bool lies(Bytes bytes, uint64_t offset) {
    Faults& faults = context_.faults;
    if (faults.quiet || faults.opening || faults.damages >= 3) return false;
    const bool misdirects = context_.diskRandom.chance(faults.rates.misdirected);
    if (!misdirects && !context_.diskRandom.chance(faults.rates.lost)) return false;
    ++faults.damages;
    inode_->loseWrite(bytes, offset);
    context_.count(misdirects ? "misdirected writes" : "lost writes");
    context_.trace.note(misdirects ? "misdirected" : "lost");
    if (!misdirects) return true;
    const auto paths = disk_.paths();
    const auto target = disk_.find(paths[context_.diskRandom.below(paths.size())]);
    const uint64_t sectors = target->platterBytes() / kSectorBytes;
    target->damage(bytes, context_.diskRandom.below(sectors + 1) * kSectorBytes);
    return true;
  }

  Context& context_;
  Disk& disk_;
  const std::string path_;
  const OpenMode mode_;
  const std::shared_ptr<Inode> inode_;
  bool holdsLock_ = false;
};

}  // namespace

OpenResult StorageTwin::open(const std::string& path, OpenMode mode) {
  std::shared_ptr<Inode> inode = disk_.find(path);
  if (inode == nullptr) {
    if (mode != OpenMode::kCreate) return {ENOENT, nullptr};
    const int error = change(context_, "create", path, [&] { return disk_.create(path, &inode); });
    if (error != 0) return {error, nullptr};
  }
  if (mode == OpenMode::kReadDirect && !disk_.readsDirect) return {EINVAL, nullptr};
  return {0, std::make_unique<FileTwin>(context_, disk_, path, mode)};
}

ListResult StorageTwin::list(const std::string& folder) {
  if (!disk_.hasFolder(folder)) return {ENOENT, {}};
  return {0, disk_.namesIn(folder)};
}

int StorageTwin::makeFolder(const std::string& folder) {
  return change(context_, "make-folder", folder, [&] { return disk_.makeFolder(folder); });
}

int StorageTwin::syncFolder(const std::string& folder) {
  return change(context_, "sync-folder", folder, [&] {
    const bool skips = context_.is(Canary::kNoFolderSync) && folder.ends_with("/journal");
    return skips ? 0 : disk_.syncFolder(folder);
  });
}

int StorageTwin::syncFileSystem(const std::string& folder) {
  return change(context_, "sync-file-system", folder, [&] {
    disk_.syncAll();
    return 0;
  });
}

int StorageTwin::removeFolder(const std::string& folder) {
  return change(context_, "remove-folder", folder, [&] { return disk_.removeFolder(folder); });
}

int StorageTwin::rename(const std::string& from, const std::string& to) {
  return change(context_, "rename", from + " " + to, [&] { return disk_.rename(from, to); });
}

int StorageTwin::unlink(const std::string& path) {
  return change(context_, "unlink", path, [&] { return disk_.unlink(path); });
}

int StorageTwin::fillRandom(MutableBytes bytes) {
  context_.diskRandom.fill(bytes);
  return 0;
}

}  // namespace kudurru::sim
