#include "disk.h"

#include <algorithm>
#include <cerrno>

namespace kudurru::sim {
namespace {

// How a power cut treats what is pending: all of it, none, each piece by itself, or a beginning.
Survival survivalOf(Random& random) {
  switch (random.below(5)) {
    case 0:
      return [] { return false; };
    case 1:
      return [] { return true; };
    case 2: {
      uint64_t left = random.below(24);
      return [left]() mutable { return left != 0 && left-- != 0; };
    }
    default: {
      const uint32_t percent = static_cast<uint32_t>(random.between(5, 95));
      return [&random, percent] { return random.percent(percent); };
    }
  }
}

}  // namespace

std::string Disk::folderOf(const std::string& path) {
  const size_t slash = path.rfind('/');
  return slash == 0 ? "/" : path.substr(0, slash);
}

std::shared_ptr<Inode> Disk::find(const std::string& path) const {
  const auto found = names_.find(path);
  return found == names_.end() ? nullptr : found->second;
}

std::vector<std::string> Disk::namesIn(const std::string& folder) const {
  std::vector<std::string> names;
  const auto take = [&](const std::string& path) {
    if (path != "/" && folderOf(path) == folder) names.push_back(path.substr(folder.size() + 1));
  };
  for (const auto& [path, inode] : names_) take(path);
  for (const std::string& path : folders_) take(path);
  std::ranges::sort(names);
  return names;
}

std::vector<std::string> Disk::paths() const {
  std::vector<std::string> paths;
  for (const auto& [path, inode] : names_) paths.push_back(path);
  return paths;
}

uint64_t Disk::usedBytes() const {
  uint64_t bytes = 0;
  for (const auto& [path, inode] : names_) bytes += inode->size();
  return bytes;
}

void Disk::apply(const Change& change, Names& names, std::set<std::string>& folders) {
  switch (change.kind) {
    case Change::Kind::kCreate:
      names[change.from] = change.inode;
      return;
    case Change::Kind::kRemove:
      names.erase(change.from);
      return;
    case Change::Kind::kMove:
      names.erase(change.from);
      names[change.to] = change.inode;
      return;
    case Change::Kind::kMakeFolder:
      folders.insert(change.from);
      return;
    case Change::Kind::kRemoveFolder:
      folders.erase(change.from);
      return;
  }
}

void Disk::change(Change change) {
  apply(change, names_, folders_);
  pending_.push_back(std::move(change));
}

int Disk::create(const std::string& path, std::shared_ptr<Inode>* inode) {
  if (!folders_.contains(folderOf(path))) return ENOENT;
  if (folders_.contains(path)) return EISDIR;
  *inode = std::make_shared<Inode>();
  change({Change::Kind::kCreate, path, {}, *inode});
  return 0;
}

int Disk::makeFolder(const std::string& folder) {
  if (folders_.contains(folder) || names_.contains(folder)) return EEXIST;
  if (!folders_.contains(folderOf(folder))) return ENOENT;
  change({Change::Kind::kMakeFolder, folder, {}, nullptr});
  return 0;
}

int Disk::removeFolder(const std::string& folder) {
  if (!folders_.contains(folder)) return ENOENT;
  if (!namesIn(folder).empty()) return ENOTEMPTY;
  change({Change::Kind::kRemoveFolder, folder, {}, nullptr});
  return 0;
}

int Disk::rename(const std::string& from, const std::string& to) {
  const std::shared_ptr<Inode> inode = find(from);
  if (inode == nullptr || !folders_.contains(folderOf(to))) return ENOENT;
  change({Change::Kind::kMove, from, to, inode});
  return 0;
}

int Disk::unlink(const std::string& path) {
  const std::shared_ptr<Inode> inode = find(path);
  if (inode == nullptr) return ENOENT;
  change({Change::Kind::kRemove, path, {}, inode});
  return 0;
}

bool Disk::dependOnEachOther(const Change& one, const Change& other) {
  const auto related = [](const std::string& a, const std::string& b) {
    return !a.empty() && !b.empty() && (a == b || folderOf(a) == b || folderOf(b) == a);
  };
  return related(one.from, other.from) || related(one.from, other.to) ||
         related(one.to, other.from) || related(one.to, other.to);
}

// The folder's own changes, and what these rest on.
int Disk::syncFolder(const std::string& folder) {
  if (!folders_.contains(folder)) return ENOENT;
  std::vector<bool> chosen(pending_.size(), false);
  for (size_t at = pending_.size(); at-- > 0;) {
    const Change& one = pending_[at];
    chosen[at] = folderOf(one.from) == folder || (!one.to.empty() && folderOf(one.to) == folder);
    for (size_t later = at + 1; !chosen[at] && later < pending_.size(); ++later) {
      chosen[at] = chosen[later] && dependOnEachOther(one, pending_[later]);
    }
  }
  std::vector<Change> left;
  for (size_t at = 0; at < pending_.size(); ++at) {
    if (chosen[at]) {
      apply(pending_[at], durableNames_, durableFolders_);
    } else {
      left.push_back(std::move(pending_[at]));
    }
  }
  pending_ = std::move(left);
  return 0;
}

void Disk::syncAll() {
  for (const auto& [path, inode] : names_) inode->sync();
  for (const Change& one : pending_) apply(one, durableNames_, durableFolders_);
  pending_.clear();
}

void Disk::writeBack(Random& random) {
  for (const auto& [path, inode] : names_) {
    if (random.percent(40)) inode->writeBack(random);
  }
}

void Disk::endProcess() {
  for (const auto& [path, inode] : names_) inode->locked = false;
}

// A change of a name is lost with any that it rests on; otherwise each survives by itself.
void Disk::cutPower(Random& random) {
  const Survival survives = survivalOf(random);
  std::vector<const Change*> lost;
  for (const Change& one : pending_) {
    const bool restsOnLost = std::ranges::any_of(
        lost, [&](const Change* gone) { return dependOnEachOther(*gone, one); });
    if (restsOnLost || !survives()) {
      lost.push_back(&one);
    } else {
      apply(one, durableNames_, durableFolders_);
    }
  }
  pending_.clear();
  names_ = durableNames_;
  folders_ = durableFolders_;
  for (const auto& [path, inode] : names_) inode->cutPower(survives);
}

}  // namespace kudurru::sim
