// Preload library: a disk that forgets what was never synced.
//
// Writes to files below FORGET_PREFIX stay in this process's memory until fdatasync or
// fsync of the file; reads see them. So SIGKILL leaves on the real disk what a power cut would
// leave: everything synced, and of the rest only a random choice of 512-byte sectors
// (FORGET_TEAR, percent, default 30; FORGET_SEED), as if the kernel had flushed
// some of them early.
//
// FORGET_IGNORE_SYNC=1 makes a sync a no-op that claims success: what the journal would be
// with its sync call deleted. Sizes and directory entries are passed through: forgetting those is
// not modelled.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { SECTOR_BYTES = 512, FILES_MAX = 256 };

struct write_record {
  struct write_record *next;
  off_t offset;
  size_t length;
  unsigned char bytes[];
};

struct file {
  dev_t device;
  ino_t inode;
  struct write_record *first, *last;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct file files[FILES_MAX];
static int file_count;
static char prefix[PATH_MAX];
static unsigned tear_percent = 30;
static uint64_t random_state = 0x9e3779b97f4a7c15u;
static int ignore_sync;

static ssize_t (*real_pwrite)(int, const void *, size_t, off_t);
static ssize_t (*real_pread)(int, void *, size_t, off_t);
static int (*real_fdatasync)(int);
static int (*real_fsync)(int);

static void *symbol(const char *name) {
  void *found = dlsym(RTLD_NEXT, name);
  if (found == NULL) abort();
  return found;
}

__attribute__((constructor)) static void start(void) {
  real_pwrite = (ssize_t(*)(int, const void *, size_t, off_t))symbol("pwrite64");
  real_pread = (ssize_t(*)(int, void *, size_t, off_t))symbol("pread64");
  real_fdatasync = (int (*)(int))symbol("fdatasync");
  real_fsync = (int (*)(int))symbol("fsync");
  const char *value = getenv("FORGET_PREFIX");
  if (value != NULL && realpath(value, prefix) == NULL)
    snprintf(prefix, sizeof prefix, "%s", value);
  if ((value = getenv("FORGET_TEAR")) != NULL) tear_percent = (unsigned)atoi(value);
  if ((value = getenv("FORGET_SEED")) != NULL)
    random_state ^= strtoull(value, NULL, 10) * 0xbf58476d1ce4e5b9u;
  if ((value = getenv("FORGET_IGNORE_SYNC")) != NULL) ignore_sync = value[0] == '1';
}

static unsigned random_percent(void) {  // splitmix64
  random_state += 0x9e3779b97f4a7c15u;
  uint64_t z = random_state;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
  return (unsigned)((z ^ (z >> 31)) % 100);
}

// The overlay of a watched regular file, or NULL. Called with the lock held.
static struct file *watched(int fd) {
  struct stat info;
  if (prefix[0] == '\0' || fstat(fd, &info) != 0 || !S_ISREG(info.st_mode)) return NULL;
  for (int i = 0; i < file_count; i++)
    if (files[i].device == info.st_dev && files[i].inode == info.st_ino) return &files[i];
  char link[64], path[PATH_MAX];
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  ssize_t length = readlink(link, path, sizeof path - 1);
  if (length <= 0) return NULL;
  path[length] = '\0';
  size_t prefix_length = strlen(prefix);
  if (strncmp(path, prefix, prefix_length) != 0 || path[prefix_length] != '/') return NULL;
  if (file_count == FILES_MAX) abort();
  files[file_count] = (struct file){.device = info.st_dev, .inode = info.st_ino};
  return &files[file_count++];
}

static void tear(int fd, const unsigned char *bytes, size_t length, off_t offset) {
  for (size_t at = 0; at < length;) {
    size_t until_boundary = SECTOR_BYTES - (size_t)((offset + (off_t)at) % SECTOR_BYTES);
    size_t part = until_boundary < length - at ? until_boundary : length - at;
    if (random_percent() < tear_percent)
      (void)!real_pwrite(fd, bytes + at, part, offset + (off_t)at);
    at += part;
  }
}

static ssize_t remember(int fd, const void *bytes, size_t length, off_t offset) {
  pthread_mutex_lock(&lock);
  struct file *file = watched(fd);
  if (file == NULL) {
    pthread_mutex_unlock(&lock);
    return real_pwrite(fd, bytes, length, offset);
  }
  struct write_record *record = malloc(sizeof *record + length);
  if (record == NULL) abort();
  *record = (struct write_record){.offset = offset, .length = length};
  memcpy(record->bytes, bytes, length);
  if (file->last != NULL)
    file->last->next = record;
  else
    file->first = record;
  file->last = record;
  tear(fd, record->bytes, length, offset);
  pthread_mutex_unlock(&lock);
  return (ssize_t)length;
}

static ssize_t recall(int fd, void *into, size_t length, off_t offset) {
  ssize_t got = real_pread(fd, into, length, offset);
  if (got < 0) return got;
  int saved = errno;
  pthread_mutex_lock(&lock);
  struct file *file = watched(fd);
  for (struct write_record *r = file != NULL ? file->first : NULL; r != NULL; r = r->next) {
    off_t from = r->offset > offset ? r->offset : offset;
    off_t to = r->offset + (off_t)r->length;
    if (to > offset + (off_t)length) to = offset + (off_t)length;
    if (from >= to) continue;
    if (to - offset > got) {
      if (from - offset > got) memset((char *)into + got, 0, (size_t)(from - offset - got));
      got = to - offset;
    }
    memcpy((char *)into + (from - offset), r->bytes + (from - r->offset), (size_t)(to - from));
  }
  pthread_mutex_unlock(&lock);
  errno = saved;
  return got;
}

static int settle(int fd, int (*real_sync)(int)) {
  pthread_mutex_lock(&lock);
  struct file *file = watched(fd);
  if (file != NULL && ignore_sync) {
    pthread_mutex_unlock(&lock);
    return 0;
  }
  while (file != NULL && file->first != NULL) {
    struct write_record *record = file->first;
    for (size_t at = 0; at < record->length;) {
      ssize_t done =
          real_pwrite(fd, record->bytes + at, record->length - at, record->offset + (off_t)at);
      if (done < 0 && errno != EINTR) {
        pthread_mutex_unlock(&lock);
        return -1;
      }
      if (done > 0) at += (size_t)done;
    }
    file->first = record->next;
    if (file->first == NULL) file->last = NULL;
    free(record);
  }
  pthread_mutex_unlock(&lock);
  return real_sync(fd);
}

ssize_t pwrite(int fd, const void *bytes, size_t length, off_t offset) {
  return remember(fd, bytes, length, offset);
}
ssize_t pwrite64(int fd, const void *bytes, size_t length, off_t offset) {
  return remember(fd, bytes, length, offset);
}
ssize_t pread(int fd, void *into, size_t length, off_t offset) {
  return recall(fd, into, length, offset);
}
ssize_t pread64(int fd, void *into, size_t length, off_t offset) {
  return recall(fd, into, length, offset);
}
int fdatasync(int fd) { return settle(fd, real_fdatasync); }
int fsync(int fd) { return settle(fd, real_fsync); }
