#include "canary.h"

#include <algorithm>
#include <array>

#include "invariants.h"

namespace kudurru::sim {
namespace {

constexpr std::array kCanaries = {
    CanaryFacts{Canary::kIndexTwice, "index-twice", kIndexNeverReused,
                "a receipt names indexes that another receipt has"},
    CanaryFacts{Canary::kNoJournalSync, "no-journal-sync", kNothingLost,
                "fdatasync of the journal does nothing"},
    CanaryFacts{Canary::kNoFolderSync, "no-folder-sync", kNothingLost,
                "fsync of the journal's folder does nothing"},
    CanaryFacts{Canary::kNoRecoverySync, "no-recovery-sync", kNothingLost,
                "fdatasync does nothing while the ledger opens"},
    CanaryFacts{Canary::kNoRecordSync, "no-record-sync", kRecordsKept,
                "fdatasync does nothing after a checkpoint or prepare record"},
    CanaryFacts{Canary::kLostWrite, "lost-write", kNothingLost,
                "one write of the journal is dropped"},
    CanaryFacts{Canary::kStrayByte, "stray-byte", kRecovers,
                "a byte is written behind the stop record"},
    CanaryFacts{Canary::kForkedCheckpoint, "forked-checkpoint", kOneRootForASize,
                "the closing checkpoint of an anchor is signed with another root"},
    CanaryFacts{Canary::kAlteredEntry, "altered-entry", kChainAndTreeAgree,
                "a byte of an entry changes between its hash and the disk"},
    CanaryFacts{Canary::kUnguardedClock, "unguarded-clock", kTimeNeverGoesBack,
                "receipts carry the clock's time, not the entry's"},
    CanaryFacts{Canary::kOtherReceipt, "other-receipt", kSameReceipt,
                "a retry is answered with the present root"},
    CanaryFacts{Canary::kSwappedAction, "swapped-action", kWholeStatements,
                "the first action of a statement stands in its last one's place, too"},
    CanaryFacts{Canary::kUnsigned, "unsigned", kSignedByItsAgent,
                "a batch's signatures are not checked"},
    CanaryFacts{Canary::kWrongScopeKey, "wrong-scope-key", kBodiesOpen,
                "a restart makes a new key for a scope that has one"},
    CanaryFacts{Canary::kAlteredTile, "altered-tile", kFsckIsClean,
                "a byte of a tile changes on its way to the disk"},
    CanaryFacts{Canary::kWrongProof, "wrong-proof", kProofsHold,
                "an inclusion proof is made for the entry beside"},
    CanaryFacts{Canary::kSwallowedAnswer, "swallowed-answer", kEachIsAnswered,
                "an answer is lost on a connection that stays"},
    CanaryFacts{Canary::kUnboundedIntake, "unbounded-intake", kMemoryIsBounded,
                "intake is given no bound for what it holds"},
    CanaryFacts{Canary::kForgedDisk, "forged-disk", kNoWrongData,
                "the last entry on the disk is replaced, with all checksums and the root"},
};

}  // namespace

std::span<const CanaryFacts> canaries() { return kCanaries; }

std::optional<CanaryFacts> findCanary(std::string_view name) {
  const auto found = std::ranges::find(kCanaries, name, &CanaryFacts::name);
  return found == kCanaries.end() ? std::nullopt : std::optional(*found);
}

}  // namespace kudurru::sim
