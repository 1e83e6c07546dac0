// The clocks of a lab, in a file that its processes map: what time it truly is, and for each group
// of processes a system clock of their own. All of them are lines over CLOCK_MONOTONIC_RAW, which
// stays the host's; the host's own CLOCK_REALTIME plays no part.
//
// Two states, of which the newest generation's is in force: a writer, alone under a lock of the
// file, fills the other one. One that is killed while it writes leaves the one before in force.
#pragma once

#include <stdint.h>

#define CLOCK_FILE_MAGIC UINT64_C(0x31736b636f6c636b)
#define CLOCK_COUNT_MAX 8

// value_ns at at_ns, and parts in 10^12 by which it runs faster than what it follows.
struct clock_line {
  int64_t at_ns;
  int64_t value_ns;
  int64_t rate_ppt;
};

// A CLOCK_REALTIME: freq, tick, tai and the rest as clock_adjtime(2) has them.
struct lab_clock {
  struct clock_line line;
  // Over the truth, as the clock of a grandmaster on a reference; otherwise over MONOTONIC_RAW.
  int64_t follows_truth;
  // Part of the rate that no adjustment made.
  int64_t error_ppt;
  int64_t freq;
  int64_t tick;
  int64_t tai_s;
  int64_t status;
  int64_t maxerror_us;
  int64_t esterror_us;
  // Times it was set, by a process of its own or from outside.
  int64_t steps;
};

struct clock_state {
  // From CLOCK_MONOTONIC_RAW to TAI since 1970.
  struct clock_line truth;
  // How long the machine was asleep: of the kernel's clocks CLOCK_BOOTTIME alone counts it.
  int64_t suspended_ns;
  struct lab_clock clocks[CLOCK_COUNT_MAX];
};

struct clock_file {
  uint64_t magic;
  uint64_t generation;
  struct clock_state states[2];
};

struct open_clock_file {
  struct clock_file *file;
  int fd;
};

// Maps the file; made, with every clock at this TAI, where tai_ns is not NULL. Ends the process
// where it cannot.
struct open_clock_file clock_file_open(const char *path, const int64_t *tai_ns, int64_t raw_ns);

// What is in force.
struct clock_state clock_file_read(const struct open_clock_file *clocks);

// Begins a change of what is in force; the state may be written until it ends.
struct clock_state *clock_file_begin(const struct open_clock_file *clocks);
void clock_file_end(const struct open_clock_file *clocks);

int64_t clock_line_at(const struct clock_line *line, int64_t at_ns);

// What a clock shows at a reading of CLOCK_MONOTONIC_RAW.
int64_t lab_clock_at(const struct clock_state *state, int clock, int64_t raw_ns);

// Begins a new line where the clock is, moved by so much, at the rate that its fields give.
void lab_clock_rebase(struct clock_state *state, int clock, int64_t raw_ns, int64_t step_ns);
