#define _GNU_SOURCE
#include "clock-file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/timex.h>
#include <unistd.h>

// adjtimex(2): microseconds a tick at 100 Hz, and freq in parts of 2^-16 in 10^6.
#define TICK_NOMINAL_US 10000
#define PPT_PER_TICK_US INT64_C(100000000)
#define FREQ_PER_PPM 65536
// What a kernel says of a clock that nothing disciplines.
#define ERROR_UNKNOWN_US 16000000

static _Noreturn void give_up(const char *what, const char *path) {
  fprintf(stderr, "virtual clock: %s '%s': %s\n", what, path, strerror(errno));
  abort();
}

static struct lab_clock new_clock(int64_t tai_ns, int64_t raw_ns) {
  return (struct lab_clock){
      .line = {raw_ns, tai_ns, 0},
      .tick = TICK_NOMINAL_US,
      .status = STA_UNSYNC,
      .maxerror_us = ERROR_UNKNOWN_US,
      .esterror_us = ERROR_UNKNOWN_US,
  };
}

struct open_clock_file clock_file_open(const char *path, const int64_t *tai_ns, int64_t raw_ns) {
  int flags = tai_ns == NULL ? O_RDWR : O_RDWR | O_CREAT | O_EXCL;
  int fd = open(path, flags | O_CLOEXEC, 0600);
  if (fd < 0) give_up("cannot open", path);
  if (tai_ns != NULL && ftruncate(fd, sizeof(struct clock_file)) != 0) give_up("cannot size", path);
  void *mapped = mmap(NULL, sizeof(struct clock_file), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  if (mapped == MAP_FAILED) give_up("cannot map", path);
  struct clock_file *file = mapped;
  if (tai_ns != NULL) {
    file->states[0].truth = (struct clock_line){raw_ns, *tai_ns, 0};
    for (int i = 0; i < CLOCK_COUNT_MAX; i++)
      file->states[0].clocks[i] = new_clock(*tai_ns, raw_ns);
    file->magic = CLOCK_FILE_MAGIC;
  }
  errno = EINVAL;
  if (file->magic != CLOCK_FILE_MAGIC) give_up("no clocks in", path);
  return (struct open_clock_file){file, fd};
}

struct clock_state clock_file_read(const struct open_clock_file *clocks) {
  struct clock_state state;
  uint64_t before, after;
  do {
    before = __atomic_load_n(&clocks->file->generation, __ATOMIC_ACQUIRE);
    memcpy(&state, &clocks->file->states[before & 1], sizeof state);
    __atomic_thread_fence(__ATOMIC_ACQUIRE);
    after = __atomic_load_n(&clocks->file->generation, __ATOMIC_RELAXED);
  } while (after != before);
  return state;
}

static void lock_file(int fd, int type) {
  struct flock lock = {.l_type = (short)type, .l_whence = SEEK_SET};
  while (fcntl(fd, F_OFD_SETLKW, &lock) != 0)
    if (errno != EINTR) give_up("cannot lock", "clock file");
}

struct clock_state *clock_file_begin(const struct open_clock_file *clocks) {
  lock_file(clocks->fd, F_WRLCK);
  struct clock_file *file = clocks->file;
  struct clock_state *next = &file->states[(file->generation + 1) & 1];
  memcpy(next, &file->states[file->generation & 1], sizeof *next);
  return next;
}

void clock_file_end(const struct open_clock_file *clocks) {
  __atomic_add_fetch(&clocks->file->generation, 1, __ATOMIC_RELEASE);
  lock_file(clocks->fd, F_UNLCK);
}

int64_t clock_line_at(const struct clock_line *line, int64_t at_ns) {
  int64_t passed_ns = at_ns - line->at_ns;
  __int128 gained_ns = (__int128)passed_ns * line->rate_ppt / INT64_C(1000000000000);
  return line->value_ns + passed_ns + (int64_t)gained_ns;
}

static int64_t followed_at(const struct clock_state *state, int clock, int64_t raw_ns) {
  return state->clocks[clock].follows_truth ? clock_line_at(&state->truth, raw_ns) : raw_ns;
}

int64_t lab_clock_at(const struct clock_state *state, int clock, int64_t raw_ns) {
  return clock_line_at(&state->clocks[clock].line, followed_at(state, clock, raw_ns));
}

void lab_clock_rebase(struct clock_state *state, int clock, int64_t raw_ns, int64_t step_ns) {
  struct lab_clock *changed = &state->clocks[clock];
  int64_t value_ns = lab_clock_at(state, clock, raw_ns) + step_ns;
  int64_t adjusted_ppt = changed->freq * INT64_C(1000000) / FREQ_PER_PPM +
                         (changed->tick - TICK_NOMINAL_US) * PPT_PER_TICK_US;
  changed->line = (struct clock_line){
      .at_ns = followed_at(state, clock, raw_ns),
      .value_ns = value_ns,
      .rate_ppt = changed->error_ppt + adjusted_ppt,
  };
  if (step_ns != 0) changed->steps++;
}
