#include "core/clock/device-calls.h"

#include <fcntl.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <cerrno>

namespace kudurru::clock {

const DeviceCalls& kernelDeviceCalls() {
  static const DeviceCalls calls{
      [](const char* path) { return ::open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); },
      [](int fd, unsigned long request, void* argument) { return ::ioctl(fd, request, argument); },
      [](int fd) { ::close(fd); },
  };
  return calls;
}

OpenDevice::OpenDevice(const DeviceCalls& calls, const std::string& path)
    : calls_(calls), fd_(calls.open(path.c_str())), error_(fd_ < 0 ? errno : 0) {}

OpenDevice::~OpenDevice() {
  if (fd_ >= 0) calls_.close(fd_);
}

int OpenDevice::control(unsigned long request, void* argument) const {
  int result = 0;
  do {
    result = calls_.control(fd_, request, argument);
  } while (result < 0 && errno == EINTR);
  return result < 0 ? errno : 0;
}

}  // namespace kudurru::clock
