// A Unix datagram socket bound to a path of its own, so that a server can answer it: what Node does
// not have. Every datagram comes with the process that the kernel names as its sender, the path it
// was sent from, and the clocks as they stood when it was taken from the socket.
//
// Descriptors that somebody sends along never enter this process. Nothing here waits but `wait`.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "core/bytes.h"
#include "core/intake/descriptor.h"

namespace kudurru::datagram {

// CLOCK_REALTIME between two reads of CLOCK_MONOTONIC_RAW, in nanoseconds.
struct Stamp {
  int64_t rawBeforeNs = 0;
  int64_t realtimeNs = 0;
  int64_t rawAfterNs = 0;
};

struct Sender {
  int32_t pid = 0;  // 0: none that this process can name
  uint32_t uid = 0;
  uint32_t gid = 0;
};

struct Received {
  enum class Kind : uint8_t { kDatagram, kNothing, kFailed };
  Kind kind = Kind::kNothing;
  size_t sizeBytes = 0;
  bool truncated = false;  // it was longer than the buffer
  std::optional<Sender> sender;
  std::string from;  // path; '@' and a name in the abstract space; empty: an unbound socket
  Stamp stamp;
  int systemError = 0;  // of kFailed
};

// What failed, and its errno.
struct Problem {
  const char* operation;
  int systemError;
};

class DatagramSocket {
 public:
  // Makes a socket file at `path` with `mode`. A file that a process left there which is gone is
  // replaced; one that somebody has is EADDRINUSE.
  static std::optional<Problem> open(const std::string& path, mode_t mode,
                                     std::unique_ptr<DatagramSocket>& opened);
  DatagramSocket(const DatagramSocket&) = delete;
  DatagramSocket& operator=(const DatagramSocket&) = delete;
  // Takes the file away, unless another has been put there since.
  ~DatagramSocket();

  // One datagram to the socket at `to`. 0 or an errno; EAGAIN where the receiver's queue is full.
  int send(const std::string& to, Bytes bytes);
  // The next datagram, if there is one.
  Received receive(MutableBytes buffer);
  // Until there is something to receive, or `wake` was called.
  void wait();
  void wake();

 private:
  DatagramSocket(std::string path, intake::Descriptor socket, intake::Descriptor wakeup);

  const std::string path_;
  const intake::Descriptor socket_;
  const intake::Descriptor wakeup_;
  dev_t device_ = 0;
  ino_t inode_ = 0;
};

}  // namespace kudurru::datagram
