// Bugs that can be switched on, each placed in what stands around the product's code here: the
// disk, the daemon's twin, the network. Each must be caught by the invariant it names; that is what
// shows that the checker of this invariant can fail.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace kudurru::sim {

enum class Canary : uint8_t {
  kNone,
  kIndexTwice,
  kNoJournalSync,
  kNoFolderSync,
  kNoRecoverySync,
  kNoRecordSync,
  kLostWrite,
  kStrayByte,
  kForkedCheckpoint,
  kAlteredEntry,
  kUnguardedClock,
  kOtherReceipt,
  kSwappedAction,
  kUnsigned,
  kWrongScopeKey,
  kAlteredTile,
  kWrongProof,
  kSwallowedAnswer,
  kUnboundedIntake,
  kForgedDisk,
};

struct CanaryFacts {
  Canary canary;
  std::string_view name;
  std::string_view invariant;  // that must catch it
  std::string_view bug;
};

// All but kNone.
std::span<const CanaryFacts> canaries();
std::optional<CanaryFacts> findCanary(std::string_view name);

}  // namespace kudurru::sim
