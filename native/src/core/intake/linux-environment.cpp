#include "core/intake/linux-environment.h"

#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <sys/random.h>
#include <time.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <system_error>

#include "core/cbor/cbor.h"
#include "core/intake/descriptor.h"

namespace kudurru::intake {
namespace {

// Of /proc/<pid>/stat and /proc/<pid>/cgroup; what is longer counts as unknown.
constexpr size_t kProcFileBytesMax = 4096;
// Of starttime, counted behind the command's closing parenthesis (proc(5): field 22 of 52).
constexpr int kStartTimeField = 20;

std::optional<std::string> readFile(int folder, const char* name) {
  const Descriptor file(openat(folder, name, O_RDONLY | O_CLOEXEC));
  if (!file) return std::nullopt;
  std::array<char, kProcFileBytesMax> text;
  size_t size = 0;
  for (;;) {
    const ssize_t got = read(file.get(), text.data() + size, text.size() - size);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return std::nullopt;
    if (got == 0) break;
    size += static_cast<size_t>(got);
    if (size == text.size()) return std::nullopt;
  }
  return std::string(text.data(), size);
}

// The command may hold spaces and parentheses itself: only what follows the last one is fields.
std::optional<uint64_t> startTimeOf(int folder) {
  const std::optional<std::string> stat = readFile(folder, "stat");
  if (!stat.has_value()) return std::nullopt;
  size_t at = stat->rfind(')');
  for (int field = 0; field < kStartTimeField && at != std::string::npos; ++field) {
    at = stat->find(' ', at + 1);
  }
  if (at == std::string::npos) return std::nullopt;
  uint64_t ticks = 0;
  const char* end = stat->data() + stat->size();
  const auto [stop, error] = std::from_chars(stat->data() + at + 1, end, ticks);
  if (error != std::errc() || stop == end || *stop != ' ') return std::nullopt;
  return ticks;
}

// As SPEC.md §1 wants text; a name that is none counts as unknown.
std::optional<std::string> textOf(std::string_view bytes) {
  const auto isControl = [](char c) { return static_cast<uint8_t>(c) < 0x20 || c == 0x7f; };
  if (!cbor::isUtf8(bytesOf(bytes)) || std::ranges::any_of(bytes, isControl)) return std::nullopt;
  return std::string(bytes);
}

std::optional<std::string> exeOf(int folder) {
  std::array<char, PATH_MAX> path;
  const ssize_t size = readlinkat(folder, "exe", path.data(), path.size());
  if (size <= 0 || static_cast<size_t>(size) == path.size()) return std::nullopt;
  return textOf({path.data(), static_cast<size_t>(size)});
}

// The path in the unified hierarchy, or in systemd's own where there is none (cgroups(7)).
std::optional<std::string> cgroupOf(int folder) {
  const std::optional<std::string> lines = readFile(folder, "cgroup");
  if (!lines.has_value()) return std::nullopt;
  for (const std::string_view mark : {"0::", ":name=systemd:"}) {
    const size_t start = lines->find(mark);
    if (start == std::string::npos) continue;
    const std::string_view path = std::string_view(*lines).substr(start + mark.size());
    return textOf(path.substr(0, path.find('\n')));
  }
  return std::nullopt;
}

// A pidfd becomes readable when its process ends.
bool hasEnded(int pidfd) {
  pollfd watched{pidfd, POLLIN, 0};
  return poll(&watched, 1, 0) != 0;
}

int64_t read(clockid_t clock) {
  timespec time;
  clock_gettime(clock, &time);
  return int64_t{time.tv_sec} * 1'000'000'000 + time.tv_nsec;
}

}  // namespace

void LinuxEnvironment::fillRandom(MutableBytes bytes) {
  while (!bytes.empty()) {
    const ssize_t got = getrandom(bytes.data(), bytes.size(), 0);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) throw std::system_error(errno, std::generic_category(), "getrandom");
    bytes = bytes.subspan(static_cast<size_t>(got));
  }
}

WriterFacts LinuxEnvironment::lookAt(const Writer& writer, WriterLevel level) {
  WriterFacts facts;
  facts.writer = writer;
  facts.writer.pidfd = -1;
  facts.level = level;
  const std::string path = "/proc/" + std::to_string(writer.pid);
  // Held open, the folder stays that of this process: with its end, reads from it fail.
  const Descriptor folder(open(path.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!folder) return facts;
  const std::optional<uint64_t> startTime = startTimeOf(folder.get());
  std::optional<std::string> exe = exeOf(folder.get());
  std::optional<std::string> cgroup = cgroupOf(folder.get());
  // The process number may have passed to another process before the folder was opened. Without a
  // pidfd that cannot be told, which is what the level `credentials` says.
  if (writer.pidfd >= 0 && hasEnded(writer.pidfd)) return facts;
  facts.startTime = startTime;
  facts.exe = std::move(exe);
  facts.cgroup = std::move(cgroup);
  return facts;
}

Stamp now() { return {read(CLOCK_REALTIME), read(CLOCK_MONOTONIC_RAW)}; }

}  // namespace kudurru::intake
