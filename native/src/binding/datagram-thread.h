// The thread that takes datagrams from one socket as they come, so that each is stamped when it
// comes and its server is never held up by JavaScript.
#pragma once

#include <napi.h>

#include <memory>
#include <mutex>
#include <thread>

#include "core/datagram/datagram-queue.h"

namespace kudurru::binding {

class DatagramThread {
 public:
  // `notify` is called when there is something to take, and last, with true, at the end.
  DatagramThread(std::unique_ptr<datagram::DatagramSocket> socket, size_t sizeBytesMax,
                 Napi::ThreadSafeFunction notify);
  ~DatagramThread();
  DatagramThread(const DatagramThread&) = delete;
  DatagramThread& operator=(const DatagramThread&) = delete;

  // Ends at once and waits for that. May be called again.
  void quit();

  struct Delivery {
    std::deque<datagram::Datagram> datagrams;
    uint64_t dropped = 0;
    int systemError = 0;  // why nothing more can be received; 0 while it can
  };
  Delivery take();

  // Of use to any thread: the kernel's own lock is enough for it.
  datagram::DatagramSocket& socket() { return *socket_; }

 private:
  void run();
  bool receiveAll();
  bool keep(const datagram::Received& received);

  const std::unique_ptr<datagram::DatagramSocket> socket_;
  std::vector<uint8_t> buffer_;
  Napi::ThreadSafeFunction notify_;
  std::mutex mutex_;
  bool quit_ = false;  // of mutex_, as are the next two
  int systemError_ = 0;
  datagram::DatagramQueue queue_;
  std::thread thread_;  // last: ends before what it uses
};

}  // namespace kudurru::binding
