// Learns from the kernel when somebody sets CLOCK_REALTIME (settimeofday, clock_settime, a step by
// adjtimex, resuming from suspend): a timer on that clock is cancelled then. Step-driven: whoever
// owns it waits for its descriptor.
#pragma once

#include <functional>

namespace kudurru::clock {

// timerfd_create(2) and its kin; each gives what the system call gives.
struct TimerCalls {
  std::function<int()> create;      // on CLOCK_REALTIME, non-blocking
  std::function<int(int fd)> arm;   // for the far future, cancelled when the clock is set
  std::function<int(int fd)> read;  // takes what has happened
  std::function<void(int fd)> close;
};

const TimerCalls& kernelTimerCalls();

class SetWatch {
 public:
  enum class News { kNone, kSet, kFailed };

  explicit SetWatch(const TimerCalls& calls);
  ~SetWatch();
  SetWatch(const SetWatch&) = delete;
  SetWatch& operator=(const SetWatch&) = delete;

  // 0, or the errno because of which nothing is watched.
  int error() const { return error_; }
  // Readable when there is news.
  int fd() const { return fd_; }
  // What happened since the last step; goes on watching. Several sets may be one piece of news.
  News step();

 private:
  void arm();

  const TimerCalls& calls_;
  int fd_;
  int error_ = 0;
};

}  // namespace kudurru::clock
