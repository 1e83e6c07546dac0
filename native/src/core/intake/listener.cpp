#include "core/intake/listener.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <cerrno>
#include <cstring>
#include <system_error>

#include "core/intake/limits.h"
#include "core/intake/receive.h"

namespace kudurru::intake {
namespace {

SocketProblem unusable(const std::string& path, const std::string& why) {
  return {"socket-unusable", "cannot listen on '" + path + "': " + why};
}

SocketProblem failed(const std::string& path, const char* call) {
  return unusable(path, std::string(call) + ": " + std::generic_category().message(errno));
}

sockaddr_un addressOf(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, path.data(), path.size());
  return address;
}

// Whether somebody accepts connections there: a connection refused is the kernel's word that the
// socket behind the file is gone.
bool isDead(const sockaddr_un& address) {
  const Descriptor probe(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!probe) return false;
  const int connected =
      connect(probe.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address);
  return connected != 0 && errno == ECONNREFUSED;
}

std::optional<SocketProblem> makeRoom(const std::string& path, const sockaddr_un& address) {
  struct stat facts;
  if (lstat(path.c_str(), &facts) != 0) {
    if (errno == ENOENT) return std::nullopt;
    return failed(path, "lstat");
  }
  if (!S_ISSOCK(facts.st_mode)) return unusable(path, "a file that is no socket is there");
  if (!isDead(address)) return unusable(path, "another process listens on it");
  if (unlink(path.c_str()) != 0) return failed(path, "unlink");
  return std::nullopt;
}

std::optional<SocketProblem> checkPath(const std::string& path) {
  if (path.size() > kSocketPathBytesMax) {
    return SocketProblem{"socket-path-too-long",
                         "cannot listen on '" + path + "': the path has '" +
                             std::to_string(path.size()) + "' bytes, the kernel takes at most '" +
                             std::to_string(kSocketPathBytesMax) + "'; choose a shorter folder"};
  }
  if (path.empty() || path.find('\0') != std::string::npos) {
    return unusable(path, "this is not a path");
  }
  return std::nullopt;
}

std::optional<SocketProblem> checkHandedOver(int descriptor) {
  int type = 0, listens = 0, family = 0;
  socklen_t size = sizeof type;
  const bool fits = getsockopt(descriptor, SOL_SOCKET, SO_TYPE, &type, &size) == 0 &&
                    getsockopt(descriptor, SOL_SOCKET, SO_DOMAIN, &family, &size) == 0 &&
                    getsockopt(descriptor, SOL_SOCKET, SO_ACCEPTCONN, &listens, &size) == 0 &&
                    type == SOCK_STREAM && family == AF_UNIX && listens == 1;
  if (fits) return std::nullopt;
  return unusable("descriptor " + std::to_string(descriptor),
                  "it is not a listening Unix stream socket");
}

}  // namespace

std::optional<SocketProblem> Listener::open(const ListenerOptions& options, Listener& listener) {
  const std::string& path = options.path;
  if (options.descriptor >= 0) {
    if (auto problem = checkHandedOver(options.descriptor)) return problem;
    listener.socket_ = Descriptor(options.descriptor);
    if (fcntl(options.descriptor, F_SETFL, O_NONBLOCK) != 0) return failed(path, "fcntl");
    if (!nameWriters(options.descriptor, options.writerLevel)) return failed(path, "setsockopt");
    return std::nullopt;
  }
  if (auto problem = checkPath(path)) return problem;
  const sockaddr_un address = addressOf(path);
  if (auto problem = makeRoom(path, address)) return problem;
  Descriptor made(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!made) return failed(path, "socket");
  if (!nameWriters(made.get(), options.writerLevel)) return failed(path, "setsockopt");
  if (bind(made.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    return failed(path, "bind");
  }
  struct stat facts;
  if (chmod(path.c_str(), options.mode) != 0) return failed(path, "chmod");
  if (lstat(path.c_str(), &facts) != 0) return failed(path, "lstat");
  // Only from here on a client can connect.
  if (listen(made.get(), SOMAXCONN) != 0) return failed(path, "listen");
  listener.socket_ = std::move(made);
  listener.path_ = path;
  listener.device_ = facts.st_dev;
  listener.inode_ = facts.st_ino;
  return std::nullopt;
}

void Listener::close() {
  if (!path_.empty()) {
    struct stat facts;
    const bool ours =
        lstat(path_.c_str(), &facts) == 0 && facts.st_dev == device_ && facts.st_ino == inode_;
    // A file that cannot be removed is found dead at the next start.
    if (ours) unlink(path_.c_str());
    path_.clear();
  }
  socket_ = Descriptor();
}

}  // namespace kudurru::intake
