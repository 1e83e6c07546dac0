// What a run of the daemon is to meet: read once, from the file that DISK_FAULTS names. It may name
// several, with ':' between them, one for each program.
//
//   program TEXT        only the process with this in its command line is watched
//   state FOLDER        whose files are watched
//   only GLOB           of these, those that it fits, relative to the state folder; may be repeated
//   spare FOLDER        on the same file system: keeps what an undone unlink brings back
//   trace FILE          a line for each passage, for each fault done
//   object NAME         file name of the addon whose functions make a site
//   class NAME GLOB     first match names the file's class; relative to the state folder
//   site CALL CLASS FRAMES   the passages that count: FRAMES are offsets in the object, innermost
//                       first, or "-" for a call that does not come out of it
//   fault NAME N        what happens at the Nth passage of the site
//   ignore-syncs        every sync claims success and does nothing
//   later N             with "skip": the kill, so many passages after the first
//   fifo FILE           whoever writes a byte to it cuts the power
//   ask SOCKET          who listens there is told of each passage that is asked about, before and
//                       after it, and the passage waits for a byte: 'g' goes on, 'c' cuts the power
//   asked CALL CLASS    the passages that are asked about; "*" is any
//   left FILE           with it, what a process leaves in memory is not on the platter for the next
//   seed N, tear N      of all that is random; percent of unsynced sectors that survive
#pragma once

#include <limits.h>
#include <stdint.h>

enum {
  FRAMES_MAX = 12,
  SITES_MAX = 64,
  ASKED_MAX = 16,
  ONLY_MAX = 4,
  CLASSES_MAX = 64,
  NAME_MAX_BYTES = 64
};

enum fault {
  FAULT_NONE,
  FAULT_ERROR,
  FAULT_SHORT,
  FAULT_KILL_BEFORE,
  FAULT_KILL_AFTER,
  FAULT_LEAVE,
  FAULT_SKIP
};

struct site {
  char call[NAME_MAX_BYTES], class[NAME_MAX_BYTES];
  int frame_count;
  uint64_t frames[FRAMES_MAX];
};

struct file_class {
  char name[NAME_MAX_BYTES], glob[PATH_MAX];
};

struct plan {
  char state[PATH_MAX], spare[PATH_MAX], trace[PATH_MAX], object[PATH_MAX], fifo[PATH_MAX],
      left[PATH_MAX], ask[PATH_MAX];
  char only[ONLY_MAX][PATH_MAX];
  int only_count;
  struct file_class classes[CLASSES_MAX];
  int class_count;
  struct site sites[SITES_MAX];
  int site_count;
  struct site asked[ASKED_MAX];
  int asked_count;
  enum fault fault;
  int error;     // errno of FAULT_ERROR
  uint64_t nth;  // counts from 1
  int ignores_syncs;
  uint64_t kill_later;  // 0: no kill
  uint64_t seed;
  unsigned tear_percent;
};

// 1 when this process is to be watched.
int read_plan(const char *path, struct plan *plan);

// The name of the class; "other" where no glob fits.
const char *class_of(const struct plan *plan, const char *relative);

// 1 when the plan is about this file.
int is_below(const struct plan *plan, const char *relative);

// 1 when whoever listens is to be asked about it.
int is_asked(const struct plan *plan, const struct site *passage);

// 1 when a passage with these frames is one of the plan's site.
int is_site(const struct plan *plan, const struct site *passage);
