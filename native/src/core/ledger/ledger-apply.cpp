// Applying a batch: check, encode, chain, seal; one group record (more only where a batch is longer
// than a record may be); one sync; then the answers. A refused item leaves nothing: every check
// comes before the first change, and the room in the journal is taken before an entry is made.
#include <algorithm>

#include "core/body/commitment.h"
#include "core/cbor/writer.h"
#include "core/entry/entry-fields.h"
#include "core/ledger/chunks.h"
#include "core/ledger/ledger.h"
#include "core/submission/statement.h"

namespace kudurru {
namespace {

using intake::Refusal;

constexpr uint64_t kNsPerSecond = 1'000'000'000;
// A group longer than this is written and the next begun: it bounds the memory of a batch.
constexpr uint64_t kGroupBytesMax = uint64_t{16} << 20;

Refusal refusalOf(const Status& status) {
  const Retry retry = codeRetry(status.code);
  return {codeName(status.code).data(), status.message, static_cast<intake::Retry>(retry)};
}

Refusal refuse(const char* code, std::string message) {
  return {code, std::move(message), intake::Retry::kNever};
}

Refusal notBooted() {
  return {"not-ready", "this run of the daemon has no boot entry yet", intake::Retry::kLater};
}

size_t bytesOf(const submission::Submission& submission) {
  size_t bytes = submission.statement.cose.size() + kEntryOverheadBytesMax;
  for (const submission::Envelope& envelope : submission.envelopes) {
    bytes += envelope.bytes.size() + kEntryOverheadBytesMax;
  }
  for (const submission::Body& body : submission.bodies) {
    bytes += kBodyOverheadBytesMax +
             (body.isLarge() ? chunkListBytes(body.length) : body.length + kSealedOverheadBytes);
  }
  return bytes;
}

}  // namespace

Status Ledger::apply(const ApplyInput& input, ApplyResult* result) {
  *result = {};
  Status status = checkOpen();
  if (!status.ok()) return status;
  groups_.clear();
  answers_.clear();
  group_.begin(state_.size());
  result->firstIndex = state_.size();
  if (input.batch != nullptr) {
    for (const intake::ChunkItem& chunk : input.batch->chunks) {
      const auto key = scopeKeys_.find(chunk.body->scope);
      const bool isKept = hasBooted_ && key != scopeKeys_.end();
      if (status.ok()) status = chunks_.store(chunk, isKept ? &key->second : nullptr, *journal_);
    }
    for (intake::SubmitItem& item : input.batch->items) {
      if (status.ok() && !item.refusal) status = applyItem(item, input.taiMinusUtcSeconds, result);
    }
  }
  if (input.system != nullptr) {
    for (SystemEntry& entry : *input.system) {
      if (status.ok()) status = applySystem(entry);
    }
  }
  if (status.ok()) status = writeGroup();
  if (status.ok()) status = journal_->sync();
  if (status.ok() && places_->isDamaged()) status = rebuildPlaces();
  for (const OwedAnswer& answer : answers_) {
    if (status.ok()) status = settle(answer);
  }
  if (status.ok()) status = places_->writeHeld();
  if (status.ok()) status = keepSnapshot();
  result->treeSize = state_.size();
  result->root = state_.root();
  if (!status.ok()) ended_ = status;
  return status;
}

// An error is the whole batch's; what concerns the item alone becomes its refusal.
Status Ledger::applyItem(intake::SubmitItem& item, int64_t taiMinusUtcSeconds,
                         ApplyResult* result) {
  const submission::Statement& statement = item.parsed.statement;
  const SessionState* session = state_.findSession(statement.sessionId);
  if (session != nullptr && statement.firstSequence < session->nextSequence) {
    return repeat(item, *session, result);
  }
  const uint64_t receivedNs = static_cast<uint64_t>(item.realtimeNs) +
                              static_cast<uint64_t>(taiMinusUtcSeconds) * kNsPerSecond;
  const EntryTime time = clock_.timeOf({receivedNs, static_cast<uint64_t>(item.monotonicRawNs)},
                                       state_.applianceState(options_.appliance));
  item.refusal = item.unlessRepeated;
  if (!item.refusal) item.refusal = checkPlace(item.parsed, session);
  if (!item.refusal) item.refusal = checkLargeBodies(item);
  if (!item.refusal) item.refusal = clock_.refusalOf(session->agentIndex, time);
  if (!item.refusal) {
    Status room = makeRoom(bytesOf(item.parsed), false);
    if (room.fatal()) return room;
    if (!room.ok()) item.refusal = refusalOf(room);
  }
  ++(item.refusal ? result->refused : result->accepted);
  if (item.refusal) return {};
  return applyStatement(item, time);
}

Refusal Ledger::checkPlace(const submission::Submission& parsed,
                           const SessionState* session) const {
  const submission::Statement& statement = parsed.statement;
  if (!hasBooted_) return notBooted();
  if (!std::ranges::equal(statement.ledgerId, options_.ledgerId)) {
    return refuse("ledger-mismatch", "the statement names another ledger");
  }
  if (session == nullptr) return refuse("session-unknown", "the ledger has no such open session");
  if (statement.firstSequence > session->nextSequence) {
    return refuse("sequence-gap", "the session's next sequence number is " +
                                      std::to_string(session->nextSequence) + ", not " +
                                      std::to_string(statement.firstSequence));
  }
  if (!std::ranges::equal(statement.previousStatementHash, session->previousStatementHash)) {
    return refuse("previous-statement-mismatch",
                  "the statement does not name the session's statement before it");
  }
  for (const submission::Body& body : parsed.bodies) {
    if (scopeKeys_.contains(std::string(body.scope))) continue;
    return {"scope-key-missing", "the erasure scope has no key yet", intake::Retry::kLater};
  }
  return {};
}

Status Ledger::applyStatement(intake::SubmitItem& item, const EntryTime& time) {
  const submission::Statement& statement = item.parsed.statement;
  const uint64_t sessionIndex = state_.findSession(statement.sessionId)->index;
  const StatementFields fields{sessionIndex, item.writerLevel, statement.cose};
  const EntryHead head = headOf(EntryKind::kStatement, time);
  answers_.push_back({&item, state_.size()});
  item.receipt.firstIndex = state_.size();
  item.receipt.count = statement.actionCount;
  item.receipt.time.clear();
  encodeTime(time, item.receipt.time);
  Status status = state_.append(
      group_.addEntry([&](std::vector<uint8_t>& out) { encodeStatement(head, fields, out); }));
  if (!status.ok()) return status;
  noteStatement(sessionIndex, statement.firstSequence);
  const uint32_t firstAction = group_.entryCount();
  const ActionEncoder encoder(head, sessionIndex, item.writerLevel);
  state_.appendActions(head, [&](uint64_t number, const Hash& previousLeafHash) {
    return group_.addEntry([&](std::vector<uint8_t>& out) {
      encoder.encode(previousLeafHash, statement.firstSequence + number,
                     item.parsed.envelopes[number].bytes, out);
    });
  });
  if (item.sealed.empty()) sealBodies(item, scopeKeys_, cipher_);
  chunks_.list(item);
  group_.addBodies(item.sealed, firstAction);
  return {};
}

void Ledger::seal(const SealedBody& body, Bytes salt, Bytes bytes) {
  const Hash& key = scopeKeys_.at(std::string(body.scope));
  const MutableBytes sealed = group_.addBody(body, bytes.size() + kSealedOverheadBytes);
  cipher_.seal({key, body.digest}, salt, bytes, sealed);
}

// The same statement at the same place gets the receipt that it had; another is refused.
Status Ledger::repeat(intake::SubmitItem& item, const SessionState& session, ApplyResult* result) {
  const submission::Statement& statement = item.parsed.statement;
  StatementPlace place;
  Status status = failure(Code::kNotFound, "no statement of the session is in the journal");
  if (session.lastStatement) {
    status = places_->findStatement(*session.lastStatement, statement.firstSequence, &place);
  }
  const bool isGone =
      status.code == Code::kNotFound || (status.ok() && place.index < held_.firstIndex);
  if (!held_.isWhole() && isGone) {
    item.refusal = refusalOf(held_.gone("the receipt of this statement"));
    ++result->refused;
    return {};
  }
  std::vector<uint8_t> entry;
  if (status.ok() && place.index >= group_.firstIndex()) {
    const Bytes made = group_.entry(static_cast<uint32_t>(place.index - group_.firstIndex()));
    entry.assign(made.begin(), made.end());
  } else if (status.ok()) {
    status = readEntry(place.index, &entry);
  }
  if (status.code == Code::kLookupDamaged) {
    item.refusal = {"not-ready", "lookup files are made again first", intake::Retry::kLater};
    ++result->refused;
    return {};
  }
  if (!status.ok()) return status;
  const auto view = decodeEntry(entry);
  const auto fields = view ? readStatementFields(view->fields) : std::nullopt;
  if (!fields) return failure(Code::kCorrupt, "a statement was written that cannot be read");
  if (place.firstSequence != statement.firstSequence ||
      !std::ranges::equal(fields->cose, statement.cose)) {
    item.refusal = refuse("sequence-taken", "another statement stands at sequence number " +
                                                std::to_string(statement.firstSequence));
    ++result->refused;
    return {};
  }
  item.receipt.firstIndex = place.index;
  item.receipt.count = statement.actionCount;
  item.receipt.time.assign(view->time.begin(), view->time.end());
  answers_.push_back({&item, place.index});
  ++result->repeated;
  return {};
}

Status Ledger::settle(const OwedAnswer& answer) {
  intake::Receipt& receipt = answer.item->receipt;
  for (const GroupFacts& group : groups_) {
    if (answer.statementIndex < group.firstIndex || answer.statementIndex >= group.treeSize) {
      continue;
    }
    receipt.treeSize = group.treeSize;
    receipt.root = group.root;
    return {};
  }
  return groupOf(answer.statementIndex, &receipt.treeSize, &receipt.root);
}

Status Ledger::applySystem(SystemEntry& entry) {
  std::vector<uint8_t> bytes;
  entry.refusal = encodeSystem(entry, &bytes);
  if (entry.refusal) return {};
  size_t needed = bytes.size() + 2;
  for (const PrivateBody& body : entry.bodies) {
    needed += body.bytes.size() + kSealedOverheadBytes + kBodyOverheadBytesMax;
  }
  const Status room = makeRoom(needed, shapeOf(entry.kind)->mayUseReserve);
  if (room.fatal()) return room;
  if (!room.ok()) {
    entry.refusal = refusalOf(room);
    return {};
  }
  entry.index = state_.size();
  const Status status = state_.append(group_.addEntry(
      [&](std::vector<uint8_t>& out) { out.insert(out.end(), bytes.begin(), bytes.end()); }));
  entry.leafHash = state_.lastLeafHash();
  for (const PrivateBody& body : entry.bodies) {
    const Hash digest = commitmentDigest(body.salt, body.field, body.bytes);
    seal({group_.entryCount() - 1, body.field, kSystemScope, digest, {}}, body.salt, body.bytes);
  }
  hasBooted_ = hasBooted_ || entry.kind == static_cast<uint8_t>(EntryKind::kBoot);
  return status;
}

// The entry's bytes as they would be appended next, or why they cannot be.
Refusal Ledger::encodeSystem(const SystemEntry& entry, std::vector<uint8_t>* bytes) const {
  const auto shape = shapeOf(entry.kind);
  const EntryKind kind = static_cast<EntryKind>(entry.kind);
  cbor::Reader reader(entry.fields);
  const uint64_t count = reader.readArray({0, 32});
  if (!shape || kind == EntryKind::kStatement || kind == EntryKind::kAction || !reader.ok() ||
      count != shape->fieldCount) {
    return refuse("entry-malformed", "not the fields of a system entry of this kind");
  }
  EntryTime time =
      clock_.timeOf({entry.taiNs, entry.monotonicRawNs}, state_.applianceState(options_.appliance));
  if (kind == EntryKind::kGenesis) {
    time.bootIndex = 1;
  } else if (kind == EntryKind::kBoot) {
    time.bootIndex = state_.size();
  } else if (!hasBooted_ && kind != EntryKind::kRestore) {
    // A restore lets a run begin that would be refused without it.
    return notBooted();
  }
  const Bytes fields = Bytes(entry.fields).subspan(reader.offset());
  encodeEntry(headOf(kind, time), count, fields, *bytes);
  const auto view = decodeEntry(*bytes);
  if (!view) return refuse("entry-malformed", "the fields do not make an entry of this kind");
  const Status fits = state_.check(*view);
  if (!fits.ok()) return refuse("entry-out-of-place", fits.message);
  return checkBodies(entry, *view);
}

// The bodies are exactly what the entry says is deposited.
Refusal Ledger::checkBodies(const SystemEntry& entry, const EntryView& view) const {
  const auto commitments = readCommitments(view);
  if (!commitments) return refuse("entry-malformed", "the commitments are not of their form");
  const auto deposited = std::ranges::count_if(*commitments, &CommitmentField::deposited);
  if (static_cast<size_t>(deposited) != entry.bodies.size()) {
    return refuse("entry-malformed", "as many bodies as deposited commitments are needed");
  }
  for (const PrivateBody& body : entry.bodies) {
    const Hash digest = commitmentDigest(body.salt, body.field, body.bytes);
    const auto found = std::ranges::find_if(*commitments, [&](const CommitmentField& commitment) {
      return commitment.deposited && commitment.field == body.field &&
             commitment.length == body.bytes.size() &&
             std::ranges::equal(commitment.digest, digest);
    });
    if (found == commitments->end()) {
      return refuse("entry-malformed", "a body does not match its commitment");
    }
  }
  if (!entry.bodies.empty() && !scopeKeys_.contains(std::string(kSystemScope))) {
    return {"scope-key-missing", "the scope 'system' has no key yet", intake::Retry::kLater};
  }
  return {};
}

EntryHead Ledger::headOf(EntryKind kind, const EntryTime& time) const {
  return {kind, state_.lastLeafHash(), time, options_.appliance};
}

Status Ledger::makeRoom(size_t bytes, bool fromReserve) {
  const uint64_t most = std::min(kGroupBytesMax, journal_->payloadBytesMax());
  if (!group_.empty() && group_.bytes() + bytes > most) {
    Status status = writeGroup();
    if (!status.ok()) return status;
  }
  Status status = journal_->makeRoom(group_.bytes() + bytes, fromReserve);
  if (status.ok()) groupFromReserve_ = groupFromReserve_ || fromReserve;
  return status;
}

Status Ledger::writeGroup() {
  if (group_.empty()) return {};
  const GroupFacts facts{group_.firstIndex(), state_.size(), state_.root()};
  Position position;
  const std::span<const Bytes> payload = group_.finish(facts.root);
  Status status = journal_->append({RecordType::kGroup, payload, groupFromReserve_}, &position);
  // Room was taken for it: a refusal here would leave the state ahead of the journal.
  if (!status.ok()) return {Code::kIoFailed, status.message, status.systemError};
  recent_.append(facts.firstIndex, payload[1]);
  groups_.push_back(facts);
  places_->addGroup({facts.firstIndex, position});
  lastGroup_ = position;
  group_.begin(state_.size());
  groupFromReserve_ = false;
  return tiles_.add(state_.tree().takeFullTiles());
}

}  // namespace kudurru
