// Memory for frames: who gets it, who waits for it, and in which turns what becomes free is given.
#include <algorithm>
#include <utility>

#include "core/intake/intake.h"

namespace kudurru::intake {
namespace {

// Half of the room must be free before somebody who waited goes on: otherwise each answer would
// wake a connection for one frame.
size_t watermark(size_t max, bool waited) { return waited ? max / 2 : max; }

}  // namespace

bool Intake::connectionHasRoom(const Connection& connection, size_t sizeBytes) const {
  const bool waited = connection.waiting();
  const size_t inFlight = connection.inFlight();
  const size_t held = connection.heldBytes;
  const size_t ofAgent = connection.share->heldBytes;
  return connection.outgoingBytes() <= limits.outgoingBytesHigh && connection.chunkHasRoom() &&
         (inFlight == 0 || inFlight < watermark(limits.inFlightMax, waited)) &&
         (held == 0 || held + sizeBytes <= watermark(limits.connectionBytesMax, waited)) &&
         (ofAgent == 0 || ofAgent + sizeBytes <= watermark(limits.agentBytesMax, waited));
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
  wait(connection);
  return false;
}

void Intake::wait(Connection& connection) {
  Share& share = *connection.share;
  share.waiting.push_back(connection.id());
  ++waiting_;
  if (!std::exchange(share.inWaitingTurn, true)) waitingTurn_.push_back(&share);
}

void Intake::account(Connection& connection, int64_t sizeBytes) {
  connection.heldBytes += static_cast<size_t>(sizeBytes);
  connection.share->heldBytes += static_cast<size_t>(sizeBytes);
  stats_.heldBytes += static_cast<uint64_t>(sizeBytes);
  stats_.heldBytesHighest = std::max(stats_.heldBytesHighest, stats_.heldBytes);
}

// Agents in turn, a frame each, until nobody's next frame has room. Once one cannot have room in
// all, nobody behind it may take that room: a large frame is not starved by small ones.
void Intake::admitWaiting() {
  size_t fruitless = 0;
  for (Share* share : waitingTurn_) share->toLookAt = share->waiting.size();
  while (fruitless < waitingTurn_.size()) {
    Share& share = *waitingTurn_.front();
    const Admitted admitted = admitOne(share);
    if (admitted == Admitted::kRoomIsOut) break;
    fruitless = admitted == Admitted::kOne ? 0 : fruitless + 1;
    waitingTurn_.pop_front();
    share.inWaitingTurn = !share.waiting.empty();
    if (share.inWaitingTurn) {
      waitingTurn_.push_back(&share);
    } else {
      leaveShare(share);
    }
  }
  if (waiting_ == 0) crowded_ = false;
}

// Looks at each connection once in a pass: one that goes on may wait again, with its next frame.
Intake::Admitted Intake::admitOne(Share& share) {
  while (share.toLookAt > 0) {
    const uint64_t id = share.waiting.front();
    Connection* connection = find(id);
    const bool waits = connection != nullptr && connection->waiting();
    const size_t sizeBytes = waits ? connection->waitingBytes() : 0;
    const bool hasRoom = waits && connectionHasRoom(*connection, sizeBytes);
    if (hasRoom && !totalHasRoom(sizeBytes)) {
      crowded_ = true;
      return Admitted::kRoomIsOut;
    }
    --share.toLookAt;
    share.waiting.pop_front();
    if (waits && !hasRoom) {
      share.waiting.push_back(id);
      continue;
    }
    --waiting_;
    if (!waits) continue;
    crowded_ = false;
    account(*connection, static_cast<int64_t>(sizeBytes));
    connection->resume();
    touch(*connection);
    return Admitted::kOne;
  }
  return Admitted::kNobody;
}

}  // namespace kudurru::intake
