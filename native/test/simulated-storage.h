// A disk in memory that forgets what was not synced, tears writes at sectors, fills up, and fails
// or kills the process at a chosen call. One seed gives one outcome.
#pragma once

#include <algorithm>
#include <cerrno>
#include <functional>
#include <map>
#include <random>
#include <set>

#include "core/journal/storage.h"

namespace kudurru::test {

// Thrown where the process dies.
struct Crash {};

class SimulatedDisk {
 public:
  struct Inode {
    std::vector<uint8_t> current;  // as the page cache has it
    std::vector<uint8_t> durable;  // as the platter has it
    // A sync failed: what the cache has beyond the platter is marked clean and never written.
    bool isLost = false;
    bool locked = false;
  };
  using Names = std::map<std::string, std::shared_ptr<Inode>>;
  enum class Fault { kNone, kCrashBefore, kCrashAfter, kError, kShortWrite, kInterrupted };

  uint64_t operation = 0;  // calls that change something, counted from 1
  uint64_t faultAt = 0;    // 0: never
  Fault fault = Fault::kNone;
  int faultError = EIO;
  uint64_t freeBytes = UINT64_MAX;
  bool isFullForWrites = false;  // a write that makes a file longer meets ENOSPC
  bool hasDirectReads = true;
  bool dropsCache = true;  // false: the kernel keeps its pages whatever it is asked
  Names names;
  std::set<std::string> folders;
  std::vector<std::string> trace;  // the calls, in order
  std::function<void()> onRead;    // before each read: what other processes do meanwhile

  // What a power cut leaves: each unsynced sector, size and name change survives or not.
  enum class Keep { kNothing, kAll, kSome };
  void powerCut(Keep keep, uint64_t seed) {
    std::mt19937_64 random(seed);
    const auto survives = [&] {
      return keep == Keep::kAll || (keep == Keep::kSome && (random() & 1) != 0);
    };
    size_t kept = 0;
    while (kept < pendingNames_.size() && survives()) pendingNames_[kept++](durableNames_);
    pendingNames_.clear();
    names = durableNames_;
    for (auto& [name, inode] : names) {
      tear(*inode, survives);
      inode->locked = false;
    }
    fault = Fault::kNone;
  }

  // Runs a call under the fault plan. `effect` does it and gives errno.
  int run(const std::string& what, const std::function<int()>& effect) {
    trace.push_back(what);
    if (++operation != faultAt) return effect();
    if (fault == Fault::kCrashBefore) throw Crash{};
    if (fault == Fault::kError) return faultError;
    const int error = effect();
    if (fault == Fault::kCrashAfter) throw Crash{};
    return error;
  }

  bool faultNow(Fault which) const { return operation + 1 == faultAt && fault == which; }

  void changeNames(const std::function<void(Names&)>& change) {
    change(names);
    pendingNames_.push_back(change);
  }

  void syncNames() {
    for (const auto& change : pendingNames_) change(durableNames_);
    pendingNames_.clear();
  }

 private:
  static constexpr size_t kSectorBytes = 512;

  static void tear(Inode& inode, const std::function<bool()>& survives) {
    std::vector<uint8_t> left = survives() ? inode.current : inode.durable;
    for (size_t at = 0; at < left.size(); at += kSectorBytes) {
      const std::vector<uint8_t>& source = survives() ? inode.current : inode.durable;
      const size_t end = std::min(at + kSectorBytes, left.size());
      for (size_t byte = at; byte < end; ++byte)
        left[byte] = byte < source.size() ? source[byte] : 0;
    }
    inode.current = inode.durable = left;
    inode.isLost = false;
  }

  Names durableNames_;
  std::vector<std::function<void(Names&)>> pendingNames_;
};

class SimulatedFile final : public File {
 public:
  using InodePointer = std::shared_ptr<SimulatedDisk::Inode>;

  SimulatedFile(SimulatedDisk& disk, std::string name, InodePointer inode, bool isDirect = false)
      : disk_(disk), name_(std::move(name)), inode_(std::move(inode)), isDirect_(isDirect) {}
  ~SimulatedFile() override {
    if (holdsLock_) inode_->locked = false;
  }

  IoResult write(Bytes bytes, uint64_t offset) override {
    const bool isShort = disk_.faultNow(SimulatedDisk::Fault::kShortWrite);
    const bool isInterrupted = disk_.faultNow(SimulatedDisk::Fault::kInterrupted);
    if (isShort) bytes = bytes.first((bytes.size() + 1) / 2);
    const int error = disk_.run("write " + name_, [&] {
      if (isInterrupted) return EINTR;
      auto& data = inode_->current;
      if (disk_.isFullForWrites && data.size() < offset + bytes.size()) return ENOSPC;
      if (data.size() < offset + bytes.size()) data.resize(offset + bytes.size());
      std::copy(bytes.begin(), bytes.end(), data.begin() + static_cast<ptrdiff_t>(offset));
      return 0;
    });
    return {error, error == 0 ? bytes.size() : 0};
  }

  IoResult read(MutableBytes bytes, uint64_t offset) override {
    if (disk_.onRead) disk_.onRead();
    if (isDirect_) {
      const uint64_t address = reinterpret_cast<uintptr_t>(bytes.data());
      if ((address | offset | bytes.size()) % kDirectAlignment != 0) return {EINVAL, 0};
    }
    // Pages not yet written are written by the kernel before a direct read, lost ones are not.
    const bool fromPlatter = isDirect_ && inode_->isLost;
    const auto& data = fromPlatter ? inode_->durable : inode_->current;
    if (offset >= data.size()) return {0, 0};
    const size_t count = std::min<size_t>(bytes.size(), data.size() - offset);
    std::copy_n(data.begin() + static_cast<ptrdiff_t>(offset), count, bytes.begin());
    return {0, count};
  }

  IoResult size() override { return {0, inode_->current.size()}; }

  int syncData() override {
    const int error = disk_.run("sync " + name_, [&] {
      if (!inode_->isLost) inode_->durable = inode_->current;
      return 0;
    });
    if (error != 0) inode_->isLost = true;
    return error;
  }

  int allocate(uint64_t size) override {
    return disk_.run("allocate " + name_, [&] {
      auto& data = inode_->current;
      if (size <= data.size()) return 0;
      if (size - data.size() > disk_.freeBytes) return ENOSPC;
      if (disk_.freeBytes != UINT64_MAX) disk_.freeBytes -= size - data.size();
      data.resize(size);
      return 0;
    });
  }

  int truncate(uint64_t size) override {
    return disk_.run("truncate " + name_, [&] {
      auto& data = inode_->current;
      if (size < data.size() && disk_.freeBytes != UINT64_MAX)
        disk_.freeBytes += data.size() - size;
      data.resize(size);
      if (inode_->isLost) inode_->durable.resize(std::min<size_t>(inode_->durable.size(), size));
      return 0;
    });
  }

  int dropCache() override {
    if (!inode_->isLost || !disk_.dropsCache) return 0;
    inode_->current = inode_->durable;
    inode_->isLost = false;
    return 0;
  }

  int lock() override {
    if (inode_->locked) return EWOULDBLOCK;
    inode_->locked = holdsLock_ = true;
    return 0;
  }

 private:
  SimulatedDisk& disk_;
  const std::string name_;
  InodePointer inode_;
  const bool isDirect_;
  bool holdsLock_ = false;
};

class SimulatedStorage final : public Storage {
 public:
  explicit SimulatedStorage(SimulatedDisk& disk) : disk_(disk) {}

  OpenResult open(const std::string& path, OpenMode mode) override {
    if (!disk_.names.contains(path)) {
      if (mode != OpenMode::kCreate) return {ENOENT, nullptr};
      const auto inode = std::make_shared<SimulatedDisk::Inode>();
      const int error = disk_.run("create " + path, [&] {
        disk_.changeNames([=](SimulatedDisk::Names& names) { names[path] = inode; });
        return 0;
      });
      if (error != 0) return {error, nullptr};
    }
    const bool isDirect = mode == OpenMode::kReadDirect;
    if (isDirect && !disk_.hasDirectReads) return {EINVAL, nullptr};
    return {0, std::make_unique<SimulatedFile>(disk_, path, disk_.names.at(path), isDirect)};
  }

  ListResult list(const std::string& folder) override {
    if (!disk_.folders.contains(folder)) return {ENOENT, {}};
    ListResult result;
    const std::string prefix = folder + "/";
    for (const auto& [name, inode] : disk_.names) {
      if (name.starts_with(prefix) && name.find('/', prefix.size()) == std::string::npos) {
        result.names.push_back(name.substr(prefix.size()));
      }
    }
    return result;
  }

  int makeFolder(const std::string& folder) override {
    return disk_.folders.insert(folder).second ? 0 : EEXIST;
  }

  int syncFolder(const std::string& folder) override {
    return disk_.run("sync-folder " + folder, [&] {
      disk_.syncNames();
      return 0;
    });
  }

  int syncFileSystem(const std::string& folder) override {
    return disk_.run("sync-file-system " + folder, [&] {
      for (auto& [name, inode] : disk_.names) inode->durable = inode->current;
      disk_.syncNames();
      return 0;
    });
  }

  int removeFolder(const std::string& folder) override {
    return disk_.folders.erase(folder) == 1 ? 0 : ENOENT;
  }

  int rename(const std::string& from, const std::string& to) override {
    return disk_.run("rename " + from + " " + to, [&] {
      if (!disk_.names.contains(from)) return ENOENT;
      disk_.changeNames([=](SimulatedDisk::Names& names) {
        names[to] = names.at(from);
        names.erase(from);
      });
      return 0;
    });
  }

  int unlink(const std::string& path) override {
    return disk_.run("unlink " + path, [&] {
      if (!disk_.names.contains(path)) return ENOENT;
      if (disk_.freeBytes != UINT64_MAX) disk_.freeBytes += disk_.names.at(path)->current.size();
      disk_.changeNames([=](SimulatedDisk::Names& names) { names.erase(path); });
      return 0;
    });
  }

  int fillRandom(MutableBytes bytes) override {
    for (uint8_t& byte : bytes) byte = static_cast<uint8_t>(random_());
    return 0;
  }

 private:
  SimulatedDisk& disk_;
  std::mt19937_64 random_{1};
};

}  // namespace kudurru::test
