// A simulated agent with a real key: opens sessions, submits signed statements, tries again after
// a lost connection, closes, and misbehaves now and then. It believes only what it has read.
#pragma once

#include <deque>
#include <memory>
#include <vector>

#include "context.h"
#include "core/frame/frame-parser.h"
#include "history.h"
#include "line.h"
#include "signing-agent.h"

namespace kudurru::sim {

struct AgentHabits {
  uint64_t actionsMax = 4;
  uint64_t bodyBytesMax = 400;
  uint64_t inFlightMax = 6;
  uint32_t misbehavesPercent = 4;
};

class Agent {
 public:
  Agent(Context& context, History& history, uint64_t number, const LedgerId& ledgerId);

  AgentHabits habits;

  const bench::SigningAgent& identity() const { return identity_; }
  bool isConnected() const { return line_ != nullptr; }
  // The daemon has taken the connection.
  void connect(std::shared_ptr<Line> line);
  // One thing that an agent does of its own accord. `calm`: nothing new, only what is owed.
  void act(bool calm);
  // Reads what has arrived, and notices that the daemon hung up.
  void listen();
  // Nothing that it submitted is without a receipt.
  bool isSettled() const { return acknowledged_ == made_.size() && stage_ != Stage::kClosing; }
  std::string describe() const;

 private:
  enum class Stage : uint8_t { kOffline, kGreeting, kOpening, kBound, kClosing };
  // What a submission that is under way must be answered with.
  struct Awaited {
    uint64_t firstSequence = 0;
    size_t made = 0;  // place in made_, where isGood
    bool isGood = true;
    std::string code;  // the refusal, where it is not good
  };

  void send(frame::Type type, Bytes payload);
  void sendOpen(Bytes welcome);
  void submitNext();
  void submitAgain(size_t made);
  void misbehave();
  void submitBad(uint64_t kind);
  void leave();
  void make();
  MadeStatement makeStatement(uint64_t firstSequence, const Hash& previous);
  std::vector<uint8_t> makeEnvelope(uint32_t action, MadeStatement* statement);
  void encodeFrame(MadeStatement* statement) const;

  void hear(frame::Type type, Bytes payload);
  void hearOpened(Bytes payload);
  void hearCommitted(Bytes payload);
  void hearRefused(Bytes payload);
  void hearRefusalOf(uint64_t sequence, const std::string& code, uint64_t retry);

  Context& context_;
  History& history_;
  const LedgerId ledgerId_;
  bench::SigningAgent identity_;
  Hash ledgerOfNobody_{};
  std::shared_ptr<Line> line_;
  Stage stage_ = Stage::kOffline;

  Hash session_{};
  bool hasSession_ = false;
  std::vector<MadeStatement> made_;  // of this session
  std::vector<GivenReceipt> receipts_;
  size_t acknowledged_ = 0;  // the first so many have their receipts
  size_t sent_ = 0;          // the first so many were sent on this connection
  uint64_t nextSequence_ = 0;
  Hash previous_{};
  std::deque<Awaited> awaited_;
  bool someWereRefused_ = false;  // on this connection, to be tried again later
  uint64_t submissions_ = 0;
};

}  // namespace kudurru::sim
