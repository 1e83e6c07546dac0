// Intake on real sockets: who the kernel names as the writer, and the socket file's life.
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>
#include <fstream>
#include <functional>

#include "core/intake/server.h"
#include "intake-harness.h"

namespace kudurru::test {
namespace {

using intake::Descriptor;
using intake::WriterLevel;

// A step that finds nothing to do ends soon, and the next one looks again.
constexpr int kStepMs = 10;

sockaddr_un addressOf(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path.copy(address.sun_path, sizeof address.sun_path - 1);
  return address;
}

class ServerTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string name = "/tmp/kudurru-intake-XXXXXX";
    folder_ = mkdtemp(name.data());
    path_ = folder_ + "/agent.sock";
    const auto level = intake::probeWriterLevel();
    ASSERT_TRUE(level.has_value());
    level_ = *level;
  }

  void TearDown() override {
    server_.reset();
    std::filesystem::remove_all(folder_);
  }

  std::optional<intake::SocketProblem> open(const std::string& path, mode_t mode = 0600) {
    intake::ServerOptions options;
    options.intake.limits = limits_;
    options.listener = {path, mode, -1, level_};
    options.intake.ledgerId = filled(4);
    options.intake.origin = "example/log";
    options.intake.writerLevel = level_;
    return intake::Server::open(options, server_);
  }

  void start() { ASSERT_FALSE(open(path_).has_value()); }

  Descriptor connected() {
    const sockaddr_un address = addressOf(path_);
    Descriptor client(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    const auto* where = reinterpret_cast<const sockaddr*>(&address);
    EXPECT_EQ(connect(client.get(), where, sizeof address), 0);
    return client;
  }

  void stepUntil(const std::function<bool()>& done) {
    while (!done()) server_->step(kStepMs);
  }

  // Steps until the client has been sent a whole frame, and gives its type and, of a refusal, its
  // code.
  Answer answerTo(const Descriptor& client) {
    Buffer bytes;
    const auto whole = [&] {
      uint8_t buffer[4096];
      const ssize_t size = recv(client.get(), buffer, sizeof buffer, MSG_DONTWAIT);
      if (size > 0) bytes.insert(bytes.end(), buffer, buffer + size);
      return size == 0 || bytes.size() >= frame::kHeaderBytes;
    };
    stepUntil(whole);
    EXPECT_GE(bytes.size(), frame::kHeaderBytes);
    Answer answer{static_cast<frame::Type>(bytes.at(4)), "", std::nullopt};
    cbor::Reader reader(Bytes(bytes).subspan(frame::kHeaderBytes));
    reader.readArray({0, 16});
    if (reader.takeNull()) answer.code = reader.readText({1, 64});
    return answer;
  }

  static void write(const Descriptor& client, Bytes bytes) {
    EXPECT_EQ(send(client.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL),
              static_cast<ssize_t>(bytes.size()));
  }

  // A forked process writes on the inherited descriptor and ends when told to.
  static void writeFromChild(const Descriptor& client, Bytes bytes, bool reap) {
    const pid_t child = fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
      const bool sent = send(client.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL) > 0;
      if (!reap) pause();
      _exit(sent ? 0 : 1);
    }
    children_.push_back(child);
    if (reap) reapAll(0);
  }

  static void reapAll(int signal) {
    for (const pid_t child : children_) {
      if (signal != 0) kill(child, signal);
      waitpid(child, nullptr, 0);
    }
    children_.clear();
  }

  uint64_t openSession(const Descriptor& client) {
    write(client, helloFrame());
    EXPECT_EQ(answerTo(client).type, frame::Type::kWelcome);
    write(client, openFrame());
    stepUntil([&] { return server_->intake().hasWork(); });
    const intake::Batch batch = server_->intake().takeBatch();
    const uint64_t id = batch.requests.at(0).connection;
    writer_ = *batch.requests[0].writer;
    server_->intake().bind(id, binding());
    EXPECT_EQ(answerTo(client).type, frame::Type::kOpened);
    return id;
  }

  std::string folder_;
  std::string path_;
  WriterLevel level_{};
  intake::Limits limits_;
  std::unique_ptr<intake::Server> server_;
  intake::WriterFacts writer_;
  inline static std::vector<pid_t> children_;
};

TEST_F(ServerTest, KnowsTheProcessThatOpensASession) {
  start();
  const Descriptor client = connected();
  openSession(client);
  EXPECT_EQ(writer_.writer.pid, getpid());
  EXPECT_EQ(writer_.writer.uid, getuid());
  EXPECT_EQ(writer_.level, level_);
  EXPECT_EQ(writer_.exe, std::filesystem::read_symlink("/proc/self/exe").string());
  EXPECT_TRUE(writer_.startTime.has_value());
  if (level_ == WriterLevel::kPidfdInode) {
    EXPECT_NE(writer_.writer.inode, 0u);
  }
}

TEST_F(ServerTest, RefusesAForkedChildThatWritesIntoTheSession) {
  start();
  const Descriptor client = connected();
  openSession(client);
  writeFromChild(client, submitFrame(0), false);
  EXPECT_EQ(answerTo(client).code, "writer-changed");
  reapAll(SIGKILL);
}

TEST_F(ServerTest, RefusesAFrameThatAForkedChildGoesOnWith) {
  start();
  const Descriptor client = connected();
  openSession(client);
  const Buffer frame = submitFrame(0);
  write(client, Bytes(frame).first(30));
  writeFromChild(client, Bytes(frame).subspan(30), false);
  EXPECT_EQ(answerTo(client).code, "frame-two-writers");
  reapAll(SIGKILL);
}

TEST_F(ServerTest, NeverTakesTheBytesOfAProcessThatIsGoneForThoseOfAnother) {
  start();
  const Descriptor client = connected();
  openSession(client);
  writeFromChild(client, submitFrame(0), true);
  const std::string code = answerTo(client).code;
  // Older kernels name no writer that was reaped.
  EXPECT_TRUE(code == "writer-changed" || code == "writer-unknown") << code;
}

TEST_F(ServerTest, TakesNoDescriptorsAndKeepsNone) {
  start();
  const Descriptor client = connected();
  const Buffer frame = helloFrame();
  int pair[2];
  ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
  {
    const Descriptor passed(pair[1]);
    alignas(cmsghdr) uint8_t control[CMSG_SPACE(sizeof(int))] = {};
    iovec part{const_cast<uint8_t*>(frame.data()), frame.size()};
    msghdr header{};
    header.msg_iov = &part;
    header.msg_iovlen = 1;
    header.msg_control = control;
    header.msg_controllen = sizeof control;
    cmsghdr* message = CMSG_FIRSTHDR(&header);
    message->cmsg_level = SOL_SOCKET;
    message->cmsg_type = SCM_RIGHTS;
    message->cmsg_len = CMSG_LEN(sizeof(int));
    const int fd = passed.get();
    std::memcpy(CMSG_DATA(message), &fd, sizeof fd);
    ASSERT_EQ(sendmsg(client.get(), &header, 0), static_cast<ssize_t>(frame.size()));
  }
  EXPECT_EQ(answerTo(client).code, "descriptor-passed");
  // Its last copy is closed: the other end reads the end.
  const Descriptor kept(pair[0]);
  uint8_t byte;
  EXPECT_EQ(recv(kept.get(), &byte, 1, MSG_DONTWAIT), 0);
}

TEST_F(ServerTest, AnswersAClientThatHasEndedItsSide) {
  start();
  const Descriptor client = connected();
  openSession(client);
  write(client, submitFrame(0, "03"));
  shutdown(client.get(), SHUT_WR);
  stepUntil([&] { return server_->intake().stats().queuedItems == 2; });
  server_->intake().answer(server_->intake().takeBatch());
  EXPECT_EQ(answerTo(client).type, frame::Type::kRefused);
  stepUntil([&] { return server_->intake().idle(); });
}

TEST_F(ServerTest, AClientThatGoesOnWritingCanStillReadWhyItWasRefused) {
  limits_.connectionsMax = 1;
  start();
  const Descriptor refused = connected();
  write(refused, fromHex("00000000"));
  EXPECT_EQ(answerTo(refused).code, "frame-empty");
  write(refused, helloFrame());
  server_->step(kStepMs);
  write(refused, helloFrame());
  const Descriptor first = connected();
  openSession(first);
  const Descriptor turnedAway = connected();
  server_->step(kStepMs);
  write(turnedAway, helloFrame());
  EXPECT_EQ(answerTo(turnedAway).code, "too-many-connections");
  uint8_t byte;
  EXPECT_EQ(recv(turnedAway.get(), &byte, 1, MSG_DONTWAIT), 0);
}

TEST_F(ServerTest, MakesItsSocketWithTheModeAndRemovesIt) {
  ASSERT_FALSE(open(path_, 0660).has_value());
  struct stat facts;
  ASSERT_EQ(stat(path_.c_str(), &facts), 0);
  EXPECT_EQ(facts.st_mode & 07777, 0660u);
  server_->stop();
  EXPECT_FALSE(std::filesystem::exists(path_));
  EXPECT_TRUE(server_->ended());
}

TEST_F(ServerTest, ReplacesTheSocketFileOfADeadDaemonOnly) {
  start();
  std::unique_ptr<intake::Server> living = std::move(server_);
  auto problem = open(path_);
  ASSERT_TRUE(problem.has_value());
  EXPECT_STREQ(problem->code, "socket-unusable");
  EXPECT_NE(problem->message.find("another process listens"), std::string::npos);
  std::filesystem::rename(path_, folder_ + "/kept");
  living.reset();
  std::filesystem::rename(folder_ + "/kept", path_);
  EXPECT_FALSE(open(path_).has_value());
}

TEST_F(ServerTest, LeavesOtherFilesAlone) {
  std::ofstream(path_) << "text";
  const auto problem = open(path_);
  ASSERT_TRUE(problem.has_value());
  EXPECT_STREQ(problem->code, "socket-unusable");
  EXPECT_TRUE(std::filesystem::is_regular_file(path_));
}

TEST_F(ServerTest, SaysThatAPathIsTooLong) {
  const std::string longest = folder_ + "/" + std::string(107 - folder_.size() - 1, 'x');
  EXPECT_FALSE(open(longest).has_value());
  const auto problem = open(longest + "x");
  ASSERT_TRUE(problem.has_value());
  EXPECT_STREQ(problem->code, "socket-path-too-long");
  EXPECT_NE(problem->message.find("'108' bytes"), std::string::npos);
}

TEST_F(ServerTest, TakesOverAnOpenSocketAndNothingElse) {
  Descriptor listening(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const sockaddr_un address = addressOf(path_);
  const auto* where = reinterpret_cast<const sockaddr*>(&address);
  ASSERT_EQ(bind(listening.get(), where, sizeof address), 0);
  intake::ServerOptions options;
  options.listener = {"", 0600, dup(listening.get()), level_};
  options.intake.writerLevel = level_;
  const auto problem = intake::Server::open(options, server_);
  ASSERT_TRUE(problem.has_value());
  EXPECT_STREQ(problem->code, "socket-unusable");
  ASSERT_EQ(listen(listening.get(), 5), 0);
  options.listener.descriptor = dup(listening.get());
  ASSERT_FALSE(intake::Server::open(options, server_).has_value());
  const Descriptor client = connected();
  openSession(client);
  server_->stop();
  EXPECT_TRUE(std::filesystem::exists(path_));
}

}  // namespace
}  // namespace kudurru::test
