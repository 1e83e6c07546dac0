// Makes a lab's clock file and changes its clocks, as told in lines on its standard input; each is
// answered by one line. Arguments: the file, and the TAI in nanoseconds that it truly is now. What
// is said of a clock is in nanoseconds, and in parts in 10^12.
//
//   (at the start)                       RAW TAI PPT: the truth
//   follow-truth CLOCK                   ok
//   step CLOCK NS                        ok
//   error CLOCK PPT                      ok
//   truth-rate PPT                       RAW TAI PPT: the truth from here on
//   suspend NS                           RAW TAI PPT: the truth from here on
//   read CLOCK                           RAW TAI CLOCK STEPS
#define _GNU_SOURCE
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "clock-file.h"

#define LINE_LENGTH_MAX 128

static struct open_clock_file clocks;

static int64_t raw_clock(void) {
  struct timespec time;
  if (clock_gettime(CLOCK_MONOTONIC_RAW, &time) != 0) abort();
  return (int64_t)time.tv_sec * 1000000000 + time.tv_nsec;
}

static void change_clock(const char *what, int clock, int64_t amount) {
  int64_t raw_ns = raw_clock(), step_ns = 0;
  struct clock_state *state = clock_file_begin(&clocks);
  struct lab_clock *changed = &state->clocks[clock];
  if (strcmp(what, "step") == 0) step_ns = amount;
  if (strcmp(what, "error") == 0) changed->error_ppt = amount;
  if (strcmp(what, "follow-truth") == 0 && !changed->follows_truth) {
    int64_t value_ns = lab_clock_at(state, clock, raw_ns);
    changed->follows_truth = 1;
    changed->line.at_ns = clock_line_at(&state->truth, raw_ns);
    changed->line.value_ns = value_ns;
  }
  lab_clock_rebase(state, clock, raw_ns, step_ns);
  clock_file_end(&clocks);
  puts("ok");
}

static void change_truth(int64_t rate_ppt) {
  int64_t raw_ns = raw_clock();
  struct clock_state *state = clock_file_begin(&clocks);
  int64_t tai_ns = clock_line_at(&state->truth, raw_ns);
  state->truth = (struct clock_line){raw_ns, tai_ns, rate_ppt};
  clock_file_end(&clocks);
  printf("%" PRId64 " %" PRId64 " %" PRId64 "\n", raw_ns, tai_ns, rate_ppt);
}

// The machine was asleep, and its kernel set the clocks as it woke.
static void suspend(int64_t asleep_ns) {
  int64_t raw_ns = raw_clock();
  struct clock_state *state = clock_file_begin(&clocks);
  for (int clock = 0; clock < CLOCK_COUNT_MAX; clock++)
    if (!state->clocks[clock].follows_truth) lab_clock_rebase(state, clock, raw_ns, asleep_ns);
  state->truth.value_ns += asleep_ns;
  state->suspended_ns += asleep_ns;
  int64_t tai_ns = clock_line_at(&state->truth, raw_ns), rate_ppt = state->truth.rate_ppt;
  clock_file_end(&clocks);
  printf("%" PRId64 " %" PRId64 " %" PRId64 "\n", raw_ns, tai_ns, rate_ppt);
}

static void read_clock(int clock) {
  int64_t raw_ns = raw_clock();
  struct clock_state state = clock_file_read(&clocks);
  printf("%" PRId64 " %" PRId64 " %" PRId64 " %" PRId64 "\n", raw_ns,
         clock_line_at(&state.truth, raw_ns), lab_clock_at(&state, clock, raw_ns),
         state.clocks[clock].steps);
}

static int is_clock(int clock) { return clock >= 0 && clock < CLOCK_COUNT_MAX; }

static int obey(const char *line) {
  int clock, length = -1;
  int64_t amount;
  char what[16];
  if (sscanf(line, "truth-rate %" SCNd64 "\n%n", &amount, &length) == 1 && line[length] == 0) {
    change_truth(amount);
  } else if (sscanf(line, "suspend %" SCNd64 "\n%n", &amount, &length) == 1 && line[length] == 0) {
    suspend(amount);
  } else if (sscanf(line, "read %d\n%n", &clock, &length) == 1 && is_clock(clock)) {
    read_clock(clock);
  } else if (sscanf(line, "follow-truth %d\n%n", &clock, &length) == 1 && is_clock(clock)) {
    change_clock("follow-truth", clock, 0);
  } else if (sscanf(line, "%15s %d %" SCNd64 "\n%n", what, &clock, &amount, &length) == 3 &&
             is_clock(clock) && (strcmp(what, "step") == 0 || strcmp(what, "error") == 0)) {
    change_clock(what, clock, amount);
  } else {
    return 0;
  }
  return 1;
}

int main(int count, char **words) {
  if (count != 3) return 2;
  int64_t tai_ns = strtoll(words[2], NULL, 10);
  clocks = clock_file_open(words[1], &tai_ns, raw_clock());
  setvbuf(stdout, NULL, _IOLBF, 0);
  change_truth(0);
  char line[LINE_LENGTH_MAX];
  while (fgets(line, sizeof line, stdin) != NULL) {
    if (!obey(line)) {
      fprintf(stderr, "not understood: %s", line);
      return 2;
    }
  }
  return 0;
}
