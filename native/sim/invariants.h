// What must hold after every step, by name, and how a checker says that it does not.
#pragma once

#include <string>
#include <string_view>

namespace kudurru::sim {

constexpr std::string_view kIndexNeverReused = "index-never-reused";
constexpr std::string_view kNothingLost = "nothing-acknowledged-lost";
constexpr std::string_view kRecordsKept = "records-kept";
constexpr std::string_view kRecovers = "recovers-by-itself";
constexpr std::string_view kOneRootForASize = "one-root-for-a-size";
constexpr std::string_view kChainAndTreeAgree = "chain-and-tree-agree";
constexpr std::string_view kTimeNeverGoesBack = "time-never-goes-back";
constexpr std::string_view kSameReceipt = "a-retry-gets-the-same-receipt";
constexpr std::string_view kWholeStatements = "statements-are-whole";
constexpr std::string_view kSignedByItsAgent = "signed-by-its-agent";
constexpr std::string_view kBodiesOpen = "bodies-open";
constexpr std::string_view kFsckIsClean = "fsck-is-clean";
constexpr std::string_view kProofsHold = "proofs-hold";
constexpr std::string_view kEachIsAnswered = "each-is-answered-once";
constexpr std::string_view kMemoryIsBounded = "memory-is-bounded";
constexpr std::string_view kNoWrongData = "no-wrong-data";

// Thrown where an invariant is found broken: ends the run.
struct Violation {
  std::string_view invariant;
  std::string message;
};

[[noreturn]] inline void violate(std::string_view invariant, std::string message) {
  throw Violation{invariant, std::move(message)};
}

inline void require(bool holds, std::string_view invariant, const std::string& message) {
  if (!holds) violate(invariant, message);
}

}  // namespace kudurru::sim
