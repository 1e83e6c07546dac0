// Preload library: faults at a call that changes the disk, and a disk that loses at the kill what
// was not synced (undo.h). What to do is in a plan (plan.h); one process of many is watched.
//
// A passage is one call on a file of the state folder (passage.h). Its site is the call, the class
// of the file and the functions of the addon that it came through.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "passage.h"
#include "real.h"
#include "undo.h"

// The result of a call that something was kept for.
static ssize_t kept(ssize_t result) {
  const int saved = errno;
  if (result < 0) undo_drop();
  errno = saved;
  return result;
}

static size_t half(const struct passage *p, size_t length) {
  return p->shortened && length > 1 ? length / 2 : length;
}

static off_t end_or_place(int fd) {
  struct stat facts;
  if ((fcntl(fd, F_GETFL) & O_APPEND) != 0 && fstat(fd, &facts) == 0) return facts.st_size;
  return lseek(fd, 0, SEEK_CUR);
}

ssize_t write(int fd, const void *bytes, size_t length) {
  struct passage p;
  if (!enter_fd(&p, "write", fd)) return real.write(fd, bytes, length);
  ssize_t result = -1;
  if (p.error == 0) {
    undo_write(fd, end_or_place(fd), half(&p, length));
    result = kept(real.write(fd, bytes, half(&p, length)));
  }
  leave(&p);
  return result;
}

ssize_t pwrite64(int fd, const void *bytes, size_t length, off_t offset) {
  struct passage p;
  if (!enter_fd(&p, "pwrite", fd)) return real.pwrite(fd, bytes, length, offset);
  ssize_t result = -1;
  if (p.error == 0) {
    undo_write(fd, offset, half(&p, length));
    result = kept(real.pwrite(fd, bytes, half(&p, length), offset));
  }
  leave(&p);
  return result;
}
ssize_t pwrite(int fd, const void *bytes, size_t length, off_t offset) {
  return pwrite64(fd, bytes, length, offset);
}

// A short one is the first half of the bytes, whichever parts they are in.
static ssize_t write_parts(struct passage *p, int fd, const struct iovec *parts, int count,
                           off_t offset) {
  size_t length = 0;
  for (int at = 0; at < count; at++) length += parts[at].iov_len;
  const off_t place = offset < 0 ? end_or_place(fd) : offset;
  undo_write(fd, place, half(p, length));
  if (!p->shortened)
    return kept(offset < 0 ? real.writev(fd, parts, count)
                           : real.pwritev(fd, parts, count, offset));
  char *bytes = malloc(length + 1);
  if (bytes == NULL) broken(__LINE__);
  size_t copied = 0;
  for (int at = 0; at < count; at++) {
    memcpy(bytes + copied, parts[at].iov_base, parts[at].iov_len);
    copied += parts[at].iov_len;
  }
  const ssize_t result = offset < 0 ? real.write(fd, bytes, half(p, length))
                                    : real.pwrite(fd, bytes, half(p, length), offset);
  free(bytes);
  return kept(result);
}

ssize_t writev(int fd, const struct iovec *parts, int count) {
  struct passage p;
  if (!enter_fd(&p, "writev", fd)) return real.writev(fd, parts, count);
  const ssize_t result = p.error == 0 ? write_parts(&p, fd, parts, count, -1) : -1;
  leave(&p);
  return result;
}

ssize_t pwritev64(int fd, const struct iovec *parts, int count, off_t offset) {
  struct passage p;
  if (!enter_fd(&p, "pwritev", fd)) return real.pwritev(fd, parts, count, offset);
  const ssize_t result = p.error == 0 ? write_parts(&p, fd, parts, count, offset) : -1;
  leave(&p);
  return result;
}
ssize_t pwritev(int fd, const struct iovec *parts, int count, off_t offset) {
  return pwritev64(fd, parts, count, offset);
}
ssize_t pwritev64v2(int fd, const struct iovec *parts, int count, off_t offset, int flags) {
  (void)flags;  // they ask for speed, or for a sync that the next one gives too
  return offset == -1 ? writev(fd, parts, count) : pwritev64(fd, parts, count, offset);
}
ssize_t pwritev2(int fd, const struct iovec *parts, int count, off_t offset, int flags) {
  return pwritev64v2(fd, parts, count, offset, flags);
}

ssize_t copy_file_range(int from, off_t *from_at, int to, off_t *to_at, size_t length,
                        unsigned flags) {
  struct passage p;
  if (!enter_fd(&p, "copy_file_range", to))
    return real.copy_file_range(from, from_at, to, to_at, length, flags);
  ssize_t result = -1;
  if (p.error == 0) {
    undo_write(to, to_at != NULL ? *to_at : end_or_place(to), half(&p, length));
    result = kept(real.copy_file_range(from, from_at, to, to_at, half(&p, length), flags));
  }
  leave(&p);
  return result;
}

ssize_t sendfile64(int to, int from, off_t *from_at, size_t length) {
  struct passage p;
  if (!enter_fd(&p, "sendfile", to)) return real.sendfile(to, from, from_at, length);
  ssize_t result = -1;
  if (p.error == 0) {
    undo_write(to, end_or_place(to), half(&p, length));
    result = kept(real.sendfile(to, from, from_at, half(&p, length)));
  }
  leave(&p);
  return result;
}
ssize_t sendfile(int to, int from, off_t *from_at, size_t length) {
  return sendfile64(to, from, from_at, length);
}

// What is synced counts from before the kill that may follow.
static int sync_file(const char *call, int fd, int (*real_sync)(int)) {
  struct passage p;
  if (!enter_fd(&p, call, fd)) return real_sync(fd);
  const int is_all = real_sync == real.syncfs;
  int result = p.error == 0 ? 0 : -1;
  if (p.error != 0)
    undo_sync_failed(is_all ? -1 : fd);
  else if (!p.skipped) {
    result = real_sync(fd);
    if (result == 0) {
      if (is_all)
        undo_synced_all();
      else
        undo_synced(fd);
    }
  }
  leave(&p);
  return result;
}

int fsync(int fd) { return sync_file("fsync", fd, real.fsync); }
int fdatasync(int fd) { return sync_file("fdatasync", fd, real.fdatasync); }
int syncfs(int fd) { return sync_file("syncfs", fd, real.syncfs); }

int fallocate64(int fd, int mode, off_t offset, off_t length) {
  struct passage p;
  if (!enter_fd(&p, "fallocate", fd)) return real.fallocate(fd, mode, offset, length);
  int result = -1;
  if (p.error == 0) {
    if (mode == 0)
      undo_resize(fd, offset + length);
    else
      undo_write(fd, offset, (size_t)length);
    result = (int)kept(real.fallocate(fd, mode, offset, length));
  }
  leave(&p);
  return result;
}
int fallocate(int fd, int mode, off_t offset, off_t length) {
  return fallocate64(fd, mode, offset, length);
}
int posix_fallocate64(int fd, off_t offset, off_t length) {
  return fallocate64(fd, 0, offset, length) == 0 ? 0 : errno;
}
int posix_fallocate(int fd, off_t offset, off_t length) {
  return posix_fallocate64(fd, offset, length);
}

int ftruncate64(int fd, off_t size) {
  struct passage p;
  if (!enter_fd(&p, "ftruncate", fd)) return real.ftruncate(fd, size);
  int result = -1;
  if (p.error == 0) {
    undo_resize(fd, size);
    result = (int)kept(real.ftruncate(fd, size));
  }
  leave(&p);
  return result;
}
int ftruncate(int fd, off_t size) { return ftruncate64(fd, size); }

int truncate64(const char *path, off_t size) {
  const int fd = real.open(path, O_RDWR | O_CLOEXEC);
  if (fd < 0) return -1;
  const int result = ftruncate64(fd, size);
  const int saved = errno;
  close(fd);
  errno = saved;
  return result;
}
int truncate(const char *path, off_t size) { return truncate64(path, size); }

// One that changes nothing on the disk is not watched.
static int open_watched(int folder, const char *path, int flags, mode_t mode) {
  struct passage p;
  struct stat facts;
  char full[PATH_MAX];
  const int may_change = watches() && (flags & (O_CREAT | O_TRUNC)) != 0;
  if (!may_change) return real.openat(folder, path, flags, mode);
  resolve(folder, path, full);
  const int was_there = lstat(full, &facts) == 0;
  const int makes = (flags & O_CREAT) != 0 && !was_there;
  const int empties = (flags & O_TRUNC) != 0 && was_there && S_ISREG(facts.st_mode);
  if ((!makes && !empties) || !enter_path(&p, makes ? "create" : "open-truncate", folder, path))
    return real.openat(folder, path, flags, mode);
  int result = -1;
  if (p.error == 0) {
    if (empties) {
      const int old = real.open(full, O_RDWR | O_CLOEXEC);
      if (old < 0) broken(__LINE__);
      undo_resize(old, 0);
      close(old);
    }
    result = real.openat(folder, path, flags, mode);
    if (result >= 0 && makes) undo_create(full);
  }
  leave(&p);
  return result;
}

static mode_t mode_of(int flags, va_list arguments) {
  return (flags & (O_CREAT | O_TMPFILE)) != 0 ? va_arg(arguments, mode_t) : 0;
}

#define OPEN(folder)                             \
  va_list arguments;                             \
  va_start(arguments, flags);                    \
  const mode_t mode = mode_of(flags, arguments); \
  va_end(arguments);                             \
  return open_watched(folder, path, flags, mode)

int open64(const char *path, int flags, ...) { OPEN(AT_FDCWD); }
int open(const char *path, int flags, ...) { OPEN(AT_FDCWD); }
int openat64(int folder, const char *path, int flags, ...) { OPEN(folder); }
int openat(int folder, const char *path, int flags, ...) { OPEN(folder); }
int creat64(const char *path, mode_t mode) {
  return open_watched(AT_FDCWD, path, O_CREAT | O_WRONLY | O_TRUNC, mode);
}
int creat(const char *path, mode_t mode) { return creat64(path, mode); }

int renameat(int from_folder, const char *from, int to_folder, const char *to) {
  struct passage p;
  char old[PATH_MAX], new[PATH_MAX];
  resolve(from_folder, from, old);
  resolve(to_folder, to, new);
  if (!enter_path(&p, "rename", AT_FDCWD, new)) return real.rename(old, new);
  int result = -1;
  if (p.error == 0) {
    undo_rename(old, new);
    result = (int)kept(real.rename(old, new));
  }
  leave(&p);
  return result;
}
int rename(const char *from, const char *to) { return renameat(AT_FDCWD, from, AT_FDCWD, to); }

int linkat(int from_folder, const char *from, int to_folder, const char *to, int flags) {
  (void)flags;
  struct passage p;
  char old[PATH_MAX], new[PATH_MAX];
  resolve(from_folder, from, old);
  resolve(to_folder, to, new);
  if (!enter_path(&p, "link", AT_FDCWD, new)) return real.link(old, new);
  const int result = p.error == 0 ? real.link(old, new) : -1;
  if (result == 0) undo_create(new);
  leave(&p);
  return result;
}
int link(const char *from, const char *to) { return linkat(AT_FDCWD, from, AT_FDCWD, to, 0); }

// A name that is not there is not removed: no passage.
static int remove_watched(const char *call, int folder, const char *path,
                          int (*real_remove)(const char *)) {
  struct passage p;
  struct stat facts;
  char full[PATH_MAX];
  resolve(folder, path, full);
  if (!watches() || lstat(full, &facts) != 0 || !enter_path(&p, call, folder, path))
    return real_remove(full);
  int result = -1;
  if (p.error == 0) {
    undo_remove(full);
    result = (int)kept(real_remove(full));
  }
  leave(&p);
  return result;
}

static int is_folder(const char *path) {
  struct stat facts;
  return lstat(path, &facts) == 0 && S_ISDIR(facts.st_mode);
}

int unlink(const char *path) { return remove_watched("unlink", AT_FDCWD, path, real.unlink); }
int rmdir(const char *path) { return remove_watched("rmdir", AT_FDCWD, path, real.rmdir); }
int remove(const char *path) { return is_folder(path) ? rmdir(path) : unlink(path); }
int unlinkat(int folder, const char *path, int flags) {
  if ((flags & AT_REMOVEDIR) != 0) return remove_watched("rmdir", folder, path, real.rmdir);
  return remove_watched("unlink", folder, path, real.unlink);
}

int mkdirat(int folder, const char *path, mode_t mode) {
  struct passage p;
  struct stat facts;
  char full[PATH_MAX];
  resolve(folder, path, full);
  if (!watches() || lstat(full, &facts) == 0 || !enter_path(&p, "mkdir", folder, path))
    return real.mkdir(full, mode);
  const int result = p.error == 0 ? real.mkdir(full, mode) : -1;
  if (result == 0) undo_create(full);
  leave(&p);
  return result;
}
int mkdir(const char *path, mode_t mode) { return mkdirat(AT_FDCWD, path, mode); }
