// Intake on real sockets: accepts, receives, sends, and tells the state machines. Whoever owns the
// thread calls step() again and again; wake() is the only call for other threads.
#pragma once

#include <memory>
#include <unordered_map>

#include "core/intake/intake.h"
#include "core/intake/linux-environment.h"
#include "core/intake/listener.h"
#include "core/intake/receive.h"

namespace kudurru::intake {

struct ServerOptions {
  ListenerOptions listener;
  Options intake;
};

class Server {
 public:
  static std::optional<SocketProblem> open(const ServerOptions& options,
                                           std::unique_ptr<Server>& server);
  ~Server();

  Intake& intake() { return intake_; }
  // Sends what is owed, waits for at most `timeoutMs` for something to happen, and does it.
  void step(int timeoutMs);
  // Ends the wait of the step under way, or of the next one.
  void wake();

  // Takes no more connections and no more frames.
  void stop();
  // After stop(): all answers were read, or the time for it is over.
  bool ended() const;
  // Closes all sockets; no step follows.
  void closeAll();

 private:
  struct Client {
    Descriptor socket;
    uint32_t watched = 0;  // epoll events asked for
    // The connection is over; what the client still sends is thrown away, so that it can read why.
    std::optional<int64_t> lingeringSinceMs;
  };

  explicit Server(const ServerOptions& options);

  void handle(uint64_t id, uint32_t events);
  void acceptClients();
  void turnAway(Descriptor socket);
  void receiveFrom(Connection& connection, int socket);
  void send(Connection& connection, int socket);
  void settle(uint64_t id);
  void linger(uint64_t id);
  // Whether the client is gone.
  bool discard(int socket);
  void settleTouched();
  void watch(uint64_t id, Client& client, uint32_t events);
  void checkTime();

  LinuxEnvironment environment_;
  const WriterLevel writerLevel_;
  const int64_t drainTimeMs_;
  const size_t clientsMax_;
  Intake intake_;
  Listener listener_;
  Descriptor epoll_;
  Descriptor wakeup_;
  std::unordered_map<uint64_t, Client> clients_;
  uint64_t nextTurnedAway_;  // stands for a connection's id where there is no connection
  std::vector<uint8_t> buffer_;
  int64_t checkedAtMs_;
  bool accepting_ = false;
  std::optional<int64_t> stoppedAtMs_;
};

}  // namespace kudurru::intake
