#include "core/intake/intake.h"

#include <algorithm>
#include <utility>

namespace kudurru::intake {
namespace {

// What a piece of work adds to its batch.
struct Size {
  uint64_t bytes = 0;
  uint64_t actions = 0;
};

Size sizeOf(const Work& work) {
  if (const auto* item = std::get_if<SubmitItem>(&work)) {
    return {item->frame.size(), item->parsed.envelopes.size()};
  }
  if (const auto* chunk = std::get_if<ChunkItem>(&work)) return {chunk->frame.size(), 0};
  return {};
}

size_t countOf(const Batch& batch) {
  return batch.chunks.size() + batch.items.size() + batch.requests.size();
}

void add(Batch& batch, Work&& work) {
  if (auto* item = std::get_if<SubmitItem>(&work)) {
    batch.items.push_back(std::move(*item));
  } else if (auto* chunk = std::get_if<ChunkItem>(&work)) {
    batch.chunks.push_back(std::move(*chunk));
  } else {
    batch.requests.push_back(std::move(std::get<SessionRequest>(work)));
  }
}

// A request to open or close a session is a signature and an entry too.
uint64_t costOf(const Work& work) { return kSubmissionCostBytes + sizeOf(work).bytes; }

}  // namespace

Intake::Intake(const Options& options, Environment& environment) : environment_(environment) {
  ledgerId = options.ledgerId;
  origin = options.origin;
  writerLevel = options.writerLevel;
  limits = options.limits;
}

Connection* Intake::connect(int64_t nowMs) {
  if (stopping_ || connections_.size() >= limits.connectionsMax) return nullptr;
  const uint64_t id = nextId_++;
  ++stats_.connectionsInAll;
  ConnectionHost& host = *this;
  Connection& connection =
      connections_.try_emplace(id, Entry{Connection(id, host, nowMs)}).first->second.connection;
  joinShare(connection, {});
  return &connection;
}

void Intake::writeTurnedAway(Output& out) {
  const Refusal refusal =
      stopping_
          ? Refusal{"stopping", "the daemon is stopping", Retry::kLater}
          : Refusal{"too-many-connections",
                    "there are '" + std::to_string(limits.connectionsMax) + "' connections already",
                    Retry::kLater};
  countRefusal(refusal.code);
  writeRefused(out, std::nullopt, refusal);
}

Connection* Intake::find(uint64_t id) {
  const auto found = connections_.find(id);
  return found == connections_.end() ? nullptr : &found->second.connection;
}

std::vector<uint64_t> Intake::takeTouched() {
  for (const uint64_t id : touched_) {
    if (Connection* connection = find(id)) connection->touched = false;
  }
  return std::exchange(touched_, {});
}

void Intake::socketClosed(Connection& connection) {
  connection.endInput();
  connection.endOutput();
  connections_.at(connection.id()).socketOpen = false;
  forgetIfDone(connection.id());
  admitWaiting();
}

void Intake::checkTime(int64_t nowMs) {
  for (auto& [id, entry] : connections_) {
    const bool wanted = entry.connection.wantsInput();
    const size_t owed = entry.connection.outgoing().sizeBytes();
    entry.connection.checkTime(nowMs);
    if (entry.connection.wantsInput() != wanted ||
        entry.connection.outgoing().sizeBytes() != owed) {
      touch(entry.connection);
    }
  }
  refuseLate(nowMs);
  admitWaiting();
}

// While the disk is slow nobody is left without an answer: what has waited for its batch for too
// long has left no trace, and is refused.
void Intake::refuseLate(int64_t nowMs) {
  std::vector<uint64_t> late;
  for (const auto& [id, entry] : connections_) {
    const std::optional<int64_t> sinceMs = entry.connection.queuedSinceMs();
    if (sinceMs.has_value() && nowMs - *sinceMs > limits.queueTimeMs) late.push_back(id);
  }
  const Refusal refusal{"overloaded",
                        "the ledger did not come to this submission within '" +
                            std::to_string(limits.queueTimeMs) + "' ms; nothing of it remains",
                        Retry::kLater};
  for (const uint64_t id : late) {
    Connection& connection = *find(id);
    const size_t count = connection.refuseQueued(refusal);
    queuedWork_ -= count;
    stats_.submissions += count;
    touch(connection);
    forgetIfDone(id);
  }
}

void Intake::bind(uint64_t id, const Binding& binding) {
  if (Connection* connection = find(id)) {
    if (connection->bind(binding)) joinShare(*connection, binding.key->kid);
    touch(*connection);
  }
}

void Intake::refuse(uint64_t id, const Refusal& refusal, std::optional<uint64_t> firstSequence,
                    bool end) {
  if (Connection* connection = find(id)) {
    connection->refuse(refusal, firstSequence, end);
    touch(*connection);
  }
}

void Intake::closeSession(uint64_t id, const Hash& sessionId, uint64_t actionCount) {
  if (Connection* connection = find(id)) {
    connection->closeSession(sessionId, actionCount);
    touch(*connection);
  }
}

void Intake::pushAnchored(uint64_t id, uint64_t firstSequence, Bytes receipt) {
  if (Connection* connection = find(id)) {
    connection->pushAnchored(firstSequence, receipt);
    connection->publish();
    touch(*connection);
  }
}

void Intake::stop() {
  stopping_ = true;
  for (auto& [id, entry] : connections_) {
    entry.connection.violate({"stopping", "the daemon is stopping", Retry::kLater});
    touch(entry.connection);
  }
  for (Share* share : waitingTurn_) {
    share->waiting.clear();
    share->inWaitingTurn = false;
  }
  waitingTurn_.clear();
  waiting_ = 0;
}

const Stats& Intake::stats() {
  stats_.connections = connections_.size();
  stats_.queuedItems = queuedWork_;
  stats_.waitingConnections = waiting_;
  stats_.agents = shares_.size() - shares_.count({});
  return stats_;
}

Share& Intake::shareOf(const Hash& kid) {
  Share& share = shares_[kid];
  share.kid = kid;
  return share;
}

void Intake::joinShare(Connection& connection, const Hash& kid) {
  Share* const before = connection.share;
  connection.share = &shareOf(kid);
  ++connection.share->connections;
  if (before == nullptr) return;
  --before->connections;
  leaveShare(*before);
}

void Intake::leaveShare(Share& share) {
  if (share.unused()) shares_.erase(Hash(share.kid));
}

void Intake::putInTurn(Share& share) {
  if (!std::exchange(share.inTurn, true)) turn_.push_back(&share);
}

void Intake::queued(Connection& connection) {
  ++queuedWork_;
  if (std::exchange(connection.listed, true)) return;
  connection.share->ready.push_back(connection.id());
  putInTurn(*connection.share);
}

// The connection whose turn it is; null where none of the agent's has work.
Connection* Intake::nextOf(Share& share) {
  for (; !share.ready.empty(); share.ready.pop_front()) {
    Connection* connection = find(share.ready.front());
    if (connection == nullptr) continue;
    if (!connection->queue().empty()) return connection;
    connection->listed = false;
  }
  return nullptr;
}

Work Intake::takeFrom(Share& share, Connection& connection) {
  Work work = std::move(connection.queue().front());
  connection.queue().pop_front();
  --queuedWork_;
  share.ready.pop_front();
  connection.listed = !connection.queue().empty();
  if (connection.listed) share.ready.push_back(connection.id());
  return work;
}

// Agents in turn, each by its connections in turn. Turns are of equal cost (deficit round robin):
// whoever sends large submissions, or many, or on many connections, delays another's single one by
// no more than a turn of each agent.
Batch Intake::takeBatch() {
  Batch batch;
  uint64_t actions = 0;
  while (!turn_.empty()) {
    Share& share = *turn_.front();
    Connection* connection = nextOf(share);
    if (connection == nullptr) {
      turn_.pop_front();
      share.inTurn = false;
      share.credit = 0;
      leaveShare(share);
      continue;
    }
    if (!fits(batch, connection->queue().front(), actions)) break;
    const uint64_t cost = costOf(connection->queue().front());
    if (share.credit < cost) {
      share.credit += kTurnCostBytes;
      turn_.pop_front();
      turn_.push_back(&share);
      continue;
    }
    share.credit -= cost;
    Work work = takeFrom(share, *connection);
    const Size size = sizeOf(work);
    batch.bytes += size.bytes;
    actions += size.actions;
    if (std::holds_alternative<SubmitItem>(work)) ++stats_.inBatches;
    add(batch, std::move(work));
    forgetIfDone(connection->id());
  }
  if (countOf(batch) != 0) ++stats_.batches;
  return batch;
}

bool Intake::fits(const Batch& batch, const Work& work, uint64_t actions) const {
  const size_t count = countOf(batch);
  if (count == 0) return true;
  if (count >= limits.batchItemsMax) return false;
  const Size size = sizeOf(work);
  if (size.bytes == 0) return true;
  return batch.bytes + size.bytes <= limits.batchBytesMax &&
         actions + size.actions <= limits.batchActionsMax;
}

void Intake::answer(Batch&& batch) {
  // A connection stays known while it has chunks or submissions in flight.
  for (const ChunkItem& chunk : batch.chunks) {
    Connection& connection = *find(chunk.connection);
    connection.release(chunk);
    touch(connection);
  }
  for (const SubmitItem& item : batch.items) {
    ++stats_.submissions;
    --stats_.inBatches;
    Connection& connection = *find(item.connection);
    connection.answer(item);
    touch(connection);
  }
  for (const ChunkItem& chunk : batch.chunks) forgetIfDone(chunk.connection);
  for (const SubmitItem& item : batch.items) forgetIfDone(item.connection);
  batch = {};
  admitWaiting();
}

void Intake::touch(Connection& connection) {
  if (std::exchange(connection.touched, true)) return;
  touched_.push_back(connection.id());
}

void Intake::forgetIfDone(uint64_t id) {
  const auto found = connections_.find(id);
  if (found == connections_.end()) return;
  Connection& connection = found->second.connection;
  const bool done =
      !found->second.socketOpen && connection.finished() && connection.queue().empty();
  if (!done) return;
  connection.publish();
  Share& share = *connection.share;
  connections_.erase(found);
  --share.connections;
  leaveShare(share);
}

}  // namespace kudurru::intake
