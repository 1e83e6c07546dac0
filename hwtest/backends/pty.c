/* A serial line without hardware: opens a pseudo-terminal in raw mode, prints the path of its slave
 * and copies standard input to it. Its own end hangs the line up, as pulling a USB plug does. What
 * the reader of the line writes back goes to standard output. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <termios.h>
#include <unistd.h>

static void fail(const char *what) {
  perror(what);
  exit(1);
}

/* Everything that `from` has to `to`; 0 at its end. */
static int copy(int from, int to) {
  char bytes[4096];
  ssize_t size = read(from, bytes, sizeof bytes);
  if (size <= 0) return 0;
  for (ssize_t done = 0; done < size;) {
    ssize_t written = write(to, bytes + done, (size_t)(size - done));
    if (written < 0) fail("write");
    done += written;
  }
  return 1;
}

int main(void) {
  int master = posix_openpt(O_RDWR | O_NOCTTY);
  if (master < 0 || grantpt(master) < 0 || unlockpt(master) < 0) fail("pseudo-terminal");
  const char *path = ptsname(master);
  /* Held open: a line that nobody reads has not hung up. */
  int slave = path == NULL ? -1 : open(path, O_RDWR | O_NOCTTY);
  struct termios raw;
  if (slave < 0 || tcgetattr(slave, &raw) < 0) fail("slave");
  cfmakeraw(&raw);
  if (tcsetattr(slave, TCSANOW, &raw) < 0) fail("raw mode");
  printf("%s\n", path);
  fflush(stdout);
  struct pollfd waits[2] = {{STDIN_FILENO, POLLIN, 0}, {master, POLLIN, 0}};
  for (;;) {
    if (poll(waits, 2, -1) < 0) fail("poll");
    if (waits[0].revents != 0 && !copy(STDIN_FILENO, master)) return 0;
    if (waits[1].revents & POLLIN) copy(master, STDOUT_FILENO);
  }
}
