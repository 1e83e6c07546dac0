// The process that the kernel names as the writer of received bytes: not the one that connected,
// and not the one that holds the descriptor now.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace kudurru::intake {

// SPEC.md §7: what the kernel can tell of a writer.
enum class WriterLevel : uint8_t {
  kCredentials = 1,  // SCM_CREDENTIALS
  kPidfd = 2,        // and SCM_PIDFD
  kPidfdInode = 3,   // and a pidfd whose inode is never used twice in a boot (Linux 6.9)
};

struct Writer {
  int32_t pid = 0;  // 0: none that this process can name
  uint32_t uid = 0;
  uint32_t gid = 0;
  uint64_t inode = 0;  // 0 below kPidfdInode
  // Open only while the bytes it came with are handed in; −1 otherwise. Whoever needs it longer
  // duplicates it.
  int pidfd = -1;

  // A process that changes its user is another writer: it asks for another principal.
  bool same(const Writer& other) const {
    return pid == other.pid && uid == other.uid && gid == other.gid && inode == other.inode;
  }
};

// The writer of an `open` frame, looked at when the frame arrived. What could not be read, or may
// have been another process's by then, is none.
struct WriterFacts {
  Writer writer;
  WriterLevel level = WriterLevel::kCredentials;
  std::optional<uint64_t> startTime;  // clock ticks since boot
  std::optional<std::string> exe;
  std::optional<std::string> cgroup;  // its path
};

}  // namespace kudurru::intake
