/* A serial line without hardware: opens a pseudo-terminal in raw mode and prints the path of its
 * slave. Its own end hangs the line up, as pulling a USB plug does. Orders are lines on standard
 * input, bytes in hexadecimal digits; RAW is CLOCK_MONOTONIC_RAW in nanoseconds:
 *
 *   send HEX             taken when the line has room for it; answered by `done`
 *   between RAW RAW HEX  sent at the first of these times: `kept`, or not at all if it would be
 *                        after the last: `late`; one at a time
 *
 * What the reader of the line writes is told as `heard HEX`. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#define NS_PER_S INT64_C(1000000000)
/* Two digits a byte. */
#define BYTES_MAX 4096
#define LINE_LENGTH_MAX (2 * BYTES_MAX + 64)

struct timed {
  int is_waiting;
  int64_t first_ns, last_ns;
  size_t size;
  unsigned char bytes[BYTES_MAX];
};

static int master, slave;
static struct timed timed;

static void fail(const char *what) {
  perror(what);
  exit(1);
}

static int64_t raw_clock(void) {
  struct timespec time;
  if (clock_gettime(CLOCK_MONOTONIC_RAW, &time) != 0) fail("clock");
  return time.tv_sec * NS_PER_S + time.tv_nsec;
}

static const char *open_line(void) {
  master = posix_openpt(O_RDWR | O_NOCTTY);
  if (master < 0 || grantpt(master) < 0 || unlockpt(master) < 0) fail("pseudo-terminal");
  const char *path = ptsname(master);
  /* Held open: a line that nobody reads has not hung up. */
  slave = path == NULL ? -1 : open(path, O_RDWR | O_NOCTTY);
  struct termios raw;
  if (slave < 0 || tcgetattr(slave, &raw) < 0) fail("slave");
  cfmakeraw(&raw);
  if (tcsetattr(slave, TCSANOW, &raw) < 0) fail("raw mode");
  return path;
}

static void write_all(const unsigned char *bytes, size_t size) {
  for (size_t done = 0; done < size;) {
    ssize_t written = write(master, bytes + done, size - done);
    if (written < 0) fail("write");
    done += (size_t)written;
  }
}

static void answer(const char *word) {
  puts(word);
  fflush(stdout);
}

static void send_timed(void) {
  if (!timed.is_waiting || raw_clock() < timed.first_ns) return;
  timed.is_waiting = 0;
  int unread = 0;
  /* A receiver does not wait for a reader: what nobody took is overrun, and never comes late. */
  if (ioctl(slave, FIONREAD, &unread) < 0 || (unread > 0 && tcflush(slave, TCIFLUSH) < 0))
    fail("overrun");
  int is_late = raw_clock() > timed.last_ns;
  if (!is_late) write_all(timed.bytes, timed.size);
  answer(is_late ? "late" : "kept");
}

static size_t decode(const char *digits, unsigned char *bytes) {
  size_t size = 0;
  for (unsigned value; size < BYTES_MAX && sscanf(digits + 2 * size, "%2x", &value) == 1; size++)
    bytes[size] = (unsigned char)value;
  return size;
}

static int obey(const char *line) {
  int at = -1;
  unsigned char bytes[BYTES_MAX];
  if (strncmp(line, "send ", 5) == 0) {
    write_all(bytes, decode(line + 5, bytes));
    answer("done");
    return 1;
  }
  int64_t first_ns, last_ns;
  if (timed.is_waiting) return 0;
  if (sscanf(line, "between %" SCNd64 " %" SCNd64 " %n", &first_ns, &last_ns, &at) != 2 || at < 0)
    return 0;
  timed = (struct timed){.is_waiting = 1, .first_ns = first_ns, .last_ns = last_ns};
  timed.size = decode(line + at, timed.bytes);
  return 1;
}

/* Takes what standard input has, and obeys each line that is whole. 0 at its end. */
static int take_orders(void) {
  static char lines[LINE_LENGTH_MAX];
  static size_t held = 0;
  ssize_t size = read(STDIN_FILENO, lines + held, sizeof lines - 1 - held);
  if (size <= 0) return 0;
  held += (size_t)size;
  lines[held] = 0;
  char *line = lines;
  for (char *end; (end = strchr(line, '\n')) != NULL; line = end + 1) {
    *end = 0;
    if (!obey(line)) {
      fprintf(stderr, "not understood: %s\n", line);
      exit(2);
    }
  }
  held = strlen(line);
  memmove(lines, line, held);
  return held < sizeof lines - 1;
}

static void tell_heard(void) {
  unsigned char bytes[BYTES_MAX];
  ssize_t size = read(master, bytes, sizeof bytes);
  if (size <= 0) return;
  fputs("heard ", stdout);
  for (ssize_t i = 0; i < size; i++) printf("%02x", bytes[i]);
  answer("");
}

int main(void) {
  answer(open_line());
  struct pollfd waits[2] = {{STDIN_FILENO, POLLIN, 0}, {master, POLLIN, 0}};
  for (;;) {
    int64_t left_ns = timed.is_waiting ? timed.first_ns - raw_clock() : 0;
    if (left_ns < 0) left_ns = 0;
    struct timespec left = {left_ns / NS_PER_S, left_ns % NS_PER_S};
    if (ppoll(waits, 2, timed.is_waiting ? &left : NULL, NULL) < 0) fail("poll");
    send_timed();
    if (waits[0].revents != 0 && !take_orders()) return 0;
    if (waits[1].revents & POLLIN) tell_heard();
  }
}
