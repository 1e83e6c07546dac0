// Retired segments: the oldest of the journal, moved to another folder. A record of the journal
// says which they are before the first of them goes; it is appended again before its own segment is
// retired. Entries of theirs are read from the published entry bundles from then on.
//
//   0 version u8, 1 | 1 zeros 3 | 4 first segment u32 | 8 their count u32
//   12 first index that stays u64 | 20 number of the first record that stays u64
//   28 length u16, the folder's path | then the SHA-256 of each of the files
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "core/journal/segment-file.h"

namespace kudurru {

// By one record: its payload fits the smallest segment.
constexpr uint32_t kRetiredAtOnceMax = 512;
constexpr size_t kRetiredPathBytesMax = 4096;

struct RetiredMark {
  uint32_t firstSegment = 0;
  uint64_t firstIndex = 0;   // the first entry that stays in the journal
  uint64_t firstRecord = 0;  // the first record that does
  std::string folder;
  std::vector<Hash> files;  // the segments from `firstSegment` on

  // The oldest that stays.
  uint32_t nextSegment() const { return firstSegment + static_cast<uint32_t>(files.size()); }
  // What to do to have them again.
  std::string advice() const;
};

std::vector<uint8_t> encodeRetired(const RetiredMark& mark);
// Total: nothing for bytes that encodeRetired did not write.
std::optional<RetiredMark> decodeRetired(Bytes bytes);

// What of the log the journal begins with; all zero where nothing is missing.
struct HeldRange {
  uint32_t firstSegment = 0;
  uint64_t firstIndex = 0;
  uint64_t firstRecord = 0;
  std::string advice;  // how to have the rest again

  bool isWhole() const { return firstSegment == 0; }
  // notHeld, for `what` was in a retired segment.
  Status gone(const std::string& what) const;
};

// Where the journal would begin with this segment: its first record, and the first group from there
// on.
Status findHeld(Storage& storage, const SegmentPath& from, const LedgerId& ledgerId,
                HeldRange* held);
// Whether what is missing before `held` is of what the mark lets go.
bool allows(const RetiredMark& mark, const HeldRange& held);
// What a start is refused with, where no record does.
Status missingBefore(const HeldRange& held, const std::string& stateFolder);
// The same where it has neither a snapshot nor the log's beginning: which segments it needs again.
struct LedgerPlace {
  std::string folder;
  LedgerId ledgerId{};
};
Status askForRetired(Storage& storage, const LedgerPlace& ledger, const HeldRange& held);

// Digest and length of a segment's file.
struct FileFacts {
  Hash digest{};
  uint64_t bytes = 0;
};
Status readFileFacts(Storage& storage, const std::string& path, FileFacts* facts);

// Moves one segment of the mark out of `journal`, if it is still there: by rename, or, to another
// file system, copied, synced and compared before it is removed. Whatever a crash leaves, the same
// call finishes it. `bytes` are those that were freed.
Status moveRetired(Storage& storage, const std::string& journal, const RetiredMark& mark,
                   uint32_t segment, uint64_t* bytes);

}  // namespace kudurru
