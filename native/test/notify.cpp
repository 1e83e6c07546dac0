// Notifications against real sockets.
#include "core/notify/notify.h"

#include <errno.h>
#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cstddef>
#include <string>

namespace kudurru {
namespace {

// A bound datagram socket; `name` is its sun_path without padding.
class Receiver {
 public:
  explicit Receiver(const std::string& name) : socket_(::socket(AF_UNIX, SOCK_DGRAM, 0)) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::copy(name.begin(), name.end(), address.sun_path);
    const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + name.size());
    bound_ = ::bind(socket_, reinterpret_cast<const sockaddr*>(&address), size) == 0;
  }
  ~Receiver() { ::close(socket_); }

  bool bound() const { return bound_; }
  std::string receive() {
    char buffer[64];
    const ssize_t size = ::recv(socket_, buffer, sizeof(buffer), MSG_DONTWAIT);
    return size < 0 ? std::string("nothing") : std::string(buffer, static_cast<size_t>(size));
  }

 private:
  const int socket_;
  bool bound_ = false;
};

TEST(Notify, SendsOneDatagramToAPath) {
  char folder[] = "/tmp/kudurru-notify-XXXXXX";
  ASSERT_NE(::mkdtemp(folder), nullptr);
  const std::string path = std::string(folder) + "/notify.sock";
  {
    Receiver receiver(path);
    ASSERT_TRUE(receiver.bound());
    EXPECT_EQ(notify::send(path, "READY=1"), 0);
    EXPECT_EQ(receiver.receive(), "READY=1");
    EXPECT_EQ(receiver.receive(), "nothing");
  }
  ::unlink(path.c_str());
  ::rmdir(folder);
}

TEST(Notify, SendsToAnAbstractName) {
  const std::string name = "kudurru-notify-" + std::to_string(::getpid());
  Receiver receiver(std::string(1, '\0') + name);
  ASSERT_TRUE(receiver.bound());
  EXPECT_EQ(notify::send("@" + name, "STOPPING=1"), 0);
  EXPECT_EQ(receiver.receive(), "STOPPING=1");
}

TEST(Notify, SaysWhatFailed) {
  EXPECT_EQ(notify::send("/nonexistent/notify.sock", "READY=1"), ENOENT);
  EXPECT_EQ(notify::send(std::string(200, 'x'), "READY=1"), ENAMETOOLONG);
  EXPECT_EQ(notify::send("", "READY=1"), ENAMETOOLONG);
}

}  // namespace
}  // namespace kudurru
