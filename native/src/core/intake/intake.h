// All connections together: who may still send, whose work goes into the next batch, what is owed
// to whom. Driven step by step by whoever does the I/O (server.h, the tests, a simulation); one
// thread.
#pragma once

#include <deque>
#include <map>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "core/intake/connection.h"
#include "core/intake/share.h"

namespace kudurru::intake {

// What a simulation replaces.
class Environment {
 public:
  virtual ~Environment() = default;
  // Unpredictable bytes for challenges.
  virtual void fillRandom(MutableBytes bytes) = 0;
  virtual WriterFacts lookAt(const Writer& writer, WriterLevel level) = 0;
};

struct Options {
  Hash ledgerId{};
  std::string origin;
  WriterLevel writerLevel = WriterLevel::kCredentials;
  Limits limits;
};

struct Stats {
  uint64_t connections = 0;  // now
  uint64_t connectionsInAll = 0;
  uint64_t queuedItems = 0;       // received and not in a batch yet
  uint64_t inBatches = 0;         // submissions taken in a batch and not answered yet
  uint64_t heldBytes = 0;         // from admission to answer
  uint64_t heldBytesHighest = 0;  // since the start
  uint64_t outgoingBytes = 0;     // answers not yet read
  uint64_t agents = 0;            // with a session on a connection
  uint64_t waitingConnections = 0;
  uint64_t batches = 0;
  uint64_t submissions = 0;                  // answered
  std::map<std::string, uint64_t> refusals;  // by code
};

class Intake final : private ConnectionHost {
 public:
  Intake(const Options& options, Environment& environment);

  // --- the socket's side ---
  // Null when there are as many connections as may be, or after stop(): see writeTurnedAway.
  Connection* connect(int64_t nowMs);
  void writeTurnedAway(Output& out);
  Connection* find(uint64_t id);
  // Lets those go on for whom there is room again; after answers were read.
  void admitWaiting();
  // The socket is closed: forgets the connection as soon as its work has been taken.
  void socketClosed(Connection& connection);
  void checkTime(int64_t nowMs);
  // Connections whose input or output may have changed since the last call, by id.
  std::vector<uint64_t> takeTouched();

  // --- the pipeline's side ---
  bool hasWork() const { return queuedWork_ != 0; }
  // Empty when there is no work.
  Batch takeBatch();
  // Each item has a refusal or a receipt.
  void answer(Batch&& batch);
  void bind(uint64_t id, const Binding& binding);
  void refuse(uint64_t id, const Refusal& refusal, std::optional<uint64_t> firstSequence, bool end);
  void closeSession(uint64_t id, const Hash& sessionId, uint64_t actionCount);
  void pushAnchored(uint64_t id, uint64_t firstSequence, Bytes receipt);
  // From now on the ledger takes nothing new: each submission is refused with this, unless it is a
  // repeat, which gets its receipt. With no refusal they are taken again.
  void refuseSubmissions(Refusal refusal) { closedWith = std::move(refusal); }

  // Takes no more input. What was received stays in force and is answered.
  void stop();
  // Nothing is owed any more.
  bool idle() const { return connections_.empty() && queuedWork_ == 0; }

  const Stats& stats();

 private:
  struct Entry {
    Connection connection;
    bool socketOpen = true;
  };

  bool admit(Connection& connection, size_t sizeBytes) override;
  void account(Connection& connection, int64_t sizeBytes) override;
  void queued(Connection& connection) override;
  void withdrawn(Connection&) override { --queuedWork_; }
  void accountOutgoing(int64_t sizeBytes) override {
    stats_.outgoingBytes += static_cast<uint64_t>(sizeBytes);
  }
  bool outgoingHasRoom(size_t sizeBytes) const override {
    return stats_.outgoingBytes + sizeBytes <= limits.outgoingTotalBytesMax;
  }
  void countRefusal(const char* code) override { ++stats_.refusals[code]; }
  void fillRandom(MutableBytes bytes) override { environment_.fillRandom(bytes); }
  WriterFacts lookAt(const Writer& writer) override {
    return environment_.lookAt(writer, writerLevel);
  }

  enum class Admitted : uint8_t { kNobody, kOne, kRoomIsOut };

  Share& shareOf(const Hash& kid);
  void joinShare(Connection& connection, const Hash& kid);
  void leaveShare(Share& share);
  void putInTurn(Share& share);
  Connection* nextOf(Share& share);
  Work takeFrom(Share& share, Connection& connection);
  void refuseLate(int64_t nowMs);
  void wait(Connection& connection);
  Admitted admitOne(Share& share);
  bool connectionHasRoom(const Connection& connection, size_t sizeBytes) const;
  bool totalHasRoom(size_t sizeBytes) const;
  bool fits(const Batch& batch, const Work& work, uint64_t actions) const;
  void touch(Connection& connection);
  void forgetIfDone(uint64_t id);

  Environment& environment_;
  std::unordered_map<uint64_t, Entry> connections_;
  uint64_t nextId_ = 1;
  Shares shares_;
  std::deque<Share*> turn_;         // agents with work, in turn
  std::deque<Share*> waitingTurn_;  // agents with connections that wait for room, in turn
  size_t waiting_ = 0;              // connections that wait
  bool crowded_ = false;            // the room of all together ran out
  size_t queuedWork_ = 0;
  bool stopping_ = false;
  std::vector<uint64_t> touched_;
  Stats stats_;
};

}  // namespace kudurru::intake
