// Puts checked groups in order: chain, sessions, tree and the root of each group, and what follows
// from them. Where a group is missing or contradicts the log, its entries are looked for in the
// published entry bundles, which the chain proves; without them the rest is judged by itself.
#pragma once

#include <deque>
#include <memory>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "core/fsck/evidence.h"
#include "core/fsck/follow-up.h"
#include "core/fsck/group-check.h"
#include "core/fsck/head-history.h"
#include "core/fsck/journal-walk.h"
#include "core/fsck/root-history.h"
#include "core/ledger/log-state.h"

namespace kudurru::fsck {

struct FoldOptions {
  std::string folder;  // the state folder
  uint64_t fromIndex = 0;
  uint64_t publishedSize = 0;  // of the published checkpoint
  Hash publishedRoot{};
  uint64_t resumedSize = 0;  // of an earlier check
  Hash resumedRoot{};
  bool checksSignatures = true;
};

struct FoldCounts {
  uint64_t bodies = 0;
  uint64_t bodiesOpened = 0;
  uint64_t bodiesRetired = 0;  // moved away with their segments
  uint64_t recovered = 0;      // entries whose record is damaged, read from published bundles
  uint64_t laterEntries = 0;   // behind damage, judged by themselves
};

class Fold {
 public:
  Fold(Storage& storage, FoldOptions options, const LedgerId& ledgerId, Findings& findings);

  void takeGroup(GroupCheck& group);
  void takeRecord(const JournalItem& item, Bytes payload);
  void takeGap() { isDamaged_ = true; }
  // No more comes.
  void finish();

  uint64_t size() const { return state_.size(); }
  // The log is whole up to here: nothing before it was missing or read from elsewhere.
  uint64_t wholeSize() const { return wholeSize_; }
  const Hash& wholeRoot() const { return wholeRoot_; }
  const FoldCounts& counts() const { return counts_; }
  // The newest record of a retirement.
  const std::optional<RetiredMark>& retired() const { return retired_; }

  // What came up since the last call.
  std::vector<SignatureCheck> takeSignatures() { return std::exchange(signatures_, {}); }
  std::vector<TileCheck> takeTiles() { return std::exchange(tiles_, {}); }
  std::vector<Evidence> takeEvidence() { return std::exchange(evidence_, {}); }

 private:
  // The last entry of a group whose root is not what the entries give: the next group's first entry
  // tells which of the two is wrong.
  struct Held {
    std::vector<uint8_t> bytes;
    Hash leafHash{};
    Finding finding;
  };

  bool fits(const GroupCheck& group);
  bool appendAll(const GroupCheck& group);
  bool appendRetired(const GroupCheck& group);
  bool append(const GroupCheck& group, const CheckedEntry& entry);
  void note(const GroupCheck& group, const CheckedEntry& entry);
  void noteKey(const EntryView& entry);
  void noteHead(const EntryView& statement);
  void noteStatement(const GroupCheck& group, const CheckedEntry& entry);
  void takeLeaf(Bytes entry);
  void takeFullTiles();
  void endGroup(const GroupCheck& group, const Hash& root);
  void checkResumed(const GroupCheck& group, const Hash& root);
  void settleHeld(const Hash* link);
  bool bridge(uint64_t until, const Hash* link, const Hash* root);
  bool readPublished(uint64_t until, std::vector<std::vector<uint8_t>>* entries);
  void judgeAlone(const GroupCheck& group);
  uint32_t widthPublished(unsigned level, uint64_t index) const;

  Storage& storage_;
  const FoldOptions options_;
  Findings& findings_;
  LogState state_;
  RootHistory roots_;
  HeadHistory heads_;
  std::optional<Held> held_;
  bool isDamaged_ = false;  // something is missing, or was read from elsewhere
  uint64_t wholeSize_ = 0;
  Hash wholeRoot_{};
  FoldCounts counts_;
  std::optional<RetiredMark> retired_;
  std::unordered_map<uint64_t, AgentKey> keys_;  // by the enrolment's index
  TileCheck bundle_;                             // the entries of the present bundle
  std::vector<SignatureCheck> signatures_;
  std::vector<TileCheck> tiles_;
  std::vector<Evidence> evidence_;
};

}  // namespace kudurru::fsck
