// Storage over libc. Files are private to the daemon's user (0600, folders 0700), and never
// inherited by children.
#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>

#include "core/journal/storage.h"

namespace kudurru {
namespace {

int errnoOf(int result) { return result == 0 ? 0 : errno; }

template <typename Call>
int retryInterrupted(Call call) {
  for (;;) {
    const int error = errnoOf(call());
    if (error != EINTR) return error;
  }
}

class PosixFile final : public File {
 public:
  explicit PosixFile(int descriptor) : descriptor_(descriptor) {}
  ~PosixFile() override { ::close(descriptor_); }
  PosixFile(const PosixFile&) = delete;
  PosixFile& operator=(const PosixFile&) = delete;

  IoResult write(Bytes bytes, uint64_t offset) override {
    return counted(::pwrite(descriptor_, bytes.data(), bytes.size(), static_cast<off_t>(offset)));
  }

  IoResult read(MutableBytes bytes, uint64_t offset) override {
    return counted(::pread(descriptor_, bytes.data(), bytes.size(), static_cast<off_t>(offset)));
  }

  IoResult size() override {
    struct stat facts{};
    if (::fstat(descriptor_, &facts) != 0) return {errno, 0};
    return {0, static_cast<uint64_t>(facts.st_size)};
  }

  // Never retried, not even on EINTR: after a failed sync the page cache no longer tells the truth.
  int syncData() override { return errnoOf(::fdatasync(descriptor_)); }

  int allocate(uint64_t size) override {
    return retryInterrupted(
        [&] { return ::fallocate(descriptor_, 0, 0, static_cast<off_t>(size)); });
  }

  int truncate(uint64_t size) override {
    return retryInterrupted([&] { return ::ftruncate(descriptor_, static_cast<off_t>(size)); });
  }

  int dropCache() override { return ::posix_fadvise(descriptor_, 0, 0, POSIX_FADV_DONTNEED); }

  int lock() override {
    return retryInterrupted([&] { return ::flock(descriptor_, LOCK_EX | LOCK_NB); });
  }

 private:
  static IoResult counted(ssize_t result) {
    if (result < 0) return {errno, 0};
    return {0, static_cast<uint64_t>(result)};
  }

  int descriptor_;
};

int openFlags(OpenMode mode) {
  switch (mode) {
    case OpenMode::kRead:
      return O_RDONLY | O_CLOEXEC;
    case OpenMode::kReadDirect:
      return O_RDONLY | O_DIRECT | O_CLOEXEC;
    case OpenMode::kReadWrite:
      return O_RDWR | O_CLOEXEC;
    case OpenMode::kCreate:
      return O_RDWR | O_CREAT | O_CLOEXEC;
  }
  return O_RDONLY | O_CLOEXEC;
}

class PosixStorage final : public Storage {
 public:
  OpenResult open(const std::string& path, OpenMode mode) override {
    int descriptor = -1;
    do {
      descriptor = ::open(path.c_str(), openFlags(mode), 0600);
    } while (descriptor < 0 && errno == EINTR);
    if (descriptor < 0) return {errno, nullptr};
    return {0, std::make_unique<PosixFile>(descriptor)};
  }

  ListResult list(const std::string& folder) override {
    DIR* stream = ::opendir(folder.c_str());
    if (stream == nullptr) return {errno, {}};
    ListResult result;
    for (;;) {
      errno = 0;
      const dirent* item = ::readdir(stream);
      if (item == nullptr) break;
      const std::string name = item->d_name;
      if (name != "." && name != "..") result.names.push_back(name);
    }
    result.error = errno;
    ::closedir(stream);
    std::sort(result.names.begin(), result.names.end());
    return result;
  }

  int makeFolder(const std::string& folder) override {
    return errnoOf(::mkdir(folder.c_str(), 0700));
  }

  int syncFolder(const std::string& folder) override { return withFolder(folder, ::fsync); }

  int syncFileSystem(const std::string& folder) override { return withFolder(folder, ::syncfs); }

  int removeFolder(const std::string& folder) override { return errnoOf(::rmdir(folder.c_str())); }

  int rename(const std::string& from, const std::string& to) override {
    return errnoOf(::rename(from.c_str(), to.c_str()));
  }

  int unlink(const std::string& path) override { return errnoOf(::unlink(path.c_str())); }

  int fillRandom(MutableBytes bytes) override {
    while (!bytes.empty()) {
      const ssize_t got = ::getrandom(bytes.data(), bytes.size(), 0);
      if (got < 0 && errno == EINTR) continue;
      if (got < 0) return errno;
      bytes = bytes.subspan(static_cast<size_t>(got));
    }
    return 0;
  }

 private:
  static int withFolder(const std::string& folder, int (*call)(int)) {
    const int descriptor = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (descriptor < 0) return errno;
    const int error = errnoOf(call(descriptor));
    ::close(descriptor);
    return error;
  }
};

}  // namespace

std::unique_ptr<Storage> posixStorage() { return std::make_unique<PosixStorage>(); }

}  // namespace kudurru
