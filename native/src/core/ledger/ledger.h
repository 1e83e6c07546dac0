// The ledger of one state folder: applies batches in order, makes each durable with one sync before
// anybody is told, and reads back. Deterministic: what is local (times, salts, writer facts) is in
// the batch. Recovery replays the journal through the same LogState.
//
// State folder: lock; journal/ (the truth); snapshot/, lookup/ and tile/ (derived, made again when
// missing or damaged).
// Not thread-safe: one thread owns it. After a fatal status every call is refused.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "core/journal/journal.h"
#include "core/journal/state-lock.h"
#include "core/ledger/chunk-store.h"
#include "core/ledger/entry-clock.h"
#include "core/ledger/ledger-types.h"
#include "core/ledger/places.h"
#include "core/ledger/recent-entries.h"
#include "core/ledger/retired.h"
#include "core/ledger/seal-bodies.h"
#include "core/ledger/snapshot-keeper.h"
#include "core/tiles/merkle-proof.h"
#include "core/tiles/tile-store.h"

namespace kudurru {

class Ledger {
 public:
  // Errors: state-folder-locked, state-folder-unusable, disk-full, journal-*.
  static Status open(Storage& storage, const LedgerOptions& options,
                     std::unique_ptr<Ledger>* ledger, JournalReport* report);

  // Gives each item a receipt or a refusal. An error ends the ledger: nothing of the batch was
  // acknowledged, and only recovery can tell what of it is on the platter.
  Status apply(const ApplyInput& input, ApplyResult* result);
  // Durable on return. Not for groups and the stop record.
  Status appendRecord(RecordType type, Bytes bytes);
  // Everything written; the journal says that it ended in order.
  Status stop();

  const LedgerOpening& opening() const { return opening_; }
  // What happened to derived files since the last call, for the log of the daemon.
  std::vector<std::string> takeNotes() { return std::exchange(notes_, {}); }
  const LogState& state() const { return state_; }
  const HeldRange& held() const { return held_; }
  const ChunkCounts& chunkCounts() const { return chunks_.counts(); }
  EntryClock& clock() { return clock_; }
  void setScopeKey(const std::string& scope, const Hash& key) { scopeKeys_[scope] = key; }
  // Scopes of the batch's bodies that no key is known for.
  std::vector<std::string> missingScopes(const intake::Batch& batch) const;

  // notFound at or above the tree's size.
  Status readEntry(uint64_t index, std::vector<uint8_t>* entry);
  // Appends entries, each after its length (u16).
  Status readEntries(uint64_t first, uint64_t count, std::vector<uint8_t>* entries);
  // salt ‖ bytes. notFound: no such body, or no key for its scope; corrupt: does not open.
  Status openBody(uint64_t index, uint8_t field, std::vector<uint8_t>* plain);
  // The newest records of the type that `asked` allows, the oldest first.
  Status readRecords(RecordType type, const RecordsAsked& asked,
                     std::vector<StoredRecord>* records);
  // Size and root of the tree after the group that holds the entry.
  Status groupOf(uint64_t index, uint64_t* treeSize, Hash* root);
  NodeSource nodes();
  Status publish(uint64_t size);
  // Work that no receipt waits for, a file at a time: tiles that are full. Between batches.
  size_t filesBehind() const { return tiles_.filesBehind(state_.size()); }
  Status writeNextFile();
  // Size up to which the published files are to be made durable now, 0 where that is not due; and
  // what came of it: errno of Storage::syncFileSystem. For an owner with syncsTiles.
  uint64_t tilesToSync() const { return ended_ ? 0 : tiles_.sizeToSync(); }
  Status tilesSynced(uint64_t size, int error);
  bool wantsRoomWritten() const { return !ended_ && journal_->wantsRoomWritten(); }
  Status writeRoom();
  // A file of the tree that is missing or damaged; see TileStore. Errors: notFound.
  Status remakeTile(const TileName& name, std::vector<uint8_t>* bytes);
  uint64_t publishedSize() const { return tiles_.publishedSize(); }

 private:
  friend class Retirement;
  Ledger(Storage& storage, const LedgerOptions& options);
  Status prepareFolders();
  Status restore(uint64_t* tilesDurable);
  void takeStart(ReplayStart&& start, uint64_t* tilesDurable);
  Status replay(uint64_t tilesDurable);
  Status checkHeld();
  Status replayGroup(const Record& record);
  Status replayEntry(Bytes entry);

  Status applyItem(intake::SubmitItem& item, int64_t taiMinusUtcSeconds, ApplyResult* result);
  Status applyStatement(intake::SubmitItem& item, const EntryTime& time);
  Status repeat(intake::SubmitItem& item, const SessionState& session, ApplyResult* result);
  Status applySystem(SystemEntry& entry);
  intake::Refusal encodeSystem(const SystemEntry& entry, std::vector<uint8_t>* bytes) const;
  intake::Refusal checkBodies(const SystemEntry& entry, const EntryView& view) const;
  intake::Refusal checkPlace(const submission::Submission& parsed,
                             const SessionState* session) const;
  void seal(const SealedBody& body, Bytes salt, Bytes bytes);
  EntryHead headOf(EntryKind kind, const EntryTime& time) const;
  Status makeRoom(size_t bytes, bool fromReserve);
  Status writeGroup();
  Status settle(const OwedAnswer& answer);
  void noteStatement(uint64_t sessionIndex, uint64_t firstSequence);
  Status keepSnapshot();
  Status finishSnapshot();

  Status readGroup(uint64_t index, GroupView* group);
  Status lookUpGroup(uint64_t index, GroupView* group);
  Status lookUpRecords(RecordType type, const RecordsAsked& asked,
                       std::vector<StoredRecord>* records);
  Status readRecord(const Position& position, Record* record);
  // Runs the look-up again after the places were made again, where they were damaged.
  template <class LookUp>
  Status lookUp(LookUp&& attempt);
  Status rebuildPlaces();
  Status remakePlaces(uint64_t beforeRecord);
  Status fail(Status status);
  Status checkOpen() const;

  Storage& storage_;
  const LedgerOptions options_;
  std::unique_ptr<StateLock> lock_;
  std::unique_ptr<Journal> journal_;
  std::unique_ptr<Places> places_;
  TileStore tiles_;
  LogState state_;
  HeldRange held_;
  SnapshotKeeper snapshots_;
  Position lastGroup_;
  LedgerOpening opening_;
  std::vector<std::string> notes_;
  BodyCipher cipher_;
  ScopeKeys scopeKeys_;
  ChunkStore chunks_;
  EntryClock clock_;
  bool hasBooted_ = false;  // this run's boot entry stands in the log
  std::optional<Status> ended_;

  // The batch under way.
  GroupBuilder group_;
  bool groupFromReserve_ = false;
  std::vector<GroupFacts> groups_;
  std::vector<OwedAnswer> answers_;
  RecentEntries recent_;
  LastRead read_;
};

}  // namespace kudurru
