// Checks a state folder from its bytes on disk alone: every record, the chain, every leaf hash and
// the root of each group, every statement's root and signature, every body against its commitment,
// and the tile files against the entries. Reads only; another process may be writing.
//
// A state machine without threads: `advance` prepares a round of jobs that do not depend on each
// other, `run` does one, on any thread. One of them puts the groups before in order and reads the
// next; the others check what was read and what came out of the order.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "core/fsck/fold.h"
#include "core/fsck/group-check.h"
#include "core/fsck/journal-walk.h"
#include "core/fsck/retired-scan.h"
#include "core/journal/state-lock.h"

namespace kudurru::fsck {

struct Options {
  std::string folder;
  uint64_t fromIndex = 0;      // bodies, signatures and tiles of entries before it are passed over
  uint64_t publishedSize = 0;  // of the published checkpoint: its tiles must be there
  Hash publishedRoot{};
  // Where an earlier check ended: the log must still have this root there.
  uint64_t resumedSize = 0;
  Hash resumedRoot{};
  bool checksBodies = true;
  bool checksSignatures = true;
  bool repairsTiles = false;  // writes wrong tile files anew, and takes the folder's lock for it
  uint32_t processId = 0;     // for that lock
  ScopeKeys scopeKeys;        // bodies of other scopes stay sealed
};

struct Report {
  LedgerId ledgerId{};
  uint64_t entries = 0;  // whole up to here
  Hash root{};           // over them
  uint64_t settled = 0;  // as far as all checks are done; another check may go on from here
  Hash settledRoot{};
  uint64_t entriesChecked = 0;
  uint64_t recovered = 0;     // of these, read from published bundles since their record is damaged
  uint64_t laterEntries = 0;  // whole ones behind damage that nothing bridges
  uint64_t bodies = 0;
  uint64_t bodiesOpened = 0;
  uint64_t bodiesRetired = 0;   // of retired segments: not here
  uint64_t retiredEntries = 0;  // of them, checked from their bundles
  uint64_t signatures = 0;
  uint64_t tiles = 0;  // files that were compared
  uint64_t tilesRepaired = 0;
  JournalFacts journal;
  bool isComplete = false;
};

class Fsck {
 public:
  Fsck(Storage& storage, Options options);

  // Errors: notFound, state-folder-locked, state-folder-unusable, journal-io-failed.
  Status begin();
  // Ends the round before and prepares the next; false at the end or after an error.
  bool advance();
  size_t jobCount() const { return jobs_.size(); }
  void run(size_t job) { jobs_[job](); }

  const Status& status() const { return status_; }
  Report report() const;
  const Findings& findings() const { return findings_; }
  std::vector<Evidence> takeEvidence() { return std::exchange(evidence_, {}); }

 private:
  struct Batch {
    JournalBatch journal;
    std::vector<std::unique_ptr<GroupCheck>> groups;  // of the items that are groups, in order
  };
  // What came out of the order, checked in the round after it.
  struct FollowUps {
    std::shared_ptr<Batch> batch;  // holds what the signatures point at
    std::vector<SignatureCheck> signatures;
    std::vector<TileCheck> tiles;
    std::vector<FollowUpResult> results;
    uint64_t size = 0;  // whole so far, with the root
    Hash root{};
  };

  void readAndFold();
  void fold(Batch& batch);
  void read(Batch& batch);
  void finish();
  void addRangeJobs();
  void addFollowUpJobs();
  void endRound();
  void takeResult(FollowUpResult result);
  bool isIdle() const;

  Storage& storage_;
  const Options options_;
  GroupCheckOptions groupOptions_;
  Findings findings_;
  JournalWalk walk_;
  RetiredScan retired_;
  std::unique_ptr<Fold> fold_;
  LedgerId ledgerId_{};
  std::unique_ptr<StateLock> lock_;
  std::shared_ptr<Batch> reading_, checking_, folding_, spare_;
  FollowUps followUps_;
  std::vector<std::function<void()>> jobs_;
  std::vector<Evidence> evidence_;
  uint64_t signatures_ = 0, tiles_ = 0, tilesRepaired_ = 0;
  uint64_t settled_ = 0;
  Hash settledRoot_{};
  bool isFolded_ = false;  // all that was read
  bool isComplete_ = false;
  Status status_;
};

// All of it on the calling thread.
Status check(Storage& storage, const Options& options, Report* report, Findings* findings);

// The ledger that the oldest segment names. notFound where there is no journal.
Status readLedgerId(Storage& storage, const std::string& stateFolder, LedgerId* ledgerId);

}  // namespace kudurru::fsck
