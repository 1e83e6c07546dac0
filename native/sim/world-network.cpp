// The simulated socket: what server.cpp does with epoll, here with bytes in two buffers.
#include <algorithm>

#include "core/frame/frame-parser.h"
#include "core/journal/big-endian.h"
#include "world.h"

namespace kudurru::sim {

void World::connectAgents() {
  for (size_t number = 0; number < agents_.size(); ++number) {
    if (agents_[number]->isConnected()) continue;
    intake::Connection* connection = daemon_->intake().connect(context_.clock.ms());
    if (connection == nullptr) continue;
    const auto line = std::make_shared<Line>();
    line->connection = connection->id();
    line->writer = {static_cast<int32_t>(100 + number), 1, 1, 1'000 + number, -1};
    lines_.push_back(line);
    agents_[number]->connect(line);
  }
}

void World::deliver(Line& line, uint64_t most) {
  intake::Connection* connection = daemon_->intake().find(line.connection);
  if (connection == nullptr || !connection->wantsInput()) return;
  const size_t count = std::min<size_t>(most, line.toDaemon.size());
  if (count != 0) {
    const std::vector<uint8_t> bytes(line.toDaemon.begin(),
                                     line.toDaemon.begin() + static_cast<ptrdiff_t>(count));
    line.toDaemon.erase(line.toDaemon.begin(),
                        line.toDaemon.begin() + static_cast<ptrdiff_t>(count));
    connection->receive(
        bytes, line.writer,
        {context_.clock.realtimeNs(), static_cast<int64_t>(context_.clock.monotonicNs)});
  }
  if (line.agentLeft && line.toDaemon.empty()) connection->endInput();
}

void World::flush(Line& line, uint64_t most) {
  intake::Intake& intake = daemon_->intake();
  intake::Connection* connection = intake.find(line.connection);
  if (connection == nullptr) {
    line.daemonLeft = true;
    return;
  }
  intake::Outgoing& outgoing = connection->outgoing();
  if (line.agentLeft) {
    connection->endOutput();
  } else if (!outgoing.empty()) {
    Bytes unsent = outgoing.unsent();
    if (context_.is(Canary::kSwallowedAnswer)) {
      const auto type = static_cast<frame::Type>(unsent[frame::kLengthBytes]);
      if (!context_.canaryUsed && history_.size() > 60 && type == frame::Type::kCommitted) {
        context_.canaryUsed = true;
        outgoing.sent(frame::kLengthBytes + get32(unsent.data()));
        unsent = outgoing.unsent();
      }
      most = UINT64_MAX;  // whole frames only
    }
    const Bytes some = unsent.first(std::min<size_t>(most, unsent.size()));
    line.toAgent.insert(line.toAgent.end(), some.begin(), some.end());
    outgoing.sent(some.size());
  }
  if (connection->waiting()) intake.admitWaiting();
  if (!connection->finished()) return;
  line.daemonLeft = true;
  intake.socketClosed(*connection);
}

// Some bytes of one connection, or all of all.
void World::exchange(bool everything) {
  daemon_->intake().takeTouched();
  if (everything) {
    for (const auto& line : lines_) {
      deliver(*line, UINT64_MAX);
      flush(*line, UINT64_MAX);
    }
  } else if (!lines_.empty()) {
    Line& line = *lines_[context_.schedule.below(lines_.size())];
    const uint64_t most = context_.schedule.between(1, context_.schedule.percent(20) ? 64 : 16'384);
    if (context_.schedule.percent(60)) {
      deliver(line, most);
    } else {
      flush(line, most);
    }
  }
  std::erase_if(lines_, [](const auto& line) { return line->daemonLeft; });
}

}  // namespace kudurru::sim
