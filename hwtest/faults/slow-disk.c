// Preload library: a disk that does not answer. While the file SLOW_DISK_FLAG exists, fdatasync of
// a file below SLOW_DISK_PREFIX waits; then it does what it should.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

// Between two looks at the flag.
#define LOOK_US 2000

static char prefix[PATH_MAX];
static const char *flag;
static int (*real_fdatasync)(int);

__attribute__((constructor)) static void start(void) {
  real_fdatasync = (int (*)(int))dlsym(RTLD_NEXT, "fdatasync");
  if (real_fdatasync == NULL) abort();
  flag = getenv("SLOW_DISK_FLAG");
  const char *value = getenv("SLOW_DISK_PREFIX");
  if (value != NULL && realpath(value, prefix) == NULL)
    snprintf(prefix, sizeof prefix, "%s", value);
}

static int is_below(int fd) {
  char link[64], path[PATH_MAX];
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  ssize_t length = readlink(link, path, sizeof path - 1);
  if (length <= 0 || prefix[0] == '\0') return 0;
  path[length] = '\0';
  size_t prefix_length = strlen(prefix);
  return strncmp(path, prefix, prefix_length) == 0 && path[prefix_length] == '/';
}

int fdatasync(int fd) {
  int saved = errno;
  if (flag != NULL && is_below(fd)) {
    while (access(flag, F_OK) == 0) usleep(LOOK_US);
  }
  errno = saved;
  return real_fdatasync(fd);
}
