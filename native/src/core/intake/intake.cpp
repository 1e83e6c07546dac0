#include "core/intake/intake.h"

#include <algorithm>
#include <utility>

namespace kudurru::intake {
namespace {

const SubmitItem* submissionIn(const Work& work) { return std::get_if<SubmitItem>(&work); }

// Half of the room must be free before somebody who waited goes on: otherwise each answer would
// wake a connection for one frame.
size_t watermark(size_t max, bool waited) { return waited ? max / 2 : max; }

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
  return &connections_.try_emplace(id, Entry{Connection(id, host, nowMs)}).first->second.connection;
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
  admitWaiting();
}

void Intake::bind(uint64_t id, const Binding& binding) {
  if (Connection* connection = find(id)) {
    connection->bind(binding);
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
  waiting_.clear();
}

const Stats& Intake::stats() {
  stats_.connections = connections_.size();
  stats_.queuedItems = queuedWork_;
  stats_.waitingConnections = waiting_.size();
  return stats_;
}

void Intake::queued(Connection& connection) {
  ++queuedWork_;
  if (std::exchange(connection.listed, true)) return;
  ready_.push_back(connection.id());
}

// One piece of work of each connection in turn, so that a busy one delays nobody by more than its
// share.
Batch Intake::takeBatch() {
  Batch batch;
  uint64_t actions = 0;
  while (!ready_.empty()) {
    const uint64_t id = ready_.front();
    Connection* connection = find(id);
    if (connection != nullptr && !connection->queue().empty()) {
      if (!fits(batch, connection->queue().front(), actions)) break;
      Work work = std::move(connection->queue().front());
      connection->queue().pop_front();
      --queuedWork_;
      if (SubmitItem* item = std::get_if<SubmitItem>(&work)) {
        batch.bytes += item->frame.size();
        actions += item->parsed.envelopes.size();
        batch.items.push_back(std::move(*item));
      } else {
        batch.requests.push_back(std::move(std::get<SessionRequest>(work)));
      }
    }
    ready_.pop_front();
    if (connection == nullptr) continue;
    connection->listed = !connection->queue().empty();
    if (connection->listed) ready_.push_back(id);
    forgetIfDone(id);
  }
  if (!batch.items.empty() || !batch.requests.empty()) ++stats_.batches;
  return batch;
}

bool Intake::fits(const Batch& batch, const Work& work, uint64_t actions) const {
  const SubmitItem* item = submissionIn(work);
  const size_t count = batch.items.size() + batch.requests.size();
  if (count == 0) return true;
  if (count >= limits.batchItemsMax) return false;
  if (item == nullptr) return true;
  return batch.bytes + item->frame.size() <= limits.batchBytesMax &&
         actions + item->parsed.envelopes.size() <= limits.batchActionsMax;
}

void Intake::answer(Batch&& batch) {
  for (const SubmitItem& item : batch.items) {
    ++stats_.submissions;
    // A connection stays known while it has submissions in flight.
    Connection& connection = *find(item.connection);
    connection.answer(item);
    touch(connection);
  }
  for (const SubmitItem& item : batch.items) forgetIfDone(item.connection);
  batch = {};
  admitWaiting();
}

bool Intake::connectionHasRoom(const Connection& connection, size_t sizeBytes) const {
  const bool waited = connection.waiting();
  const size_t inFlight = connection.inFlight();
  const size_t held = connection.heldBytes;
  return connection.outgoingBytes() <= limits.outgoingBytesHigh &&
         (inFlight == 0 || inFlight < watermark(limits.inFlightMax, waited)) &&
         (held == 0 || held + sizeBytes <= watermark(limits.connectionBytesMax, waited));
}

bool Intake::totalHasRoom(size_t sizeBytes) const {
  return stats_.heldBytes == 0 ||
         stats_.heldBytes + sizeBytes <= watermark(limits.totalBytesMax, crowded_);
}

bool Intake::admit(Connection& connection, size_t sizeBytes) {
  const bool connectionRoom = connectionHasRoom(connection, sizeBytes);
  const bool totalRoom = totalHasRoom(sizeBytes);
  // While others wait for room in all, newcomers wait behind them.
  if (connectionRoom && totalRoom && (!crowded_ || stats_.heldBytes == 0)) {
    account(connection, static_cast<int64_t>(sizeBytes));
    return true;
  }
  if (!totalRoom) crowded_ = true;
  waiting_.push_back(connection.id());
  return false;
}

void Intake::account(Connection& connection, int64_t sizeBytes) {
  connection.heldBytes += static_cast<size_t>(sizeBytes);
  stats_.heldBytes += static_cast<uint64_t>(sizeBytes);
}

// In turn. Once one cannot have room in all, nobody behind it may take that room: a large frame is
// not starved by small ones.
void Intake::admitWaiting() {
  const std::deque<uint64_t> turn = std::exchange(waiting_, {});
  bool full = false;
  for (const uint64_t id : turn) {
    Connection* connection = find(id);
    if (connection == nullptr || !connection->waiting()) continue;
    const size_t sizeBytes = connection->waitingBytes();
    if (full || !connectionHasRoom(*connection, sizeBytes)) {
      waiting_.push_back(id);
    } else if (!totalHasRoom(sizeBytes)) {
      full = true;
      crowded_ = true;
      waiting_.push_back(id);
    } else {
      crowded_ = false;
      account(*connection, static_cast<int64_t>(sizeBytes));
      // May put it into waiting_ again, with its next frame.
      connection->resume();
      touch(*connection);
    }
  }
  if (waiting_.empty()) crowded_ = false;
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
  if (done) connections_.erase(found);
}

}  // namespace kudurru::intake
