// The listening socket of the agents: made at a path, or handed over open.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>

#include "core/intake/descriptor.h"
#include "core/intake/writer.h"

namespace kudurru::intake {

// Codes: "socket-path-too-long", "socket-unusable".
struct SocketProblem {
  const char* code;
  std::string message;
};

struct ListenerOptions {
  std::string path;
  mode_t mode = 0600;
  // An open listening socket (systemd's); −1: one is made at `path`.
  int descriptor = -1;
  WriterLevel writerLevel = WriterLevel::kCredentials;
};

class Listener {
 public:
  // A socket file that nobody listens on is the leavings of a dead daemon and is replaced: the
  // caller holds the lock of the state folder. Anything else at the path is left alone. The file
  // has its mode before the first client can connect.
  static std::optional<SocketProblem> open(const ListenerOptions& options, Listener& listener);

  int descriptor() const { return socket_.get(); }
  // Takes no more connections, and removes the socket file if it is still this one.
  void close();

 private:
  Descriptor socket_;
  std::string path_;  // empty: not made here
  dev_t device_ = 0;
  ino_t inode_ = 0;
};

}  // namespace kudurru::intake
