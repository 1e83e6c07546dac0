// A wire between two network interfaces, here called `a` and `b`, that can be told to delay and to
// lose frames in either direction. It does not reorder. Lines on its standard input, each answered
// by "ok":
//
//   to-a|to-b delay NS
//   to-a|to-b drop MASK       bit n: PTP messages of type n; bit 16: all that is not PTP
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <linux/virtio_net.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define FRAME_LENGTH_MAX 2048
#define WAITING_MAX 1024
#define LINE_LENGTH_MAX 64
#define NOT_PTP 16
#define PTP_ETHERTYPE 0x88f7
#define PTP_EVENT_PORT 319
#define PTP_GENERAL_PORT 320

struct frame {
  int64_t due_ns;
  size_t length;
  // With its virtio_net_hdr, which says whether the checksum is still to be made.
  uint8_t bytes[FRAME_LENGTH_MAX];
};

struct direction {
  int from;
  int to;
  int64_t delay_ns;
  uint32_t drop;
  // A ring, in the order of arrival.
  uint64_t first;
  uint64_t next;
  struct frame waiting[WAITING_MAX];
};

static struct direction to_a, to_b;

static _Noreturn void give_up(const char *what) {
  fprintf(stderr, "relay: %s: %s\n", what, strerror(errno));
  exit(1);
}

static int64_t now(void) {
  struct timespec time;
  if (clock_gettime(CLOCK_MONOTONIC, &time) != 0) abort();
  return (int64_t)time.tv_sec * 1000000000 + time.tv_nsec;
}

static int open_interface(const char *name) {
  int fd = socket(AF_PACKET, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, htons(ETH_P_ALL));
  int on = 1;
  struct sockaddr_ll address = {
      .sll_family = AF_PACKET,
      .sll_protocol = htons(ETH_P_ALL),
      .sll_ifindex = (int)if_nametoindex(name),
  };
  if (fd < 0 || address.sll_ifindex == 0) give_up(name);
  if (setsockopt(fd, SOL_PACKET, PACKET_VNET_HDR, &on, sizeof on) != 0) give_up("PACKET_VNET_HDR");
  if (setsockopt(fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, &on, sizeof on) != 0)
    give_up("PACKET_IGNORE_OUTGOING");
  if (bind(fd, (struct sockaddr *)&address, sizeof address) != 0) give_up(name);
  return fd;
}

static unsigned at16(const uint8_t *bytes) { return (unsigned)bytes[0] << 8 | bytes[1]; }

// Where in an IP packet the payload of a datagram to a port of PTP begins; 0 where it is none.
static size_t ptp_payload_of(const uint8_t *packet, size_t length, unsigned type) {
  size_t header = type == ETH_P_IP ? (size_t)(packet[0] & 0xf) * 4 : 40;
  if (length < header + 8) return 0;
  unsigned protocol = type == ETH_P_IP ? packet[9] : packet[6];
  unsigned port = at16(packet + header + 2);
  if (protocol != IPPROTO_UDP) return 0;
  return port == PTP_EVENT_PORT || port == PTP_GENERAL_PORT ? header + 8 : 0;
}

// The type of PTP message, or NOT_PTP.
static unsigned kind_of(const uint8_t *frame, size_t length) {
  if (length < ETH_HLEN + 20) return NOT_PTP;
  unsigned type = at16(frame + 12);
  if (type == PTP_ETHERTYPE) return frame[ETH_HLEN] & 0xf;
  if (type != ETH_P_IP && type != ETH_P_IPV6) return NOT_PTP;
  size_t payload = ptp_payload_of(frame + ETH_HLEN, length - ETH_HLEN, type);
  return payload == 0 || length <= ETH_HLEN + payload ? NOT_PTP : frame[ETH_HLEN + payload] & 0xf;
}

static void take_in(struct direction *way) {
  for (;;) {
    struct frame *frame = &way->waiting[way->next % WAITING_MAX];
    ssize_t length = recv(way->from, frame->bytes, sizeof frame->bytes, MSG_TRUNC);
    if (length < 0 && (errno == EAGAIN || errno == ENETDOWN || errno == EINTR)) return;
    if (length < 0) give_up("recv");
    size_t head = sizeof(struct virtio_net_hdr);
    if ((size_t)length <= head || (size_t)length > sizeof frame->bytes) continue;
    if (way->drop >> kind_of(frame->bytes + head, (size_t)length - head) & 1) continue;
    // A full wire loses the frame.
    if (way->next - way->first == WAITING_MAX - 1) continue;
    frame->length = (size_t)length;
    frame->due_ns = now() + way->delay_ns;
    way->next++;
  }
}

// Sends what is due; when the next one is, or INT64_MAX.
static int64_t let_out(struct direction *way) {
  for (; way->first < way->next; way->first++) {
    const struct frame *frame = &way->waiting[way->first % WAITING_MAX];
    if (frame->due_ns > now()) return frame->due_ns;
    // An interface that is down, or a full queue: lost, as on any wire.
    if (send(way->to, frame->bytes, frame->length, 0) < 0 && errno != ENETDOWN &&
        errno != ENOBUFS && errno != EAGAIN && errno != ENXIO)
      give_up("send");
  }
  return INT64_MAX;
}

static int obey(const char *line) {
  char which[8], what[8];
  int64_t amount;
  if (sscanf(line, "%7s %7s %" SCNd64, which, what, &amount) != 3 || amount < 0) return 0;
  struct direction *way = strcmp(which, "to-a") == 0   ? &to_a
                          : strcmp(which, "to-b") == 0 ? &to_b
                                                       : NULL;
  if (way == NULL) return 0;
  if (strcmp(what, "delay") == 0) {
    way->delay_ns = amount;
  } else if (strcmp(what, "drop") == 0) {
    way->drop = (uint32_t)amount;
  } else {
    return 0;
  }
  puts("ok");
  return 1;
}

// Whole lines of what can be read now; 0 at the end.
static int obey_input(void) {
  static char text[LINE_LENGTH_MAX];
  static size_t held;
  ssize_t length = read(STDIN_FILENO, text + held, sizeof text - 1 - held);
  if (length <= 0) return 0;
  held += (size_t)length;
  text[held] = '\0';
  for (char *end; (end = strchr(text, '\n')) != NULL;) {
    *end = '\0';
    if (!obey(text)) {
      fprintf(stderr, "relay: not understood: %s\n", text);
      exit(2);
    }
    held -= (size_t)(end + 1 - text);
    memmove(text, end + 1, held + 1);
  }
  return 1;
}

int main(int count, char **words) {
  if (count != 3) return 2;
  int a = open_interface(words[1]), b = open_interface(words[2]);
  to_a.from = to_b.to = b;
  to_b.from = to_a.to = a;
  setvbuf(stdout, NULL, _IOLBF, 0);
  prctl(PR_SET_TIMERSLACK, 1);
  // A wire has no scheduler: with this one's it is as short as the machine can make it.
  if (sched_setscheduler(0, SCHED_FIFO, &(struct sched_param){.sched_priority = 10}) != 0)
    fprintf(stderr, "relay: a wire of uneven length, without SCHED_FIFO: %s\n", strerror(errno));
  puts("ok");
  for (;;) {
    int64_t due_a = let_out(&to_a), due_b = let_out(&to_b);
    int64_t due_ns = due_a < due_b ? due_a : due_b, left_ns = due_ns - now();
    if (left_ns < 0) left_ns = 0;
    struct timespec wait = {left_ns / 1000000000, left_ns % 1000000000};
    struct pollfd ready[] = {{a, POLLIN, 0}, {b, POLLIN, 0}, {STDIN_FILENO, POLLIN, 0}};
    if (ppoll(ready, 3, due_ns == INT64_MAX ? NULL : &wait, NULL) < 0 && errno != EINTR)
      give_up("ppoll");
    take_in(&to_a);
    take_in(&to_b);
    if (ready[2].revents != 0 && !obey_input()) return 0;
  }
}
