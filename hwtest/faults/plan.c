#define _GNU_SOURCE
#include "plan.h"

#include <errno.h>
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static _Noreturn void refuse(const char *line) {
  fprintf(stderr, "disk-faults: line of the plan not understood: %s\n", line);
  abort();
}

static int is_program(const char *text) {
  char words[16384];
  FILE *file = fopen("/proc/self/cmdline", "r");
  if (file == NULL) return 0;
  const size_t length = fread(words, 1, sizeof words - 1, file);
  fclose(file);
  for (size_t at = 0; at < length; at++)
    if (words[at] == '\0') words[at] = ' ';
  words[length] = '\0';
  return strstr(words, text) != NULL;
}

static void read_frames(char *text, struct site *site) {
  if (strcmp(text, "-") == 0) return;
  for (char *part = strtok(text, ","); part != NULL; part = strtok(NULL, ",")) {
    if (site->frame_count == FRAMES_MAX) refuse(part);
    site->frames[site->frame_count++] = strtoull(part, NULL, 16);
  }
}

static void read_fault(const char *name, struct plan *plan) {
  static const struct {
    const char *name;
    enum fault fault;
    int error;
  } known[] = {
      {"EIO", FAULT_ERROR, EIO},
      {"ENOSPC", FAULT_ERROR, ENOSPC},
      {"EINTR", FAULT_ERROR, EINTR},
      {"short", FAULT_SHORT, 0},
      {"kill-before", FAULT_KILL_BEFORE, 0},
      {"kill-after", FAULT_KILL_AFTER, 0},
      {"skip", FAULT_SKIP, 0},
      {"leave", FAULT_LEAVE, 0},
  };
  for (size_t at = 0; at < sizeof known / sizeof *known; at++) {
    if (strcmp(known[at].name, name) != 0) continue;
    plan->fault = known[at].fault;
    plan->error = known[at].error;
    return;
  }
  refuse(name);
}

static void read_site(const char *rest, struct plan *plan) {
  if (plan->site_count == SITES_MAX) refuse(rest);
  struct site *site = &plan->sites[plan->site_count++];
  char frames[FRAMES_MAX * 20];
  if (sscanf(rest, "%63s %63s %239s", site->call, site->class, frames) != 3) refuse(rest);
  read_frames(frames, site);
}

static void read_asked(const char *rest, struct plan *plan) {
  if (plan->asked_count == ASKED_MAX) refuse(rest);
  struct site *asked = &plan->asked[plan->asked_count++];
  if (sscanf(rest, "%63s %63s", asked->call, asked->class) != 2) refuse(rest);
}

static void read_only(const char *rest, struct plan *plan) {
  if (plan->only_count == ONLY_MAX) refuse(rest);
  snprintf(plan->only[plan->only_count++], PATH_MAX, "%s", rest);
}

static void read_class(const char *rest, struct plan *plan) {
  if (plan->class_count == CLASSES_MAX) refuse(rest);
  struct file_class *class = &plan->classes[plan->class_count++];
  if (sscanf(rest, "%63s %4095s", class->name, class->glob) != 2) refuse(rest);
}

// 0 when the line says that this process is not the one.
static int read_line(char *line, struct plan *plan) {
  char word[NAME_MAX_BYTES], name[NAME_MAX_BYTES];
  int used = 0;
  if (sscanf(line, "%63s %n", word, &used) != 1) refuse(line);
  const char *rest = line + used;
  if (strcmp(word, "program") == 0) return is_program(rest);
  if (strcmp(word, "state") == 0)
    snprintf(plan->state, PATH_MAX, "%s", rest);
  else if (strcmp(word, "only") == 0)
    read_only(rest, plan);
  else if (strcmp(word, "spare") == 0)
    snprintf(plan->spare, PATH_MAX, "%s", rest);
  else if (strcmp(word, "trace") == 0)
    snprintf(plan->trace, PATH_MAX, "%s", rest);
  else if (strcmp(word, "object") == 0)
    snprintf(plan->object, PATH_MAX, "%s", rest);
  else if (strcmp(word, "fifo") == 0)
    snprintf(plan->fifo, PATH_MAX, "%s", rest);
  else if (strcmp(word, "ask") == 0)
    snprintf(plan->ask, PATH_MAX, "%s", rest);
  else if (strcmp(word, "asked") == 0)
    read_asked(rest, plan);
  else if (strcmp(word, "left") == 0)
    snprintf(plan->left, PATH_MAX, "%s", rest);
  else if (strcmp(word, "class") == 0)
    read_class(rest, plan);
  else if (strcmp(word, "site") == 0)
    read_site(rest, plan);
  else if (strcmp(word, "ignore-syncs") == 0)
    plan->ignores_syncs = 1;
  else if (strcmp(word, "later") == 0)
    plan->kill_later = strtoull(rest, NULL, 10);
  else if (strcmp(word, "seed") == 0)
    plan->seed = strtoull(rest, NULL, 10);
  else if (strcmp(word, "tear") == 0)
    plan->tear_percent = (unsigned)strtoul(rest, NULL, 10);
  else if (strcmp(word, "fault") == 0) {
    unsigned long long nth = 0;
    if (sscanf(rest, "%63s %llu", name, &nth) != 2) refuse(line);
    plan->nth = nth;
    read_fault(name, plan);
  } else {
    refuse(line);
  }
  return 1;
}

int read_plan(const char *path, struct plan *plan) {
  FILE *file = fopen(path, "r");
  if (file == NULL) {
    fprintf(stderr, "disk-faults: no plan '%s': %s\n", path, strerror(errno));
    abort();
  }
  char line[2 * PATH_MAX];
  int is_ours = 1;
  while (is_ours && fgets(line, sizeof line, file) != NULL) {
    line[strcspn(line, "\n")] = '\0';
    is_ours = read_line(line, plan);
  }
  fclose(file);
  return is_ours;
}

const char *class_of(const struct plan *plan, const char *relative) {
  for (int at = 0; at < plan->class_count; at++)
    if (fnmatch(plan->classes[at].glob, relative, 0) == 0) return plan->classes[at].name;
  return "other";
}

int is_below(const struct plan *plan, const char *relative) {
  for (int at = 0; at < plan->only_count; at++)
    if (fnmatch(plan->only[at], relative, 0) == 0) return 1;
  return plan->only_count == 0;
}

static int is_named(const char *wanted, const char *name) {
  return strcmp(wanted, "*") == 0 || strcmp(wanted, name) == 0;
}

int is_asked(const struct plan *plan, const struct site *passage) {
  for (int at = 0; at < plan->asked_count; at++) {
    const struct site *asked = &plan->asked[at];
    if (is_named(asked->call, passage->call) && is_named(asked->class, passage->class)) return 1;
  }
  return 0;
}

int is_site(const struct plan *plan, const struct site *passage) {
  for (int at = 0; at < plan->site_count; at++) {
    const struct site *site = &plan->sites[at];
    if (strcmp(site->call, passage->call) != 0 || strcmp(site->class, passage->class) != 0)
      continue;
    if (site->frame_count == 0 && passage->frame_count != 0) continue;
    if (site->frame_count > passage->frame_count) continue;
    if (memcmp(site->frames, passage->frames, sizeof(uint64_t) * (size_t)site->frame_count) == 0)
      return 1;
  }
  return 0;
}
