// libc's own calls, behind the wrappers of disk-faults.c.
#pragma once

#include <sys/types.h>
#include <sys/uio.h>

struct real_calls {
  ssize_t (*write)(int, const void *, size_t);
  ssize_t (*pwrite)(int, const void *, size_t, off_t);
  ssize_t (*writev)(int, const struct iovec *, int);
  ssize_t (*pwritev)(int, const struct iovec *, int, off_t);
  ssize_t (*copy_file_range)(int, off_t *, int, off_t *, size_t, unsigned);
  ssize_t (*sendfile)(int, int, off_t *, size_t);
  int (*fsync)(int);
  int (*fdatasync)(int);
  int (*syncfs)(int);
  int (*fallocate)(int, int, off_t, off_t);
  int (*posix_fallocate)(int, off_t, off_t);
  int (*ftruncate)(int, off_t);
  int (*truncate)(const char *, off_t);
  int (*open)(const char *, int, ...);
  int (*openat)(int, const char *, int, ...);
  int (*rename)(const char *, const char *);
  int (*link)(const char *, const char *);
  int (*unlink)(const char *);
  int (*rmdir)(const char *);
  int (*mkdir)(const char *, mode_t);
};

extern struct real_calls real;

// Something that this library takes for granted does not hold.
_Noreturn void broken(int line);
