// Speaks with ptp4l's management socket for the drills. Arguments: its socket, and a path for our
// own. Lines of hexadecimal on standard input are sent, one datagram each; each datagram that comes
// is told in a line on standard output:
//
//   RAW-BEFORE REALTIME RAW-AFTER HEX
//
// the clocks in nanoseconds, read after it came. "- RAW-BEFORE REALTIME RAW-AFTER ERRNO" where
// sending failed.
#define _GNU_SOURCE
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#define DATAGRAM_LENGTH_MAX 2048

static int64_t clock_of(clockid_t id) {
  struct timespec time;
  if (clock_gettime(id, &time) != 0) abort();
  return (int64_t)time.tv_sec * 1000000000 + time.tv_nsec;
}

static void tell_clocks(void) {
  int64_t before = clock_of(CLOCK_MONOTONIC_RAW), now = clock_of(CLOCK_REALTIME);
  printf("%" PRId64 " %" PRId64 " %" PRId64 " ", before, now, clock_of(CLOCK_MONOTONIC_RAW));
}

static struct sockaddr_un address_of(const char *path) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
  return address;
}

static size_t decode(const char *hex, uint8_t *bytes) {
  size_t length = 0;
  unsigned byte;
  while (length < DATAGRAM_LENGTH_MAX && sscanf(hex + 2 * length, "%2x", &byte) == 1)
    bytes[length++] = (uint8_t)byte;
  return length;
}

static void send_line(int fd, const struct sockaddr_un *server) {
  static char line[2 * DATAGRAM_LENGTH_MAX + 2];
  uint8_t bytes[DATAGRAM_LENGTH_MAX];
  if (fgets(line, sizeof line, stdin) == NULL) exit(0);
  size_t length = decode(line, bytes);
  if (sendto(fd, bytes, length, 0, (const struct sockaddr *)server, sizeof *server) >= 0) return;
  int failure = errno;
  printf("- ");
  tell_clocks();
  printf("%d\n", failure);
}

static void tell_datagram(int fd) {
  uint8_t bytes[DATAGRAM_LENGTH_MAX];
  ssize_t length = recv(fd, bytes, sizeof bytes, 0);
  if (length < 0) return;
  tell_clocks();
  for (ssize_t i = 0; i < length; i++) printf("%02x", bytes[i]);
  putchar('\n');
}

int main(int count, char **words) {
  if (count != 3) return 2;
  struct sockaddr_un server = address_of(words[1]), own = address_of(words[2]);
  int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  unlink(words[2]);
  if (fd < 0 || bind(fd, (struct sockaddr *)&own, sizeof own) != 0) {
    perror(words[2]);
    return 1;
  }
  setvbuf(stdin, NULL, _IONBF, 0);
  setvbuf(stdout, NULL, _IOLBF, 0);
  for (;;) {
    struct pollfd ready[] = {{STDIN_FILENO, POLLIN, 0}, {fd, POLLIN, 0}};
    if (poll(ready, 2, -1) < 0) continue;
    if (ready[1].revents != 0) tell_datagram(fd);
    if (ready[0].revents != 0) send_line(fd, &server);
  }
}
