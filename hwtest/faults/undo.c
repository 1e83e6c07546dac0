#define _GNU_SOURCE
#include "undo.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "real.h"

enum { SECTOR_BYTES = 512 };

enum kind { WRITTEN, RESIZED, CREATED, REMOVED, RENAMED };

struct record {
  struct record *older;
  enum kind kind;
  int lost;
  // Of the file, or of the folder that has the name.
  dev_t device;
  ino_t inode;
  // WRITTEN, RESIZED: how the file was.
  int fd;
  off_t offset, size;
  size_t length;
  unsigned char *bytes;
  // CREATED, REMOVED: the name. RENAMED: the new name, and the old one.
  char *path, *from;
  // What the name stood for: a link in the spare folder, or NULL; a folder has its mode instead.
  char *saved;
  mode_t folder_mode;
};

void broken(int line) {
  fprintf(stderr, "disk-faults: line %d: %s\n", line, strerror(errno));
  abort();
}

static struct record *newest;
static uint64_t seed;
static unsigned tear_percent;
static const char *spare;
static uint64_t spare_count;

static uint64_t mix(uint64_t a, uint64_t b) {  // splitmix64 over both
  uint64_t z = a + b * 0x9e3779b97f4a7c15u + 0x9e3779b97f4a7c15u;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
  return z ^ (z >> 31);
}

// The same for every write to a place: a sector is as it was synced last, or as written last.
static int survives(const struct record *record, uint64_t place) {
  return mix(mix(seed, record->inode), place) % 100 < tear_percent;
}

void undo_begin(uint64_t with_seed, unsigned percent, const char *spare_folder) {
  seed = with_seed;
  tear_percent = percent;
  spare = spare_folder;
  struct rlimit files;  // each file that was not synced is held open
  if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
  }
}

static struct record *new_record(enum kind kind) {
  struct record *record = calloc(1, sizeof *record);
  if (record == NULL) broken(__LINE__);
  record->kind = kind;
  record->fd = -1;
  record->older = newest;
  newest = record;
  return record;
}

static struct record *file_record(enum kind kind, int fd) {
  struct stat facts;
  char path[64];
  if (fstat(fd, &facts) != 0) broken(__LINE__);
  struct record *record = new_record(kind);
  record->device = facts.st_dev;
  record->inode = facts.st_ino;
  record->size = facts.st_size;
  for (struct record *r = record->older; r != NULL && record->fd < 0; r = r->older)
    if (r->fd >= 0 && r->inode == record->inode && r->device == record->device) record->fd = r->fd;
  if (record->fd >= 0) return record;
  snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
  record->fd = real.open(path, O_RDWR | O_CLOEXEC, 0);
  if (record->fd < 0) broken(__LINE__);
  return record;
}

// Of `length` bytes, those that there are; zeros behind the end are not kept.
static void keep_bytes(struct record *record, off_t offset, size_t length) {
  record->offset = offset;
  if (offset >= record->size) return;
  const size_t there = (size_t)(record->size - offset);
  if (length > there) length = there;
  record->bytes = malloc(length + 1);
  if (record->bytes == NULL) broken(__LINE__);
  while (record->length < length) {
    const ssize_t got = pread(record->fd, record->bytes + record->length, length - record->length,
                              offset + (off_t)record->length);
    if (got <= 0) break;
    record->length += (size_t)got;
  }
}

void undo_write(int fd, off_t offset, size_t length) {
  keep_bytes(file_record(WRITTEN, fd), offset, length);
}

void undo_resize(int fd, off_t size) {
  struct record *record = file_record(RESIZED, fd);
  if (size < record->size) keep_bytes(record, size, (size_t)(record->size - size));
  while (record->length > 0 && record->bytes[record->length - 1] == 0) record->length--;
}

static void name_record(struct record *record, const char *path) {
  char folder[PATH_MAX];
  struct stat facts;
  snprintf(folder, sizeof folder, "%s", path);
  char *slash = strrchr(folder, '/');
  if (slash == NULL) broken(__LINE__);
  *slash = '\0';
  if (stat(folder, &facts) == 0) {
    record->device = facts.st_dev;
    record->inode = facts.st_ino;
  }
  record->path = strdup(path);
}

static void save(struct record *record, const char *path) {
  struct stat facts;
  char name[PATH_MAX];
  if (lstat(path, &facts) != 0) return;
  if (S_ISDIR(facts.st_mode)) {
    record->folder_mode = facts.st_mode;
    return;
  }
  snprintf(name, sizeof name, "%s/%d-%llu", spare, (int)getpid(),
           (unsigned long long)spare_count++);
  if (real.link(path, name) == 0) record->saved = strdup(name);
}

void undo_remove(const char *path) {
  struct record *record = new_record(REMOVED);
  name_record(record, path);
  save(record, path);
}

void undo_rename(const char *from, const char *to) {
  struct record *record = new_record(RENAMED);
  name_record(record, to);
  record->from = strdup(from);
  save(record, to);
}

void undo_create(const char *path) { name_record(new_record(CREATED), path); }

static void release(struct record *record) {
  int is_shared = 0;
  for (struct record *r = newest; r != NULL; r = r->older)
    if (r != record && r->fd == record->fd) is_shared = 1;
  if (record->fd >= 0 && !is_shared) close(record->fd);
  if (record->saved != NULL) real.unlink(record->saved);
  free(record->bytes);
  free(record->path);
  free(record->from);
  free(record->saved);
  free(record);
}

void undo_drop(void) {
  struct record *record = newest;
  newest = record->older;
  release(record);
}

static void forget(const struct stat *of) {
  for (struct record **at = &newest; *at != NULL;) {
    struct record *record = *at;
    const int is_of = of == NULL || (record->inode == of->st_ino && record->device == of->st_dev);
    if (record->lost || !is_of) {
      at = &record->older;
      continue;
    }
    *at = record->older;
    release(record);
  }
}

void undo_synced(int fd) {
  struct stat facts;
  if (fstat(fd, &facts) == 0) forget(&facts);
}

void undo_synced_all(void) { forget(NULL); }

void undo_sync_failed(int fd) {
  struct stat facts;
  if (fd >= 0 && fstat(fd, &facts) != 0) return;
  for (struct record *r = newest; r != NULL; r = r->older)
    if (fd < 0 || (r->inode == facts.st_ino && r->device == facts.st_dev)) r->lost = 1;
}

static void take_back_bytes(const struct record *record) {
  for (size_t at = 0; at < record->length;) {
    const off_t place = record->offset + (off_t)at;
    size_t part = SECTOR_BYTES - (size_t)(place % SECTOR_BYTES);
    if (part > record->length - at) part = record->length - at;
    if (record->kind == RESIZED || !survives(record, (uint64_t)(place / SECTOR_BYTES)))
      if (real.pwrite(record->fd, record->bytes + at, part, place) < 0) broken(__LINE__);
    at += part;
  }
}

// New bytes behind the old end go with the size; where the size stays, sectors of them may be lost.
static void take_back_file(const struct record *record) {
  struct stat facts;
  if (fstat(record->fd, &facts) != 0) broken(__LINE__);
  const int keeps_size = survives(record, UINT64_MAX);
  if (!keeps_size || record->kind == RESIZED) {
    if (!keeps_size && real.ftruncate(record->fd, record->size) != 0) broken(__LINE__);
    if (!keeps_size) take_back_bytes(record);
    return;
  }
  take_back_bytes(record);
  static const unsigned char zeros[SECTOR_BYTES];
  for (off_t at = record->size; at < facts.st_size;) {
    size_t part = SECTOR_BYTES - (size_t)(at % SECTOR_BYTES);
    if ((off_t)part > facts.st_size - at) part = (size_t)(facts.st_size - at);
    if (!survives(record, (uint64_t)(at / SECTOR_BYTES)))
      if (real.pwrite(record->fd, zeros, part, at) < 0) broken(__LINE__);
    at += (off_t)part;
  }
}

static void move_away(const char *path) {
  char name[PATH_MAX];
  snprintf(name, sizeof name, "%s/%d-%llu", spare, (int)getpid(),
           (unsigned long long)spare_count++);
  real.rename(path, name);
}

static void take_back_name(const struct record *record) {
  switch (record->kind) {
    case CREATED:
      if (real.unlink(record->path) != 0 && (errno == EISDIR || errno == EPERM))
        if (real.rmdir(record->path) != 0) move_away(record->path);
      return;
    case RENAMED:
      real.rename(record->path, record->from);
      if (record->saved != NULL) real.link(record->saved, record->path);
      return;
    case REMOVED:
      if (record->saved != NULL)
        real.link(record->saved, record->path);
      else if (record->folder_mode != 0)
        real.mkdir(record->path, record->folder_mode & 07777);
      return;
    default:
      return;
  }
}

static int is_name(const struct record *record) { return record->kind >= CREATED; }

void power_cut(void) {
  uint64_t names = 0;
  for (struct record *r = newest; r != NULL; r = r->older) names += (uint64_t)is_name(r);
  const uint64_t chance = mix(seed, names);
  // Half of the time all are lost; else those after a moment drawn at random.
  uint64_t left = chance % 2 == 0 || names == 0 ? names : (chance >> 8) % (names + 1);
  for (struct record *r = newest; r != NULL; r = r->older) {
    if (!is_name(r))
      take_back_file(r);
    else if (left > 0) {
      take_back_name(r);
      left--;
    }
  }
  newest = NULL;
}

void lose_failed(void) {
  for (struct record **at = &newest; *at != NULL;) {
    struct record *record = *at;
    if (!record->lost) {
      at = &record->older;
      continue;
    }
    if (is_name(record))
      take_back_name(record);
    else
      take_back_file(record);
    *at = record->older;
    release(record);
  }
}

static void put(FILE *file, const void *bytes, size_t length) {
  if (fwrite(&length, sizeof length, 1, file) != 1) broken(__LINE__);
  if (length > 0 && fwrite(bytes, length, 1, file) != 1) broken(__LINE__);
}

// NUL-terminated; NULL where nothing was put.
static char *take(FILE *file, size_t *length) {
  if (fread(length, sizeof *length, 1, file) != 1) broken(__LINE__);
  if (*length == 0) return NULL;
  char *bytes = calloc(1, *length + 1);
  if (bytes == NULL || fread(bytes, *length, 1, file) != 1) broken(__LINE__);
  return bytes;
}

static void put_text(FILE *file, const char *text) {
  put(file, text, text == NULL ? 0 : strlen(text));
}

// The file's place in /proc: its name, wherever it was moved to.
static void put_place(FILE *file, int fd) {
  char link[64], path[PATH_MAX] = "";
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  if (fd >= 0) (void)!readlink(link, path, sizeof path - 1);
  put_text(file, path);
}

static void leave_after_older(FILE *file, const struct record *record) {
  if (record == NULL) return;
  leave_after_older(file, record->older);
  put(file, record, sizeof *record);
  put_place(file, record->fd);
  put(file, record->bytes, record->length);
  put_text(file, record->path);
  put_text(file, record->from);
  put_text(file, record->saved);
}

void undo_leave(const char *path) {
  FILE *file = fopen(path, "w");
  if (file == NULL) broken(__LINE__);
  leave_after_older(file, newest);
  if (fclose(file) != 0) broken(__LINE__);
}

static void reopen(struct record *record, const char *path) {
  for (struct record *r = record->older; r != NULL && record->fd < 0; r = r->older)
    if (r->fd >= 0 && r->inode == record->inode && r->device == record->device) record->fd = r->fd;
  if (record->fd >= 0) return;
  struct stat facts;
  record->fd = real.open(path, O_RDWR | O_CLOEXEC);
  if (record->fd < 0 || fstat(record->fd, &facts) != 0) return;
  if (facts.st_ino == record->inode && facts.st_dev == record->device) return;
  close(record->fd);  // another file has taken the name
  record->fd = -1;
}

void undo_take_over(const char *path) {
  FILE *file = fopen(path, "r");
  if (file == NULL) return;
  for (int byte = getc(file); byte != EOF; byte = getc(file)) {
    ungetc(byte, file);
    size_t length;
    char *facts = take(file, &length);
    char *place = take(file, &length);
    struct record *record = new_record(CREATED);
    struct record *older = record->older;
    memcpy(record, facts, sizeof *record);
    record->older = older;
    record->fd = -1;
    record->bytes = (unsigned char *)take(file, &length);
    record->path = take(file, &length);
    record->from = take(file, &length);
    record->saved = take(file, &length);
    if (place != NULL) reopen(record, place);
    // A file that has no name any more is nobody's.
    if (!is_name(record) && record->fd < 0) undo_drop();
    free(facts);
    free(place);
  }
  fclose(file);
  real.unlink(path);
}
