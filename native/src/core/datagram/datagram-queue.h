// Datagrams between the thread that takes them from the socket and the program that wants them.
// Bounded by dropping, and counting what was dropped: a receiver that stops reading would hold up
// its server, which waits in its own send.
#pragma once

#include <deque>
#include <utility>
#include <vector>

#include "core/datagram/datagram-socket.h"

namespace kudurru::datagram {

struct Datagram {
  std::vector<uint8_t> bytes;
  bool truncated = false;
  std::optional<Sender> sender;
  std::string from;
  Stamp stamp;
};

class DatagramQueue {
 public:
  explicit DatagramQueue(size_t waitingMax) : waitingMax_(waitingMax) {}

  // Whether it is the first that waits.
  bool push(Datagram&& datagram) {
    if (waiting_.size() >= waitingMax_) {
      ++dropped_;
      return false;
    }
    waiting_.push_back(std::move(datagram));
    return waiting_.size() == 1;
  }

  std::deque<Datagram> takeAll() { return std::exchange(waiting_, {}); }
  // Datagrams dropped since this was last asked.
  uint64_t takeDropped() { return std::exchange(dropped_, 0); }

 private:
  const size_t waitingMax_;
  std::deque<Datagram> waiting_;
  uint64_t dropped_ = 0;
};

}  // namespace kudurru::datagram
