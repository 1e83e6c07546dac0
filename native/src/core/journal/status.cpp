#include "core/journal/status.h"

#include <cstring>

namespace kudurru {

Status systemFailure(Code code, const std::string& operation, int systemError) {
  return {code, operation + ": " + std::strerror(systemError), systemError};
}

std::string_view codeName(Code code) {
  switch (code) {
    case Code::kOk:
      return "ok";
    case Code::kDiskFull:
      return "disk-full";
    case Code::kIoFailed:
      return "journal-io-failed";
    case Code::kCorrupt:
      return "journal-corrupt";
    case Code::kWrongLedger:
      return "journal-wrong-ledger";
    case Code::kUnknownFormat:
      return "journal-unknown-format";
    case Code::kFolderLocked:
      return "state-folder-locked";
    case Code::kFolderUnusable:
      return "state-folder-unusable";
    case Code::kClosed:
      return "ledger-closed";
    case Code::kTooLarge:
      return "record-too-large";
    case Code::kNotFound:
      return "not-found";
    case Code::kNotHeld:
      return "not-held";
    case Code::kBadArgument:
      return "bad-argument";
    case Code::kLookupDamaged:
      return "lookup-damaged";
  }
  return "bad-argument";
}

Retry codeRetry(Code code) {
  switch (code) {
    case Code::kDiskFull:
    case Code::kLookupDamaged:
      return Retry::kLater;
    case Code::kIoFailed:
    case Code::kClosed:
      return Retry::kRestart;
    default:
      return Retry::kNever;
  }
}

std::string_view retryName(Retry retry) {
  switch (retry) {
    case Retry::kNever:
      return "never";
    case Retry::kLater:
      return "later";
    case Retry::kRestart:
      return "restart";
  }
  return "never";
}

}  // namespace kudurru
