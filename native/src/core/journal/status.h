// The outcome of a journal or ledger call. A code names what a caller can act on; the message says
// what failed, then why. Codes cross the binding by name (`codeName`), so they are never renumbered
// by text and every one is documented with the daemon's error codes.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

namespace kudurru {

enum class Code : uint8_t {
  kOk,
  kDiskFull,        // nothing was written; may succeed once room is freed
  kIoFailed,        // a write, sync or read failed: what is on the platter is unknown until restart
  kCorrupt,         // durable bytes are not what was written
  kWrongLedger,     // the files belong to another ledger
  kUnknownFormat,   // written by a version that this one does not know
  kFolderLocked,    // another process has the state folder
  kFolderUnusable,  // missing, not writable, or on a file system that cannot preallocate
  kClosed,          // the object has ended, cleanly or by an earlier fatal error
  kTooLarge,        // over a named limit
  kNotFound,        // an index, size or key that the ledger does not hold
  kNotHeld,         // was in a segment that was retired: moved away
  kBadArgument,     // the caller broke the contract of the call
  kLookupDamaged,   // a derived file is not what was written; it is made again from the journal
};

// When the same call may be tried again.
enum class Retry : uint8_t { kNever, kLater, kRestart };

struct [[nodiscard]] Status {
  Code code = Code::kOk;
  std::string message;
  int systemError = 0;  // errno, 0 where no system call was to blame

  bool ok() const { return code == Code::kOk; }
  // A fatal status ends the object: memory and platter may differ, only recovery can tell.
  bool fatal() const { return code == Code::kIoFailed || code == Code::kCorrupt; }
};

inline Status failure(Code code, std::string message) { return {code, std::move(message), 0}; }

// `operation` names what was tried, with its file; the system's own text is appended.
Status systemFailure(Code code, const std::string& operation, int systemError);

std::string_view codeName(Code code);
Retry codeRetry(Code code);
std::string_view retryName(Retry retry);

}  // namespace kudurru
