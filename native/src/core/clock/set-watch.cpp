#include "core/clock/set-watch.h"

#include <sys/timerfd.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <limits>

namespace kudurru::clock {
namespace {

int armForFarFuture(int fd) {
  itimerspec never{};
  // The last second that the kernel's 64 bits of nanoseconds reach, in the year 2262.
  never.it_value.tv_sec = std::numeric_limits<int64_t>::max() / 1'000'000'000;
  return timerfd_settime(fd, TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, &never, nullptr);
}

int readExpirations(int fd) {
  uint64_t expirations = 0;
  return static_cast<int>(::read(fd, &expirations, sizeof expirations));
}

}  // namespace

const TimerCalls& kernelTimerCalls() {
  static const TimerCalls calls{
      [] { return timerfd_create(CLOCK_REALTIME, TFD_NONBLOCK | TFD_CLOEXEC); },
      armForFarFuture,
      readExpirations,
      [](int fd) { ::close(fd); },
  };
  return calls;
}

SetWatch::SetWatch(const TimerCalls& calls) : calls_(calls), fd_(calls.create()) {
  if (fd_ < 0) {
    error_ = errno;
  } else {
    arm();
  }
}

SetWatch::~SetWatch() {
  if (fd_ >= 0) calls_.close(fd_);
}

SetWatch::News SetWatch::step() {
  if (calls_.read(fd_) >= 0) {  // the far future, where somebody set the clock that far
    arm();
    return error_ == 0 ? News::kSet : News::kFailed;
  }
  if (errno == EAGAIN || errno == EINTR) return News::kNone;
  if (errno != ECANCELED) {
    error_ = errno;
    return News::kFailed;
  }
  arm();
  return error_ == 0 ? News::kSet : News::kFailed;
}

void SetWatch::arm() {
  if (calls_.arm(fd_) < 0) error_ = errno;
}

}  // namespace kudurru::clock
