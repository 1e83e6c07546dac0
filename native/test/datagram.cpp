// Datagram sockets against the kernel's own.
#include <errno.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <filesystem>
#include <thread>

#include "core/datagram/datagram-queue.h"
#include "core/datagram/datagram-socket.h"

namespace kudurru {
namespace {

using datagram::DatagramQueue;
using datagram::DatagramSocket;
using datagram::Received;

class Datagrams : public testing::Test {
 protected:
  Datagrams() {
    char folder[] = "/tmp/kudurru-datagram-XXXXXX";
    folder_ = ::mkdtemp(folder);
  }
  ~Datagrams() override { std::filesystem::remove_all(folder_); }

  std::string path(const std::string& name) const { return folder_ + "/" + name; }

  std::unique_ptr<DatagramSocket> open(const std::string& name) {
    std::unique_ptr<DatagramSocket> socket;
    const auto problem = DatagramSocket::open(path(name), 0600, socket);
    EXPECT_FALSE(problem.has_value()) << ::strerror(problem->systemError);
    return socket;
  }

  int problemOf(const std::string& at) {
    std::unique_ptr<DatagramSocket> socket;
    const auto problem = DatagramSocket::open(at, 0600, socket);
    EXPECT_EQ(socket, nullptr);
    return problem.has_value() ? problem->systemError : 0;
  }

  std::string folder_;
  std::array<uint8_t, 64> buffer_{};
};

const std::array<uint8_t, 4> kBytes{1, 2, 3, 4};

TEST_F(Datagrams, ComeWithTheirSenderAndTheClocks) {
  const auto one = open("one"), other = open("other");
  ASSERT_EQ(one->send(path("other"), kBytes), 0);
  const Received received = other->receive(buffer_);
  ASSERT_EQ(received.kind, Received::Kind::kDatagram);
  EXPECT_TRUE(std::ranges::equal(Bytes(buffer_).first(received.sizeBytes), kBytes));
  EXPECT_FALSE(received.truncated);
  EXPECT_EQ(received.from, path("one"));
  ASSERT_TRUE(received.sender.has_value());
  EXPECT_EQ(received.sender->pid, ::getpid());
  EXPECT_EQ(received.sender->uid, ::getuid());
  EXPECT_LE(received.stamp.rawBeforeNs, received.stamp.rawAfterNs);
  EXPECT_GT(received.stamp.realtimeNs, 0);
  EXPECT_EQ(other->receive(buffer_).kind, Received::Kind::kNothing);
}

TEST_F(Datagrams, AreCutOffWhereTheyAreTooLong) {
  const auto one = open("one"), other = open("other");
  const std::array<uint8_t, 65> longer{};
  ASSERT_EQ(one->send(path("other"), longer), 0);
  const Received received = other->receive(buffer_);
  EXPECT_TRUE(received.truncated);
  EXPECT_EQ(received.sizeBytes, buffer_.size());
}

TEST_F(Datagrams, OfNoBytesAreDatagramsToo) {
  const auto one = open("one"), other = open("other");
  ASSERT_EQ(one->send(path("other"), {}), 0);
  const Received received = other->receive(buffer_);
  EXPECT_EQ(received.kind, Received::Kind::kDatagram);
  EXPECT_EQ(received.sizeBytes, 0U);
}

TEST_F(Datagrams, NeverBringDescriptorsIntoTheProcess) {
  const auto other = open("other");
  const intake::Descriptor sender(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  sockaddr_un to{};
  to.sun_family = AF_UNIX;
  std::ranges::copy(path("other"), to.sun_path);
  iovec part{const_cast<uint8_t*>(kBytes.data()), kBytes.size()};
  const int given = STDERR_FILENO;
  alignas(cmsghdr) uint8_t control[CMSG_SPACE(sizeof given)];
  msghdr header{};
  header.msg_name = &to;
  header.msg_namelen = sizeof to;
  header.msg_iov = &part;
  header.msg_iovlen = 1;
  header.msg_control = control;
  header.msg_controllen = sizeof control;
  cmsghdr* message = CMSG_FIRSTHDR(&header);
  message->cmsg_level = SOL_SOCKET;
  message->cmsg_type = SCM_RIGHTS;
  message->cmsg_len = CMSG_LEN(sizeof given);
  std::memcpy(CMSG_DATA(message), &given, sizeof given);
  ASSERT_EQ(::sendmsg(sender.get(), &header, 0), static_cast<ssize_t>(kBytes.size()));
  const auto open = [] {
    const std::filesystem::directory_iterator descriptors("/proc/self/fd"), end;
    return std::distance(descriptors, end);
  };
  const auto before = open();
  const Received received = other->receive(buffer_);
  EXPECT_EQ(received.kind, Received::Kind::kDatagram);
  EXPECT_EQ(received.sizeBytes, kBytes.size());
  EXPECT_TRUE(received.from.empty());
  EXPECT_EQ(open(), before);
}

TEST_F(Datagrams, SayWhyTheyCannotBeSent) {
  const auto one = open("one");
  EXPECT_EQ(one->send(path("nobody"), kBytes), ENOENT);
  EXPECT_EQ(one->send(std::string(108, 'x'), kBytes), ENAMETOOLONG);
  EXPECT_EQ(one->send("", kBytes), ENAMETOOLONG);
  EXPECT_EQ(one->send(std::string("a\0b", 3), kBytes), ENAMETOOLONG);
  const auto full = open("full");
  int error = 0;
  for (int sent = 0; error == 0 && sent < 100'000; ++sent) error = one->send(path("full"), kBytes);
  EXPECT_EQ(error, EAGAIN);
}

TEST_F(Datagrams, TakeTheirFileAway) {
  {
    const auto one = open("one");
  }
  EXPECT_FALSE(std::filesystem::exists(path("one")));
}

TEST_F(Datagrams, LeaveTheFileOfAnotherAlone) {
  auto one = open("one");
  std::filesystem::rename(path("one"), path("away"));
  const auto other = open("one");
  one.reset();
  EXPECT_TRUE(std::filesystem::exists(path("one")));
}

TEST_F(Datagrams, ReplaceAFileThatWasLeftBehindAndNoOther) {
  {
    const auto one = open("one");
    std::filesystem::create_hard_link(path("one"), path("left"));
  }
  const auto client = open("client");
  EXPECT_EQ(client->send(path("left"), kBytes), ECONNREFUSED);
  const auto left = open("left");
  EXPECT_EQ(problemOf(path("left")), EADDRINUSE);
  ::close(::creat(path("file").c_str(), 0600));
  EXPECT_EQ(problemOf(path("file")), EADDRINUSE);
  EXPECT_TRUE(std::filesystem::exists(path("file")));
  EXPECT_EQ(problemOf(path("no/folder")), ENOENT);
  EXPECT_EQ(problemOf(std::string(108, 'x')), ENAMETOOLONG);
}

TEST_F(Datagrams, HaveTheModeAskedFor) {
  const mode_t before = ::umask(0);
  const auto one = open("one");
  ::umask(before);
  struct stat file{};
  ASSERT_EQ(::stat(path("one").c_str(), &file), 0);
  EXPECT_EQ(file.st_mode & 0777, 0600U);
}

TEST_F(Datagrams, AreWaitedForUntilWoken) {
  const auto one = open("one");
  std::thread waiting([&] { one->wait(); });
  one->wake();
  waiting.join();
}

TEST(DatagramQueue, DropsWhatItHasNoRoomForAndCountsIt) {
  DatagramQueue queue(2);
  EXPECT_TRUE(queue.push({}));
  EXPECT_FALSE(queue.push({}));
  EXPECT_FALSE(queue.push({}));
  EXPECT_EQ(queue.takeAll().size(), 2U);
  EXPECT_EQ(queue.takeDropped(), 1U);
  EXPECT_EQ(queue.takeDropped(), 0U);
  EXPECT_TRUE(queue.push({}));
}

}  // namespace
}  // namespace kudurru
