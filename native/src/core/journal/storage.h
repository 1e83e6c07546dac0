// The file system as the journal sees it: every call that writes, syncs, renames, truncates or
// allocates goes through here, so that a simulated disk drives the very code that ships.
// Calls map one to one onto system calls: a write may be short, nothing is retried in here.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "core/bytes.h"
#include "core/journal/status.h"

namespace kudurru {

struct IoResult {
  int error = 0;  // errno; 0 is success
  uint64_t value = 0;
};

class File {
 public:
  virtual ~File() = default;
  virtual IoResult write(Bytes bytes, uint64_t offset) = 0;        // pwrite
  virtual IoResult read(MutableBytes bytes, uint64_t offset) = 0;  // pread
  virtual IoResult size() = 0;                                     // fstat
  virtual int syncData() = 0;                                      // fdatasync
  virtual int allocate(uint64_t size) = 0;                         // fallocate from 0
  virtual int truncate(uint64_t size) = 0;                         // ftruncate
  virtual int dropCache() = 0;  // forget clean pages: the next read comes from the platter
  virtual int lock() = 0;       // flock, exclusive, EWOULDBLOCK when another holds it
};

enum class OpenMode : uint8_t {
  kRead,
  kReadDirect,  // past the page cache (O_DIRECT); EINVAL where the file system cannot
  kReadWrite,
  kCreate  // new or existing, read-write
};

// Of a file opened with kReadDirect, every read has an address, an offset and a size that are
// multiples of this. A read that is not a multiple long has met the end of the file.
constexpr uint64_t kDirectAlignment = 4096;

struct OpenResult {
  int error = 0;
  std::unique_ptr<File> file;
};

struct ListResult {
  int error = 0;
  std::vector<std::string> names;  // sorted, without "." and ".."
};

class Storage {
 public:
  virtual ~Storage() = default;
  virtual OpenResult open(const std::string& path, OpenMode mode) = 0;
  virtual ListResult list(const std::string& folder) = 0;
  virtual int makeFolder(const std::string& folder) = 0;  // mode 0700; EEXIST is an error
  virtual int syncFolder(const std::string& folder) = 0;
  virtual int syncFileSystem(
      const std::string& folder) = 0;                       // syncfs: all files of its file system
  virtual int removeFolder(const std::string& folder) = 0;  // must be empty
  virtual int rename(const std::string& from, const std::string& to) = 0;
  virtual int unlink(const std::string& path) = 0;
  virtual int fillRandom(MutableBytes bytes) = 0;
};

// The real one. It uses libc's own pwrite, fdatasync and so on, so that preloaded tools see them.
std::unique_ptr<Storage> posixStorage();

// Writes all bytes, going on after a short write or EINTR. Returns errno, 0 on success.
int writeAll(File& file, Bytes bytes, uint64_t offset);

// Reads until `bytes` is full or the file ends; `value` is the count read.
IoResult readAll(File& file, MutableBytes bytes, uint64_t offset);
// The same under the rule of kReadDirect.
IoResult readAllDirect(File& file, MutableBytes bytes, uint64_t offset);

// Makes the folder when it is missing, and its name durable in `parent`.
Status ensureFolder(Storage& storage, const std::string& parent, const std::string& name);

}  // namespace kudurru
