// Preload library: a disk that is full while the file FULL_DISK_FLAG exists.
//
// Below FULL_DISK_PREFIX, whatever would need more room answers ENOSPC: fallocate, and writes that
// would make a file longer. Room that a file has already stays usable, as on a real disk. Names
// are not counted: an empty file can still be made.
//
// While the file FULL_DISK_FREE exists, statfs answers that as many bytes are free as it says.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

static char prefix[PATH_MAX];
static const char *flag;
static const char *free_file;

static ssize_t (*real_write)(int, const void *, size_t);
static ssize_t (*real_pwrite)(int, const void *, size_t, off_t);
static int (*real_fallocate)(int, int, off_t, off_t);
static int (*real_statfs)(const char *, struct statfs *);

static void *symbol(const char *name) {
  void *found = dlsym(RTLD_NEXT, name);
  if (found == NULL) abort();
  return found;
}

__attribute__((constructor)) static void start(void) {
  real_write = (ssize_t(*)(int, const void *, size_t))symbol("write");
  real_pwrite = (ssize_t(*)(int, const void *, size_t, off_t))symbol("pwrite64");
  real_fallocate = (int (*)(int, int, off_t, off_t))symbol("fallocate64");
  real_statfs = (int (*)(const char *, struct statfs *))symbol("statfs64");
  flag = getenv("FULL_DISK_FLAG");
  free_file = getenv("FULL_DISK_FREE");
  const char *value = getenv("FULL_DISK_PREFIX");
  if (value != NULL && realpath(value, prefix) == NULL)
    snprintf(prefix, sizeof prefix, "%s", value);
}

static int is_full(int fd, off_t end) {
  int saved = errno;
  struct stat info;
  char link[64], path[PATH_MAX];
  int full = 0;
  if (flag != NULL && prefix[0] != '\0' && access(flag, F_OK) == 0 && fstat(fd, &info) == 0 &&
      S_ISREG(info.st_mode) && end > info.st_size) {
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, sizeof path - 1);
    size_t prefix_length = strlen(prefix);
    if (length > 0) {
      path[length] = '\0';
      full = strncmp(path, prefix, prefix_length) == 0 && path[prefix_length] == '/';
    }
  }
  errno = full ? ENOSPC : saved;
  return full;
}

ssize_t write(int fd, const void *bytes, size_t length) {
  off_t at = lseek(fd, 0, SEEK_CUR);
  if (at >= 0 && is_full(fd, at + (off_t)length)) return -1;
  return real_write(fd, bytes, length);
}
ssize_t pwrite64(int fd, const void *bytes, size_t length, off_t offset) {
  return is_full(fd, offset + (off_t)length) ? -1 : real_pwrite(fd, bytes, length, offset);
}
ssize_t pwrite(int fd, const void *bytes, size_t length, off_t offset) {
  return pwrite64(fd, bytes, length, offset);
}
int fallocate64(int fd, int mode, off_t offset, off_t length) {
  return is_full(fd, offset + length) ? -1 : real_fallocate(fd, mode, offset, length);
}
int fallocate(int fd, int mode, off_t offset, off_t length) {
  return fallocate64(fd, mode, offset, length);
}

// On this platform struct statfs64 is struct statfs.
int statfs(const char *path, struct statfs *info) {
  int result = real_statfs(path, info);
  FILE *file = result == 0 && free_file != NULL ? fopen(free_file, "r") : NULL;
  unsigned long long free_bytes;
  if (file == NULL) return result;
  if (fscanf(file, "%llu", &free_bytes) == 1) {
    info->f_bavail = info->f_bfree = free_bytes / (unsigned long long)info->f_bsize;
  }
  fclose(file);
  return result;
}
int statfs64(const char *path, struct statfs64 *info) {
  return statfs(path, (struct statfs *)info);
}
