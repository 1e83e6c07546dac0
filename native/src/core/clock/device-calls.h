// The system calls that reach a clock device, as values: what a kernel without such a device cannot
// show is shown by a test that answers in its place.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>

namespace kudurru::clock {

// Each gives what the system call gives: below zero, the errno is in `errno`.
struct DeviceCalls {
  std::function<int(const char* path)> open;  // read only
  std::function<int(int fd, unsigned long request, void* argument)> control;
  std::function<void(int fd)> close;
};

const DeviceCalls& kernelDeviceCalls();

// A device that is open for as long as this lives.
class OpenDevice {
 public:
  OpenDevice(const DeviceCalls& calls, const std::string& path);
  ~OpenDevice();
  OpenDevice(const OpenDevice&) = delete;
  OpenDevice& operator=(const OpenDevice&) = delete;

  // 0, or the errno of open(2).
  int error() const { return error_; }
  // 0, or the errno of ioctl(2); an interrupted call is made again.
  int control(unsigned long request, void* argument) const;

 private:
  const DeviceCalls& calls_;
  int fd_;
  int error_;
};

}  // namespace kudurru::clock
