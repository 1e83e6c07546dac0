// The simulated disk: files by name, with the changes of names that no sync has made durable yet.
// Names are durable only after their folder was synced, bytes only after their file was.
#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "inode.h"

namespace kudurru::sim {

class Disk {
 public:
  uint64_t capacityBytes = UINT64_MAX;
  bool readsDirect = true;  // tmpfs, for one, does not

  Disk() { folders_.insert("/"), durableFolders_.insert("/"); }

  // Null where there is none.
  std::shared_ptr<Inode> find(const std::string& path) const;
  bool hasFolder(const std::string& folder) const { return folders_.contains(folder); }
  std::vector<std::string> namesIn(const std::string& folder) const;
  std::vector<std::string> paths() const;
  uint64_t usedBytes() const;
  bool hasRoom(uint64_t bytes) const { return usedBytes() + bytes <= capacityBytes; }

  // Each gives errno, 0 where it was done.
  int create(const std::string& path, std::shared_ptr<Inode>* inode);
  int makeFolder(const std::string& folder);
  int removeFolder(const std::string& folder);
  int rename(const std::string& from, const std::string& to);
  int unlink(const std::string& path);
  int syncFolder(const std::string& folder);
  void syncAll();

  void writeBack(Random& random);
  // The process has ended: its locks with it. What it wrote stays in the page cache.
  void endProcess();
  void cutPower(Random& random);

 private:
  using Names = std::map<std::string, std::shared_ptr<Inode>>;
  struct Change {
    enum class Kind : uint8_t { kCreate, kRemove, kMove, kMakeFolder, kRemoveFolder };
    Kind kind;
    std::string from;
    std::string to;  // of a move
    std::shared_ptr<Inode> inode;
  };

  static std::string folderOf(const std::string& path);
  static bool dependOnEachOther(const Change& one, const Change& other);
  static void apply(const Change& change, Names& names, std::set<std::string>& folders);
  void change(Change change);

  Names names_;
  Names durableNames_;
  std::set<std::string> folders_;
  std::set<std::string> durableFolders_;
  std::vector<Change> pending_;
};

}  // namespace kudurru::sim
