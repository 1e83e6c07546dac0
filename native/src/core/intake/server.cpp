#include "core/intake/server.h"

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <system_error>

namespace kudurru::intake {
namespace {

// What an epoll event belongs to, where it is no connection.
constexpr uint64_t kListener = UINT64_MAX;
constexpr uint64_t kWakeup = UINT64_MAX - 1;
constexpr uint64_t kTurnedAwayMax = UINT64_MAX - 2;
constexpr size_t kEventsMax = 256;
constexpr int64_t kCheckTimeMs = 1000;
// A socket closed at once would fail the client's next write, and a client that sees this first may
// lose the refusal that says why. So the daemon ends its side, and goes on reading for this long.
constexpr int64_t kLingerTimeMs = 2000;
// Sockets kept open like that, besides those of connections.
constexpr size_t kLingeringMax = 256;

void add(int epoll, int fd, uint64_t id) {
  epoll_event event{EPOLLIN, {.u64 = id}};
  if (epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) != 0) {
    throw std::system_error(errno, std::generic_category(), "epoll_ctl");
  }
}

}  // namespace

std::optional<SocketProblem> Server::open(const ServerOptions& options,
                                          std::unique_ptr<Server>& server) {
  std::unique_ptr<Server> made(new Server(options));
  if (!made->epoll_ || !made->wakeup_) {
    return SocketProblem{"socket-unusable",
                         "cannot watch sockets: " + std::generic_category().message(errno)};
  }
  if (auto problem = Listener::open(options.listener, made->listener_)) return problem;
  add(made->epoll_.get(), made->wakeup_.get(), kWakeup);
  add(made->epoll_.get(), made->listener_.descriptor(), kListener);
  made->accepting_ = true;
  server = std::move(made);
  return std::nullopt;
}

Server::Server(const ServerOptions& options)
    : writerLevel_(options.intake.writerLevel),
      drainTimeMs_(options.intake.limits.drainTimeMs),
      clientsMax_(options.intake.limits.connectionsMax + kLingeringMax),
      intake_(options.intake, environment_),
      epoll_(epoll_create1(EPOLL_CLOEXEC)),
      wakeup_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)),
      nextTurnedAway_(kTurnedAwayMax),
      buffer_(kReadBytes),
      checkedAtMs_(now().ms()) {}

Server::~Server() { listener_.close(); }

void Server::wake() {
  const uint64_t one = 1;
  // Fails only when the counter is full, and then the step is woken already.
  [[maybe_unused]] const ssize_t written = write(wakeup_.get(), &one, sizeof one);
}

void Server::step(int timeoutMs) {
  settleTouched();
  std::array<epoll_event, kEventsMax> events;
  const int count =
      epoll_wait(epoll_.get(), events.data(), static_cast<int>(events.size()), timeoutMs);
  for (int i = 0; i < count; ++i) {
    const epoll_event& event = events[static_cast<size_t>(i)];
    handle(event.data.u64, event.events);
  }
  checkTime();
  settleTouched();
}

void Server::handle(uint64_t id, uint32_t events) {
  if (id == kWakeup) {
    uint64_t count;
    [[maybe_unused]] const ssize_t got = read(wakeup_.get(), &count, sizeof count);
    return;
  }
  if (id == kListener) return acceptClients();
  const auto client = clients_.find(id);
  if (client == clients_.end()) return;
  if (client->second.lingeringSinceMs.has_value()) {
    if (discard(client->second.socket.get())) clients_.erase(client);
    return;
  }
  Connection* connection = intake_.find(id);
  if (connection == nullptr) return;
  const bool readable = (events & (EPOLLIN | EPOLLHUP | EPOLLERR)) != 0;
  if (readable && connection->wantsInput()) receiveFrom(*connection, client->second.socket.get());
  settle(id);
}

void Server::acceptClients() {
  while (accepting_) {
    Descriptor socket(
        accept4(listener_.descriptor(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
    if (!socket) {
      if (errno == EINTR || errno == ECONNABORTED) continue;
      if (errno == EAGAIN || errno == EWOULDBLOCK) return;
      // Out of descriptors or memory: tried again at the next check of the time.
      accepting_ = false;
      epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, listener_.descriptor(), nullptr);
      return;
    }
    Connection* connection =
        nameWriters(socket.get(), writerLevel_) ? intake_.connect(now().ms()) : nullptr;
    if (connection == nullptr) {
      turnAway(std::move(socket));
      continue;
    }
    Client& client = clients_[connection->id()];
    client.socket = std::move(socket);
    watch(connection->id(), client, EPOLLIN);
  }
}

void Server::turnAway(Descriptor socket) {
  Output frame;
  intake_.writeTurnedAway(frame);
  // A fresh socket takes these few bytes at once; one that does not has no reader.
  ::send(socket.get(), frame.data(), frame.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
  const uint64_t id = nextTurnedAway_--;
  clients_[id].socket = std::move(socket);
  linger(id);
}

void Server::receiveFrom(Connection& connection, int socket) {
  for (unsigned turn = 0; turn < kReadsPerTurn && connection.wantsInput(); ++turn) {
    const Received received = receive(socket, buffer_, writerLevel_);
    switch (received.kind) {
      case Received::Kind::kNothing:
        return;
      case Received::Kind::kEnd:
        return connection.endInput();
      case Received::Kind::kUnknownWriter:
        return connection.violate({"writer-unknown",
                                   "the kernel does not name the process that wrote: it has ended, "
                                   "or this daemon cannot see it",
                                   Retry::kNever});
      case Received::Kind::kDescriptors:
        return connection.violate(
            {"descriptor-passed", "no descriptors are taken on this socket", Retry::kNever});
      case Received::Kind::kBytes:
        connection.receive(Bytes(buffer_).first(received.sizeBytes), received.writer, now());
    }
    if (received.sizeBytes < buffer_.size()) return;
  }
}

void Server::send(Connection& connection, int socket) {
  Outgoing& outgoing = connection.outgoing();
  bool moved = false;
  while (!outgoing.empty()) {
    const Bytes unsent = outgoing.unsent();
    const ssize_t size = ::send(socket, unsent.data(), unsent.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (size < 0 && errno == EINTR) continue;
    if (size < 0) {
      if (errno != EAGAIN && errno != EWOULDBLOCK) connection.endOutput();
      break;
    }
    outgoing.sent(static_cast<size_t>(size));
    moved = true;
  }
  if (moved && connection.waiting()) intake_.admitWaiting();
}

// Brings the socket in line with the connection: sends, watches, or closes.
void Server::settle(uint64_t id) {
  const auto client = clients_.find(id);
  Connection* connection = intake_.find(id);
  if (client == clients_.end() || connection == nullptr) return;
  if (client->second.lingeringSinceMs.has_value()) return;
  const int socket = client->second.socket.get();
  send(*connection, socket);
  connection->publish();
  if (connection->finished()) {
    linger(id);
    return intake_.socketClosed(*connection);
  }
  const uint32_t input = connection->wantsInput() ? uint32_t{EPOLLIN} : 0;
  const uint32_t output = connection->outgoing().empty() ? 0 : uint32_t{EPOLLOUT};
  watch(id, client->second, input | output);
}

void Server::linger(uint64_t id) {
  Client& client = clients_.at(id);
  shutdown(client.socket.get(), SHUT_WR);
  if (discard(client.socket.get()) || clients_.size() > clientsMax_) {
    clients_.erase(id);
    return;
  }
  client.lingeringSinceMs = now().ms();
  watch(id, client, EPOLLIN);
}

bool Server::discard(int socket) {
  for (unsigned turn = 0; turn < kReadsPerTurn; ++turn) {
    const ssize_t size = recv(socket, buffer_.data(), buffer_.size(), MSG_DONTWAIT);
    if (size < 0 && errno == EINTR) continue;
    if (size < 0) return errno != EAGAIN && errno != EWOULDBLOCK;
    if (size == 0) return true;
  }
  return false;
}

void Server::settleTouched() {
  // Settling one may touch others: room was made.
  for (auto touched = intake_.takeTouched(); !touched.empty(); touched = intake_.takeTouched()) {
    for (const uint64_t id : touched) settle(id);
  }
}

// A socket nothing is asked of is not watched at all: its hang-up would be reported without end.
void Server::watch(uint64_t id, Client& client, uint32_t events) {
  if (events == client.watched) return;
  epoll_event event{events, {.u64 = id}};
  const int operation = events == 0           ? EPOLL_CTL_DEL
                        : client.watched == 0 ? EPOLL_CTL_ADD
                                              : EPOLL_CTL_MOD;
  if (epoll_ctl(epoll_.get(), operation, client.socket.get(), &event) != 0) {
    throw std::system_error(errno, std::generic_category(), "epoll_ctl");
  }
  client.watched = events;
}

void Server::checkTime() {
  const int64_t nowMs = now().ms();
  if (nowMs - checkedAtMs_ < kCheckTimeMs) return;
  checkedAtMs_ = nowMs;
  intake_.checkTime(nowMs);
  std::erase_if(clients_, [nowMs](const auto& client) {
    const std::optional<int64_t>& since = client.second.lingeringSinceMs;
    return since.has_value() && nowMs - *since > kLingerTimeMs;
  });
  if (!accepting_ && !stoppedAtMs_.has_value()) {
    add(epoll_.get(), listener_.descriptor(), kListener);
    accepting_ = true;
  }
}

void Server::stop() {
  if (stoppedAtMs_.has_value()) return;
  stoppedAtMs_ = now().ms();
  accepting_ = false;
  listener_.close();
  intake_.stop();
}

void Server::closeAll() {
  listener_.close();
  clients_.clear();
}

bool Server::ended() const {
  if (!stoppedAtMs_.has_value()) return false;
  return intake_.idle() || now().ms() - *stoppedAtMs_ > drainTimeMs_;
}

}  // namespace kudurru::intake
