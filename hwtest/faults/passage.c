#define _GNU_SOURCE
#include "passage.h"

#include <dlfcn.h>
#include <errno.h>
#include <execinfo.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "children.h"
#include "real.h"
#include "undo.h"

enum { DEPTH_MAX = 40 };

struct real_calls real;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct plan plan;
static int is_watching;
static int trace_fd = -1;
static int ask_fd = -1;
static uint64_t passed;   // of the plan's site
static uint64_t skipped;  // passages since the first that was skipped, or 0

static void *symbol(const char *name) {
  void *found = dlsym(RTLD_NEXT, name);
  if (found == NULL) broken(__LINE__);
  return found;
}

static void find_real_calls(void) {
#define FIND(member, name) *(void **)&real.member = symbol(name)
  FIND(write, "write");
  FIND(pwrite, "pwrite64");
  FIND(writev, "writev");
  FIND(pwritev, "pwritev64");
  FIND(copy_file_range, "copy_file_range");
  FIND(sendfile, "sendfile64");
  FIND(fsync, "fsync");
  FIND(fdatasync, "fdatasync");
  FIND(syncfs, "syncfs");
  FIND(fallocate, "fallocate64");
  FIND(posix_fallocate, "posix_fallocate64");
  FIND(ftruncate, "ftruncate64");
  FIND(truncate, "truncate64");
  FIND(open, "open64");
  FIND(openat, "openat64");
  FIND(rename, "rename");
  FIND(link, "link");
  FIND(unlink, "unlink");
  FIND(rmdir, "rmdir");
  FIND(mkdir, "mkdir");
#undef FIND
}

static void say(const char *line, size_t length) {
  if (trace_fd >= 0) (void)!real.write(trace_fd, line, length);
}

static _Noreturn void cut_power(void) {
  power_cut();
  wait_for_children();
  kill(getpid(), SIGKILL);
  for (;;) pause();
}

// The process ends, and what it left in memory is still there for the next.
static _Noreturn void leave_all(void) {
  undo_leave(plan.left);
  kill(getpid(), SIGKILL);
  for (;;) pause();
}

static void *wait_for_kill(void *unused) {
  (void)unused;
  char byte;
  const int fd = real.open(plan.fifo, O_RDONLY | O_CLOEXEC);
  if (fd < 0 || read(fd, &byte, 1) != 1) return NULL;
  pthread_mutex_lock(&lock);
  cut_power();
}

// What a failed sync lost is not on the platter, whatever the page cache says. An end that the
// daemon chose because of a fault may also be the end of the power, and is after a skipped sync.
static void at_exit(int status, void *unused) {
  (void)unused;
  pthread_mutex_lock(&lock);
  is_watching = 0;
  if (skipped > 0 || (status != 0 && plan.seed % 2 == 1))
    power_cut();
  else
    lose_failed();
  if (plan.left[0] != '\0') undo_leave(plan.left);
  pthread_mutex_unlock(&lock);
}

static void connect_ask(void) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  if (strlen(plan.ask) >= sizeof address.sun_path) broken(__LINE__);
  strcpy(address.sun_path, plan.ask);
  ask_fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (ask_fd < 0 || connect(ask_fd, (struct sockaddr *)&address, sizeof address) != 0)
    broken(__LINE__);
}

// Whoever listens decides; with nobody left there, nothing is to happen any more.
static void ask(const char *side, const struct passage *p) {
  if (ask_fd < 0 || !is_asked(&plan, &p->site)) return;
  char line[2 * PATH_MAX];
  const int length =
      snprintf(line, sizeof line, "%s\t%s\t%s\t%s\n", side, p->site.call, p->site.class, p->path);
  char answer = 0;
  if (send(ask_fd, line, (size_t)length, MSG_NOSIGNAL) != length) return;
  if (recv(ask_fd, &answer, 1, 0) == 1 && answer == 'c') cut_power();
}

// The plan of this program, of those that are named.
static int find_plan(const char *names) {
  char path[PATH_MAX];
  for (int used = 0; names != NULL && sscanf(names, "%4095[^:]%n", path, &used) == 1;) {
    if (read_plan(path, &plan)) return 1;
    names += used + (names[used] == ':');
  }
  return 0;
}

__attribute__((constructor)) static void start(void) {
  find_real_calls();
  if (!find_plan(getenv("DISK_FAULTS"))) return;
  void *frames[2];
  backtrace(frames, 2);  // loads what it needs before any lock is held
  if (plan.trace[0] != '\0') {
    trace_fd = real.open(plan.trace, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (trace_fd < 0) broken(__LINE__);
  }
  undo_begin(plan.seed, plan.tear_percent, plan.spare);
  if (plan.left[0] != '\0') undo_take_over(plan.left);
  if (plan.ask[0] != '\0') connect_ask();
  on_exit(at_exit, NULL);
  is_watching = 1;
  if (plan.fifo[0] == '\0') return;
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  pthread_t thread;
  if (pthread_create(&thread, NULL, wait_for_kill, NULL) != 0) broken(__LINE__);
  pthread_sigmask(SIG_SETMASK, &before, NULL);
}

// The addon's functions that the call came through, innermost first, as offsets in it.
static void take_frames(struct site *site) {
  void *frames[DEPTH_MAX];
  Dl_info facts;
  const int depth = backtrace(frames, DEPTH_MAX);
  for (int at = 0; at < depth && site->frame_count < FRAMES_MAX; at++) {
    if (dladdr(frames[at], &facts) == 0 || facts.dli_fname == NULL) continue;
    const char *slash = strrchr(facts.dli_fname, '/');
    if (strcmp(slash == NULL ? facts.dli_fname : slash + 1, plan.object) != 0) continue;
    site->frames[site->frame_count++] = (uint64_t)((char *)frames[at] - (char *)facts.dli_fbase);
  }
}

static void trace(const char *word, const struct passage *p) {
  char line[2 * PATH_MAX];
  int at = snprintf(line, 512, "%s\t%s\t%s\t", word, p->site.call, p->site.class);
  for (int frame = 0; frame < p->site.frame_count; frame++)
    at += snprintf(line + at, 32, "%s%llx", frame > 0 ? "," : "",
                   (unsigned long long)p->site.frames[frame]);
  if (p->site.frame_count == 0) line[at++] = '-';
  at += snprintf(line + at, sizeof line - (size_t)at, "\t%s\n", p->path + strlen(plan.state));
  say(line, (size_t)at);
}

static void meet_fault(struct passage *p) {
  passed++;
  const int is_skip = plan.fault == FAULT_SKIP;
  if (is_skip ? passed < plan.nth : passed != plan.nth) return;
  trace("fault", p);
  switch (plan.fault) {
    case FAULT_ERROR:
      p->error = plan.error;
      return;
    case FAULT_SHORT:
      p->shortened = 1;
      return;
    case FAULT_SKIP:
      p->skipped = 1;
      return;
    case FAULT_KILL_BEFORE:
      cut_power();
    case FAULT_LEAVE:
      leave_all();
    case FAULT_KILL_AFTER:
      p->is_last = 1;
      return;
    case FAULT_NONE:
      return;
  }
}

// 1 when the call is one to watch: the lock is held then, until `leave`.
static int enter(struct passage *p, const char *call) {
  const size_t length = strlen(plan.state);
  if (strncmp(p->path, plan.state, length) != 0) return 0;
  if (p->path[length] != '/' && p->path[length] != '\0') return 0;
  const char *relative = p->path[length] == '/' ? p->path + length + 1 : ".";
  if (!is_below(&plan, relative)) return 0;
  pthread_mutex_lock(&lock);
  if (!is_watching) {
    pthread_mutex_unlock(&lock);
    return 0;
  }
  snprintf(p->site.call, sizeof p->site.call, "%s", call);
  snprintf(p->site.class, sizeof p->site.class, "%s", class_of(&plan, relative));
  take_frames(&p->site);
  trace("pass", p);
  ask("before", p);
  if (skipped > 0 && plan.kill_later > 0 && ++skipped > plan.kill_later) cut_power();
  if (plan.ignores_syncs && strstr(call, "sync") != NULL) p->skipped = 1;
  if (is_site(&plan, &p->site)) meet_fault(p);
  if (p->skipped && skipped == 0) skipped = 1;
  if (p->error != 0) errno = p->error;
  return 1;
}

void leave(const struct passage *p) {
  if (p->is_last) cut_power();
  const int saved = errno;
  ask("after", p);
  pthread_mutex_unlock(&lock);
  errno = saved;
}

int enter_fd(struct passage *p, const char *call, int fd) {
  struct stat facts;
  char link[64];
  memset(p, 0, sizeof *p);
  if (!is_watching) return 0;
  const int saved = errno;
  int is_ours = 0;
  if (fstat(fd, &facts) == 0 && (S_ISREG(facts.st_mode) || S_ISDIR(facts.st_mode))) {
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    const ssize_t length = readlink(link, p->path, sizeof p->path - 1);
    if (length > 0) is_ours = enter(p, call);
  }
  if (p->error == 0) errno = saved;
  return is_ours;
}

void resolve(int folder, const char *path, char *into) {
  char start[PATH_MAX] = "";
  if (path[0] != '/') {
    char link[64];
    snprintf(link, sizeof link, folder == AT_FDCWD ? "/proc/self/cwd" : "/proc/self/fd/%d", folder);
    (void)!readlink(link, start, sizeof start - 2);
    strcat(start, "/");
  }
  if (strlen(start) + strlen(path) >= PATH_MAX) broken(__LINE__);
  strcpy(stpcpy(into, start), path);
}

int enter_path(struct passage *p, const char *call, int folder, const char *path) {
  memset(p, 0, sizeof *p);
  if (!is_watching) return 0;
  const int saved = errno;
  resolve(folder, path, p->path);
  const int is_ours = enter(p, call);
  if (p->error == 0) errno = saved;
  return is_ours;
}

int watches(void) { return is_watching; }
