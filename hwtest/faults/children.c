// With several plans, one for each program, a process that is started with an environment of its
// own is given them too; and the power goes for all of them: the one that starts others is the last
// to end, so that they end of the cut and not of its death.
#define _GNU_SOURCE
#include "children.h"

#include <dlfcn.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "real.h"

enum { NAMES_MAX = 256 };

static int (*real_execvpe)(const char *, char *const[], char *const[]);
static char library[PATH_MAX + 16], plans[2 * PATH_MAX + 16];

__attribute__((constructor)) static void prepare(void) {
  *(void **)&real_execvpe = dlsym(RTLD_NEXT, "execvpe");
  if (real_execvpe == NULL) broken(__LINE__);
  const char *named = getenv("DISK_FAULTS"), *loaded = getenv("LD_PRELOAD");
  if (named == NULL || loaded == NULL || strchr(named, ':') == NULL) return;
  snprintf(library, sizeof library, "LD_PRELOAD=%s", loaded);
  snprintf(plans, sizeof plans, "DISK_FAULTS=%s", named);
}

// Between fork and exec, perhaps in memory that is the parent's: nothing but the stack is written.
int execvp(const char *file, char *const words[]) {
  char *names[NAMES_MAX + 3];
  int count = 0;
  for (char **name = environ; name != NULL && *name != NULL && count < NAMES_MAX; name++)
    names[count++] = *name;
  if (plans[0] != '\0' && getenv("DISK_FAULTS") == NULL) {
    names[count++] = library;
    names[count++] = plans;
  }
  names[count] = NULL;
  return real_execvpe(file, words, names);
}

void wait_for_children(void) {
  siginfo_t facts;
  if (plans[0] == '\0') return;
  // Whoever else waits for one may be faster.
  while (waitid(P_ALL, 0, &facts, WEXITED) == 0 || errno == EINTR) continue;
}
