// What the log says so far, as far as the next entry depends on it: chain, tree, agents, open
// sessions, time. `append` is the way forward, for a fresh entry, for one replayed at the start and
// for one checked by fsck alike. A pure function of the entries; memory grows with agents
// and open sessions, not with the log.
#pragma once

#include <array>
#include <map>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "core/entry/entry.h"
#include "core/journal/segment.h"
#include "core/journal/status.h"
#include "core/tree/incremental-tree.h"
#include "core/tree/merkle.h"

namespace kudurru {

class FieldReader;

struct AgentHead {
  uint64_t sessionNumber = 0;
  uint64_t lastSequence = 0;
  uint64_t lastIndex = 0;
};

struct AgentState {
  uint64_t index = 0;  // of the agent.enrol entry
  std::string id;
  uint64_t nextSessionNumber = 0;
  std::optional<AgentHead> head;  // empty before the agent's first action
};

struct SessionState {
  uint64_t index = 0;  // of the session.open entry
  Hash id{};           // its leaf hash
  uint64_t agentIndex = 0;
  uint64_t number = 0;
  uint64_t nextSequence = 0;
  Hash previousStatementHash{};
  std::optional<uint64_t> lastStatement;  // number of its place; kept by the ledger
};

// Of one appliance: its present run and its last time.
struct ApplianceState {
  uint64_t bootIndex = 0;
  uint64_t lastTaiNs = 0;
};

class LogState {
 public:
  explicit LogState(const LedgerId& ledgerId) : ledgerId_(ledgerId) {}

  // Takes the next entry in, or says what it contradicts (corrupt, wrongLedger): then the log ends
  // before it.
  Status append(Bytes entry);
  // The same for the actions of the statement just appended, all of them, as the ledger makes them:
  // `make(number, previousLeafHash)` gives the bytes of the next. They follow from this state by
  // themselves, so they are not read back.
  template <class Make>
  void appendActions(const EntryHead& head, Make&& make) {
    for (uint64_t number = 0; number < actionsLeft_; ++number) {
      lastLeafHash_ = leafHash(make(number, lastLeafHash_));
      tree_.append(lastLeafHash_);
    }
    takeActions(head);
  }
  // The same for an entry that was decoded and hashed elsewhere.
  Status append(const EntryView& entry, const Hash& leaf);
  // Whether `append` would take this entry.
  Status check(const EntryView& entry) const;

  // As bytes, and back: what `encode` has written gives the same state, anything else nothing or a
  // state that no log need have. Not inside a statement.
  void encode(std::vector<uint8_t>* bytes) const;
  static std::optional<LogState> decode(const LedgerId& ledgerId, Bytes bytes);

  uint64_t size() const { return tree_.size(); }
  Hash root() const { return tree_.root(); }
  const Hash& lastLeafHash() const { return lastLeafHash_; }
  IncrementalTree& tree() { return tree_; }
  const IncrementalTree& tree() const { return tree_; }
  // A statement's actions are still to come.
  bool insideStatement() const { return actionsLeft_ != 0; }

  // Null where there is none.
  SessionState* findSession(Bytes id);
  SessionState* sessionAt(uint64_t index);
  const AgentState* agentAt(uint64_t index) const;
  const std::map<uint64_t, AgentState>& agents() const { return agents_; }
  std::vector<SessionState> openSessions() const;     // by index
  std::vector<AgentState> agentsWithActions() const;  // by id, bytewise
  ApplianceState applianceState(uint64_t appliance) const;
  std::optional<uint64_t> lastOfKind(EntryKind kind) const {
    return lastOfKind_[static_cast<size_t>(kind)];
  }
  uint64_t countOfKind(EntryKind kind) const { return countOfKind_[static_cast<size_t>(kind)]; }

 private:
  Status checkKind(const EntryView& entry) const;
  Status checkGenesis(const EntryView& entry) const;
  Status checkSession(const EntryView& entry) const;
  Status checkStatement(const EntryView& entry) const;
  Status checkAction(const EntryView& entry) const;
  void take(const EntryView& entry, const Hash& leaf);
  void takeSession(const EntryView& entry, const Hash& leaf);
  void takeStatement(const EntryView& entry);
  void takeAction();
  void takeActions(const EntryHead& head);
  Status refuse(const std::string& why) const;
  void decodeAppliances(FieldReader& in);
  void decodeAgents(FieldReader& in);
  void decodeSessions(FieldReader& in);

  struct HashKey {
    size_t operator()(const Hash& hash) const;
  };

  LedgerId ledgerId_;
  Hash lastLeafHash_{};
  IncrementalTree tree_;
  std::map<uint64_t, AgentState> agents_;  // by index
  std::unordered_map<std::string, uint64_t> agentIndexes_;
  std::unordered_map<uint64_t, SessionState> sessions_;  // the open ones, by index
  std::unordered_map<Hash, uint64_t, HashKey> sessionIndexes_;
  std::map<uint64_t, ApplianceState> appliances_;
  std::array<std::optional<uint64_t>, kEntryKindCount> lastOfKind_;
  std::array<uint64_t, kEntryKindCount> countOfKind_{};

  // The statement whose actions follow.
  uint64_t statementSession_ = 0;
  uint64_t actionsLeft_ = 0;
};

}  // namespace kudurru
