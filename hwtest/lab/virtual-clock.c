// Preload library: a system clock for a group of processes. VIRTUAL_CLOCK_FILE names a lab's clock
// file and VIRTUAL_CLOCK which of its clocks CLOCK_REALTIME is; CLOCK_TAI follows it by the offset
// that was set. Reading, setting and slewing, and the kernel's stamps on datagrams, are those of
// that clock. CLOCK_BOOTTIME counts what the lab says that the machine was asleep. The host's clock
// is never set, whatever the process may do.
//
// VIRTUAL_CLOCK_OF, "CLOCK WORD", may name another clock for the processes that have WORD somewhere
// in their command line: one that is started by others on the clock of a network card, say.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/timex.h>
#include <time.h>

#include "clock-file.h"

#define NS_PER_S INT64_C(1000000000)
#define FREQ_MAX (INT64_C(500) << 16)
#define TICK_MIN_US 9000
#define TICK_MAX_US 11000
#define COMMAND_SIZE_MAX 8192
// Three reads of clocks, when nothing comes between.
#define LEAD_WIDTH_NS 2000
#define LEAD_TRIES_MAX 20

static struct open_clock_file clocks;
static int own_clock;
static int (*real_clock_gettime)(clockid_t, struct timespec *);
static ssize_t (*real_recvmsg)(int, struct msghdr *, int);

static int64_t nanoseconds(const struct timespec *time) {
  return (int64_t)time->tv_sec * NS_PER_S + time->tv_nsec;
}

static struct timespec time_of(int64_t ns) {
  int64_t seconds = ns / NS_PER_S - (ns % NS_PER_S < 0);
  return (struct timespec){seconds, ns - seconds * NS_PER_S};
}

static int64_t host_clock(clockid_t id) {
  struct timespec time;
  if (real_clock_gettime(id, &time) != 0) abort();
  return nanoseconds(&time);
}

static int64_t raw_clock(void) { return host_clock(CLOCK_MONOTONIC_RAW); }

static int is_in_command(const char *word) {
  static char command[COMMAND_SIZE_MAX];
  FILE *file = fopen("/proc/self/cmdline", "r");
  if (file == NULL) abort();
  size_t length = fread(command, 1, sizeof command, file);
  fclose(file);
  return memmem(command, length, word, strlen(word)) != NULL;
}

static int chosen_clock(const char *clock) {
  const char *special = getenv("VIRTUAL_CLOCK_OF");
  char word[256];
  int other;
  if (special == NULL) return atoi(clock);
  if (sscanf(special, "%d %255s", &other, word) != 2) abort();
  return is_in_command(word) ? other : atoi(clock);
}

static void start(void) {
  if (clocks.file != NULL) return;
  real_clock_gettime = (int (*)(clockid_t, struct timespec *))dlsym(RTLD_NEXT, "clock_gettime");
  real_recvmsg = (ssize_t(*)(int, struct msghdr *, int))dlsym(RTLD_NEXT, "recvmsg");
  const char *path = getenv("VIRTUAL_CLOCK_FILE");
  const char *clock = getenv("VIRTUAL_CLOCK");
  if (real_clock_gettime == NULL || real_recvmsg == NULL || path == NULL || clock == NULL) {
    fprintf(stderr, "virtual clock: VIRTUAL_CLOCK_FILE and VIRTUAL_CLOCK are not both set\n");
    abort();
  }
  own_clock = chosen_clock(clock);
  if (own_clock < 0 || own_clock >= CLOCK_COUNT_MAX) abort();
  clocks = clock_file_open(path, NULL, 0);
}

__attribute__((constructor)) static void start_with_the_program(void) { start(); }

static int64_t virtual_clock(clockid_t id) {
  struct clock_state state = clock_file_read(&clocks);
  int64_t now_ns = lab_clock_at(&state, own_clock, raw_clock());
  return id == CLOCK_TAI ? now_ns + state.clocks[own_clock].tai_s * NS_PER_S : now_ns;
}

int clock_gettime(clockid_t id, struct timespec *time) {
  // A library's own constructor may come before ours.
  start();
  if (id == CLOCK_BOOTTIME) {
    *time = time_of(host_clock(id) + clock_file_read(&clocks).suspended_ns);
    return 0;
  }
  if (id != CLOCK_REALTIME && id != CLOCK_REALTIME_COARSE && id != CLOCK_TAI)
    return real_clock_gettime(id, time);
  *time = time_of(virtual_clock(id));
  return 0;
}

int gettimeofday(struct timeval *restrict time, void *restrict zone) {
  start();
  if (zone != NULL) memset(zone, 0, sizeof(struct timezone));
  struct timespec now = time_of(virtual_clock(CLOCK_REALTIME));
  *time = (struct timeval){now.tv_sec, now.tv_nsec / 1000};
  return 0;
}

time_t time(time_t *stored) {
  start();
  time_t now = time_of(virtual_clock(CLOCK_REALTIME)).tv_sec;
  if (stored != NULL) *stored = now;
  return now;
}

static int set_clock(const struct timespec *time) {
  start();
  int64_t raw_ns = raw_clock();
  struct clock_state *state = clock_file_begin(&clocks);
  int64_t step_ns = nanoseconds(time) - lab_clock_at(state, own_clock, raw_ns);
  lab_clock_rebase(state, own_clock, raw_ns, step_ns);
  clock_file_end(&clocks);
  return 0;
}

int clock_settime(clockid_t id, const struct timespec *time) {
  if (id == CLOCK_REALTIME) return set_clock(time);
  errno = EPERM;
  return -1;
}

int settimeofday(const struct timeval *time, const struct timezone *zone) {
  (void)zone;
  if (time == NULL) return 0;
  return set_clock(&(struct timespec){time->tv_sec, time->tv_usec * 1000});
}

static int64_t clamp(int64_t value, int64_t min, int64_t max) {
  return value < min ? min : value > max ? max : value;
}

static int64_t offset_of(const struct timex *order) {
  int64_t unit_ns = order->modes & ADJ_NANO ? 1 : 1000;
  return order->time.tv_sec * NS_PER_S + order->time.tv_usec * unit_ns;
}

static void answer(struct timex *order, const struct lab_clock *clock, int64_t now_ns) {
  struct timespec now = time_of(now_ns);
  int is_nano = (clock->status & STA_NANO) != 0;
  *order = (struct timex){
      .freq = clock->freq,
      .maxerror = clock->maxerror_us,
      .esterror = clock->esterror_us,
      .status = (int)clock->status,
      .constant = 2,
      .precision = 1,
      .tolerance = FREQ_MAX,
      .time = {now.tv_sec, is_nano ? now.tv_nsec : now.tv_nsec / 1000},
      .tick = clock->tick,
      .tai = (int)clock->tai_s,
  };
}

static void apply(struct lab_clock *clock, const struct timex *order) {
  if (order->modes & ADJ_FREQUENCY) clock->freq = clamp(order->freq, -FREQ_MAX, FREQ_MAX);
  if (order->modes & ADJ_TICK) clock->tick = order->tick;
  if (order->modes & ADJ_TAI && order->constant >= 0) clock->tai_s = order->constant;
  if (order->modes & ADJ_STATUS)
    clock->status = (clock->status & STA_RONLY) | (order->status & ~STA_RONLY);
  if (order->modes & ADJ_MAXERROR) clock->maxerror_us = order->maxerror;
  if (order->modes & ADJ_ESTERROR) clock->esterror_us = order->esterror;
  if (order->modes & ADJ_NANO) clock->status |= STA_NANO;
  if (order->modes & ADJ_MICRO) clock->status &= ~STA_NANO;
}

static int refusal_of(clockid_t id, const struct timex *order) {
  // The slewing of adjtime(3) and of the kernel's own loop: no program of the lab asks for it.
  if (id != CLOCK_REALTIME || order->modes & ADJ_OFFSET) return EOPNOTSUPP;
  int is_tick_out = order->tick < TICK_MIN_US || order->tick > TICK_MAX_US;
  return order->modes & ADJ_TICK && is_tick_out ? EINVAL : 0;
}

int clock_adjtime(clockid_t id, struct timex *order) {
  start();
  errno = refusal_of(id, order);
  if (errno != 0) return -1;
  int64_t raw_ns = raw_clock();
  if (order->modes != 0) {
    struct clock_state *next = clock_file_begin(&clocks);
    apply(&next->clocks[own_clock], order);
    lab_clock_rebase(next, own_clock, raw_ns, order->modes & ADJ_SETOFFSET ? offset_of(order) : 0);
    clock_file_end(&clocks);
  }
  struct clock_state state = clock_file_read(&clocks);
  answer(order, &state.clocks[own_clock], lab_clock_at(&state, own_clock, raw_ns));
  return order->status & STA_UNSYNC ? TIME_ERROR : TIME_OK;
}

int adjtimex(struct timex *order) { return clock_adjtime(CLOCK_REALTIME, order); }

int ntp_adjtime(struct timex *order) { return clock_adjtime(CLOCK_REALTIME, order); }

// How far the host's CLOCK_REALTIME is ahead of CLOCK_MONOTONIC_RAW. Of several tries the one that
// was interrupted least.
static int64_t host_lead(void) {
  int64_t lead_ns = 0, narrowest_ns = INT64_MAX;
  for (int i = 0; i < LEAD_TRIES_MAX && narrowest_ns > LEAD_WIDTH_NS; i++) {
    int64_t before_ns = raw_clock(), real_ns = host_clock(CLOCK_REALTIME), after_ns = raw_clock();
    if (after_ns - before_ns >= narrowest_ns) continue;
    narrowest_ns = after_ns - before_ns;
    lead_ns = real_ns - before_ns - narrowest_ns / 2;
  }
  return lead_ns;
}

// A stamp is a moment just past: the lead was the same then, to well below a microsecond.
static void translate_stamp(const struct clock_state *state, struct timespec *stamp) {
  if (stamp->tv_sec == 0) return;
  *stamp = time_of(lab_clock_at(state, own_clock, nanoseconds(stamp) - host_lead()));
}

ssize_t recvmsg(int fd, struct msghdr *message, int flags) {
  start();
  ssize_t length = real_recvmsg(fd, message, flags);
  if (length < 0) return length;
  int saved = errno;
  struct clock_state state = clock_file_read(&clocks);
  for (struct cmsghdr *part = CMSG_FIRSTHDR(message); part; part = CMSG_NXTHDR(message, part)) {
    if (part->cmsg_level != SOL_SOCKET) continue;
    if (part->cmsg_type != SCM_TIMESTAMPING && part->cmsg_type != SCM_TIMESTAMPNS) continue;
    struct timespec stamp;
    memcpy(&stamp, CMSG_DATA(part), sizeof stamp);
    translate_stamp(&state, &stamp);
    memcpy(CMSG_DATA(part), &stamp, sizeof stamp);
  }
  errno = saved;
  return length;
}
