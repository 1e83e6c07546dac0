#include "binding/datagram-thread.h"

#include <pthread.h>

#include <utility>

namespace kudurru::binding {
namespace {

// A server that pushes an event at each sync, of which there may be 128 a second, fills it in two
// seconds: JavaScript that sleeps for longer has lost the time anyway, and is told so.
constexpr size_t kWaitingMax = 256;

}  // namespace

using datagram::Received;

DatagramThread::DatagramThread(std::unique_ptr<datagram::DatagramSocket> socket,
                               size_t sizeBytesMax, Napi::ThreadSafeFunction notify)
    : socket_(std::move(socket)),
      buffer_(sizeBytesMax),
      notify_(std::move(notify)),
      queue_(kWaitingMax),
      thread_([this] { run(); }) {}

DatagramThread::~DatagramThread() { quit(); }

void DatagramThread::quit() {
  if (!thread_.joinable()) return;
  {
    const std::lock_guard lock(mutex_);
    quit_ = true;
  }
  socket_->wake();
  thread_.join();
}

DatagramThread::Delivery DatagramThread::take() {
  const std::lock_guard lock(mutex_);
  return {queue_.takeAll(), queue_.takeDropped(), systemError_};
}

void DatagramThread::run() {
  pthread_setname_np(pthread_self(), "datagram");
  do {
    socket_->wait();
  } while (receiveAll());
  notify_.Release();
}

// Whether there is more to wait for.
bool DatagramThread::receiveAll() {
  while (true) {
    const Received received = socket_->receive(buffer_);
    const bool isDatagram = received.kind == Received::Kind::kDatagram;
    if (isDatagram || received.kind == Received::Kind::kFailed) {
      if (keep(received)) notify_.NonBlockingCall();
    }
    const std::lock_guard lock(mutex_);
    if (quit_ || systemError_ != 0) return false;
    if (!isDatagram) return true;
  }
}

// Whether JavaScript has to be told.
bool DatagramThread::keep(const Received& received) {
  const std::lock_guard lock(mutex_);
  if (received.kind == Received::Kind::kFailed) {
    systemError_ = received.systemError;
    return true;
  }
  const auto end = buffer_.begin() + static_cast<ptrdiff_t>(received.sizeBytes);
  return queue_.push(
      {{buffer_.begin(), end}, received.truncated, received.sender, received.from, received.stamp});
}

}  // namespace kudurru::binding
