#include "core/datagram/datagram-socket.h"

#include <errno.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <utility>

namespace kudurru::datagram {
namespace {

using intake::Descriptor;

struct Address {
  sockaddr_un name{};
  socklen_t size = 0;

  const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&name); }
};

// None where `path` is empty, too long, or holds a zero byte.
std::optional<Address> addressOf(const std::string& path) {
  Address address;
  const bool fits = !path.empty() && path.size() < sizeof(address.name.sun_path) &&
                    path.find('\0') == std::string::npos;
  if (!fits) return std::nullopt;
  address.name.sun_family = AF_UNIX;
  std::ranges::copy(path, address.name.sun_path);
  address.size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + path.size() + 1);
  return address;
}

std::string pathOf(const sockaddr_un& name, socklen_t size) {
  constexpr size_t kStart = offsetof(sockaddr_un, sun_path);
  if (size <= kStart) return {};
  const std::string_view path(name.sun_path, std::min<size_t>(size, sizeof name) - kStart);
  if (path.front() == '\0') return "@" + std::string(path.substr(1));
  return std::string(path.substr(0, path.find('\0')));
}

// Whether there is a socket file and nobody has it: the process that made it is gone.
bool isLeftBehind(const Address& address) {
  // A file of another kind refuses too.
  struct stat file{};
  if (::lstat(address.name.sun_path, &file) != 0 || !S_ISSOCK(file.st_mode)) return false;
  const Descriptor probe(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  if (!probe) return false;
  return ::connect(probe.get(), address.get(), address.size) != 0 && errno == ECONNREFUSED;
}

// Both clocks exist on every Linux we run on, and the address is ours: clock_gettime cannot fail.
int64_t nanosecondsOf(clockid_t id) {
  timespec time{};
  ::clock_gettime(id, &time);
  return int64_t{time.tv_sec} * 1'000'000'000 + time.tv_nsec;
}

Stamp stampNow() {
  Stamp stamp;
  stamp.rawBeforeNs = nanosecondsOf(CLOCK_MONOTONIC_RAW);
  stamp.realtimeNs = nanosecondsOf(CLOCK_REALTIME);
  stamp.rawAfterNs = nanosecondsOf(CLOCK_MONOTONIC_RAW);
  return stamp;
}

std::optional<Sender> senderIn(msghdr& header) {
  for (cmsghdr* message = CMSG_FIRSTHDR(&header); message != nullptr;
       message = CMSG_NXTHDR(&header, message)) {
    const size_t size = message->cmsg_len - CMSG_LEN(0);
    if (message->cmsg_level != SOL_SOCKET || message->cmsg_type != SCM_CREDENTIALS) continue;
    if (size != sizeof(ucred)) continue;
    ucred credentials;
    std::memcpy(&credentials, CMSG_DATA(message), sizeof credentials);
    return Sender{credentials.pid, credentials.uid, credentials.gid};
  }
  return std::nullopt;
}

}  // namespace

DatagramSocket::DatagramSocket(std::string path, Descriptor socket, Descriptor wakeup)
    : path_(std::move(path)), socket_(std::move(socket)), wakeup_(std::move(wakeup)) {}

std::optional<Problem> DatagramSocket::open(const std::string& path, mode_t mode,
                                            std::unique_ptr<DatagramSocket>& opened) {
  const auto address = addressOf(path);
  if (!address.has_value()) return Problem{"bind", ENAMETOOLONG};
  Descriptor socket(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!socket) return Problem{"socket", errno};
  Descriptor wakeup(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!wakeup) return Problem{"eventfd", errno};
  const int on = 1;
  if (::setsockopt(socket.get(), SOL_SOCKET, SO_PASSCRED, &on, sizeof on) != 0) {
    return Problem{"setsockopt", errno};
  }
  // Before the file exists, so that it never has another mode but for the process's mask.
  if (::fchmod(socket.get(), mode) != 0) return Problem{"fchmod", errno};
  int error = ::bind(socket.get(), address->get(), address->size) == 0 ? 0 : errno;
  if (error == EADDRINUSE && isLeftBehind(*address) && ::unlink(path.c_str()) == 0) {
    error = ::bind(socket.get(), address->get(), address->size) == 0 ? 0 : errno;
  }
  if (error != 0) return Problem{"bind", error};
  opened.reset(new DatagramSocket(path, std::move(socket), std::move(wakeup)));
  struct stat file{};
  if (::lstat(path.c_str(), &file) == 0) {
    opened->device_ = file.st_dev;
    opened->inode_ = file.st_ino;
  }
  return std::nullopt;
}

DatagramSocket::~DatagramSocket() {
  struct stat file{};
  if (::lstat(path_.c_str(), &file) != 0) return;
  if (file.st_dev == device_ && file.st_ino == inode_) ::unlink(path_.c_str());
}

int DatagramSocket::send(const std::string& to, Bytes bytes) {
  const auto address = addressOf(to);
  if (!address.has_value()) return ENAMETOOLONG;
  const ssize_t sent = ::sendto(socket_.get(), bytes.data(), bytes.size(),
                                MSG_NOSIGNAL | MSG_DONTWAIT, address->get(), address->size);
  return sent < 0 ? errno : 0;
}

Received DatagramSocket::receive(MutableBytes buffer) {
  Received received;
  iovec part{buffer.data(), buffer.size()};
  sockaddr_un from{};
  // Room for the credentials alone: they come first, and the kernel makes no descriptor here that
  // there is no room for.
  alignas(cmsghdr) uint8_t control[CMSG_SPACE(sizeof(ucred))];
  msghdr header{};
  header.msg_name = &from;
  header.msg_namelen = sizeof from;
  header.msg_iov = &part;
  header.msg_iovlen = 1;
  header.msg_control = control;
  header.msg_controllen = sizeof control;
  const ssize_t size = ::recvmsg(socket_.get(), &header, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
  received.stamp = stampNow();
  if (size < 0) {
    const bool nothing = errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR;
    received.systemError = nothing ? 0 : errno;
    received.kind = nothing ? Received::Kind::kNothing : Received::Kind::kFailed;
    return received;
  }
  received.kind = Received::Kind::kDatagram;
  received.sizeBytes = static_cast<size_t>(size);
  received.truncated = (header.msg_flags & MSG_TRUNC) != 0;
  received.sender = senderIn(header);
  received.from = pathOf(from, header.msg_namelen);
  return received;
}

void DatagramSocket::wait() {
  constexpr int kUntilThen = -1;
  pollfd watched[2] = {{socket_.get(), POLLIN, 0}, {wakeup_.get(), POLLIN, 0}};
  ::poll(watched, 2, kUntilThen);
}

void DatagramSocket::wake() {
  const uint64_t one = 1;
  // It fails only when the counter is full, and then the wait has its end already.
  [[maybe_unused]] const ssize_t written = ::write(wakeup_.get(), &one, sizeof one);
}

}  // namespace kudurru::datagram
