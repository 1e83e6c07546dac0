// What of a group can be judged from its own bytes: entries and envelopes of their form, leaf
// hashes, the root that each statement signs, bodies against commitments. Cut into ranges that
// depend on nothing but the group, so that any number of threads work on one; of large bodies, the
// records before it that hold their chunks are read for it.
#pragma once

#include <string>
#include <unordered_map>
#include <vector>

#include "core/entry/entry.h"
#include "core/fsck/finding.h"
#include "core/ledger/group.h"

namespace kudurru::fsck {

using ScopeKeys = std::unordered_map<std::string, Hash>;

struct GroupCheckOptions {
  uint64_t fromIndex = 0;  // bodies of entries before it are passed over
  bool checksBodies = true;
  const ScopeKeys* scopeKeys = nullptr;  // bodies of other scopes stay sealed
  uint32_t firstSegment = 0;             // chunks in segments before it were retired
  Storage* storage = nullptr;            // for the chunks of large bodies
  std::string journalFolder;
};

struct CheckedEntry {
  Bytes bytes;
  EntryView view;
  Hash leafHash{};
  bool isGood = false;
};

struct BodyCounts {
  uint64_t bodies = 0;
  uint64_t opened = 0;
  uint64_t retired = 0;  // went with their segments
};

// Entries from `first` up to `last`, moved to where statements begin.
struct GroupRange {
  uint32_t first = 0;
  uint32_t last = 0;
  std::vector<Finding> findings;
  BodyCounts counts;
};

// The payload stays where it is for as long as this lives.
class GroupCheck {
 public:
  // Retired: made of entry bundles (RetiredScan), without bodies and without a root. `position`
  // then has the offset of its first entry in its bundle.
  GroupCheck(const Position& position, Bytes payload, bool isRetired = false);

  bool isRetired() const { return isRetired_; }

  const Position& position() const { return position_; }
  // False: the payload is no group, and there is nothing more to check.
  bool isGroup() const { return view_.has_value(); }
  const GroupView& view() const { return *view_; }
  const std::vector<CheckedEntry>& entries() const { return entries_; }
  std::vector<GroupRange>& ranges() { return ranges_; }

  // Safe for different ranges at once.
  void check(const GroupCheckOptions& options, size_t range);

  Finding damage(const char* code, uint32_t place, std::string message) const;

 private:
  friend class RangeCheck;

  Finding damageInBundle(const char* code, uint32_t place, std::string message) const;

  const Position position_;
  const bool isRetired_;
  std::optional<GroupView> view_;
  Bytes payload_;
  std::vector<CheckedEntry> entries_;
  std::vector<SealedBody> bodies_;
  std::vector<GroupRange> ranges_;
};

}  // namespace kudurru::fsck
