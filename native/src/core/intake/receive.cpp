#include "core/intake/receive.h"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include <cerrno>
#include <cstring>

namespace kudurru::intake {
namespace {

// asm-generic/socket.h and linux/magic.h; the build machine's headers may be older than the kernel.
constexpr int kSoPassPidfd = 76;
constexpr int kScmPidfd = 0x04;
constexpr long kPidfsMagic = 0x50494446;
// SCM_MAX_FD: the most descriptors in one message. With room for all of them none is dropped
// unseen, and the pidfd, which comes last, always fits.
constexpr size_t kDescriptorsMax = 253;

bool switchOn(int socket, int option) {
  const int on = 1;
  return setsockopt(socket, SOL_SOCKET, option, &on, sizeof on) == 0;
}

int nextInt(const cmsghdr* message, size_t index) {
  int value = -1;
  std::memcpy(&value, CMSG_DATA(message) + index * sizeof value, sizeof value);
  return value;
}

// Reads credentials and pidfd; closes what else came.
void readControl(msghdr& header, Received& received) {
  for (cmsghdr* message = CMSG_FIRSTHDR(&header); message != nullptr;
       message = CMSG_NXTHDR(&header, message)) {
    if (message->cmsg_level != SOL_SOCKET) continue;
    const size_t size = message->cmsg_len - CMSG_LEN(0);
    if (message->cmsg_type == SCM_CREDENTIALS && size == sizeof(ucred)) {
      ucred credentials;
      std::memcpy(&credentials, CMSG_DATA(message), sizeof credentials);
      received.writer.pid = credentials.pid;
      received.writer.uid = credentials.uid;
      received.writer.gid = credentials.gid;
    } else if (message->cmsg_type == kScmPidfd && size == sizeof(int)) {
      // Negative: the kernel could not make one.
      received.pidfd = Descriptor(nextInt(message, 0));
      received.writer.pidfd = received.pidfd.get();
    } else if (message->cmsg_type == SCM_RIGHTS) {
      received.kind = Received::Kind::kDescriptors;
      for (size_t i = 0; i < size / sizeof(int); ++i) Descriptor(nextInt(message, i));
    }
  }
}

bool isNamed(Received& received, WriterLevel level) {
  if (received.writer.pid == 0) return false;
  if (level == WriterLevel::kCredentials) return true;
  if (!received.pidfd) return false;
  if (level == WriterLevel::kPidfd) return true;
  struct stat facts;
  if (fstat(received.pidfd.get(), &facts) != 0 || facts.st_ino == 0) return false;
  received.writer.inode = facts.st_ino;
  return true;
}

}  // namespace

bool nameWriters(int socket, WriterLevel level) {
  if (!switchOn(socket, SO_PASSCRED)) return false;
  return level == WriterLevel::kCredentials || switchOn(socket, kSoPassPidfd);
}

Received receive(int socket, MutableBytes buffer, WriterLevel level) {
  Received received;
  iovec part{buffer.data(), buffer.size()};
  alignas(cmsghdr) uint8_t control[CMSG_SPACE(sizeof(ucred)) + CMSG_SPACE(sizeof(int)) +
                                   CMSG_SPACE(kDescriptorsMax * sizeof(int))];
  msghdr header{};
  header.msg_iov = &part;
  header.msg_iovlen = 1;
  header.msg_control = control;
  header.msg_controllen = sizeof control;
  ssize_t size = -1;
  do {
    size = recvmsg(socket, &header, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
  } while (size < 0 && errno == EINTR);
  if (size < 0) {
    const bool later = errno == EAGAIN || errno == EWOULDBLOCK;
    received.kind = later ? Received::Kind::kNothing : Received::Kind::kEnd;
    return received;
  }
  received.kind = size == 0 ? Received::Kind::kEnd : Received::Kind::kBytes;
  received.sizeBytes = static_cast<size_t>(size);
  readControl(header, received);
  if (received.kind == Received::Kind::kBytes && !isNamed(received, level)) {
    received.kind = Received::Kind::kUnknownWriter;
  }
  return received;
}

std::optional<WriterLevel> probeWriterLevel() {
  int pair[2];
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0) return std::nullopt;
  const Descriptor reader(pair[0]), writer(pair[1]);
  if (!nameWriters(reader.get(), WriterLevel::kCredentials)) return std::nullopt;
  const bool pidfds = nameWriters(reader.get(), WriterLevel::kPidfd);
  const uint8_t byte = 0;
  uint8_t buffer[1];
  if (send(writer.get(), &byte, 1, MSG_NOSIGNAL) != 1) return std::nullopt;
  const Received received = receive(reader.get(), buffer, WriterLevel::kCredentials);
  if (received.kind != Received::Kind::kBytes || received.writer.pid != getpid()) {
    return std::nullopt;
  }
  if (!pidfds || !received.pidfd) return WriterLevel::kCredentials;
  // Before Linux 6.9 all pidfds share one inode; since then they are files of pidfs.
  struct statfs system;
  const bool unique = fstatfs(received.pidfd.get(), &system) == 0 && system.f_type == kPidfsMagic;
  return unique ? WriterLevel::kPidfdInode : WriterLevel::kPidfd;
}

}  // namespace kudurru::intake
