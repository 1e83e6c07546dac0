// Where every watched call passes: is it one of the state folder's, which site is it, and does it
// meet the fault of the plan. Passages are one at a time, so that the moment of a kill is one
// between two calls.
#pragma once

#include <limits.h>

#include "plan.h"

struct passage {
  struct site site;
  char path[PATH_MAX];
  int error;      // what the call shall answer, or 0; errno is set
  int shortened;  // it shall do half of it
  int skipped;    // it shall claim success
  int is_last;    // killed when it is done
};

int watches(void);

// 1 when the call is one to watch: no other passes until `leave`.
int enter_fd(struct passage *p, const char *call, int fd);
int enter_path(struct passage *p, const char *call, int folder, const char *path);
void leave(const struct passage *p);

// The absolute path, as the calls that end in "at" have it.
void resolve(int folder, const char *path, char *into);
