#include "core/ledger/log-state.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "core/entry/entry-fields.h"
#include "core/hash/sha256.h"
#include "core/submission/statement.h"

namespace kudurru {

size_t LogState::HashKey::operator()(const Hash& hash) const {
  size_t key = 0;
  std::memcpy(&key, hash.data(), sizeof key);
  return key;
}

Status LogState::refuse(const std::string& why) const {
  return failure(Code::kCorrupt, "entry " + std::to_string(size()) + " " + why);
}

Status LogState::append(Bytes entry) {
  const auto view = decodeEntry(entry);
  if (!view) return refuse("is not an entry of a known form");
  return append(*view, leafHash(entry));
}

Status LogState::append(const EntryView& entry, const Hash& leaf) {
  Status status = check(entry);
  if (status.ok()) take(entry, leaf);
  return status;
}

Status LogState::check(const EntryView& entry) const {
  const EntryHead& head = entry.head;
  if (head.previousLeafHash != lastLeafHash_) return refuse("breaks the chain");
  if ((size() == 0) != (head.kind == EntryKind::kGenesis)) {
    return refuse("is a genesis elsewhere than at index 0, or index 0 is none");
  }
  if ((actionsLeft_ != 0) != (head.kind == EntryKind::kAction)) {
    return refuse("breaks a statement off, or is an action outside of one");
  }
  const ApplianceState appliance = applianceState(head.appliance);
  if (head.time.taiNs < appliance.lastTaiNs) return refuse("goes back in time");
  uint64_t boot = appliance.bootIndex;
  if (head.kind == EntryKind::kGenesis) boot = 1;
  if (head.kind == EntryKind::kBoot) boot = size();
  if (head.time.bootIndex != boot) return refuse("names another boot than its appliance's last");
  return checkKind(entry);
}

Status LogState::checkKind(const EntryView& entry) const {
  switch (entry.head.kind) {
    case EntryKind::kGenesis:
      return checkGenesis(entry);
    case EntryKind::kAgentEnrol: {
      const auto enrol = readAgentEnrol(entry.fields);
      if (!enrol) return refuse("is not an enrolment");
      if (agentIndexes_.contains(std::string(enrol->agentId))) {
        return refuse("enrols an agent for a second time");
      }
      return {};
    }
    case EntryKind::kSessionOpen:
    case EntryKind::kSessionClose:
      return checkSession(entry);
    case EntryKind::kStatement:
      return checkStatement(entry);
    case EntryKind::kAction:
      return checkAction(entry);
    default:
      return {};
  }
}

Status LogState::checkGenesis(const EntryView& entry) const {
  const auto record = readProvisioningRecord(entry.fields);
  if (!record) return refuse("is not a genesis");
  if (sha256(*record) != ledgerId_) {
    return failure(Code::kWrongLedger, "the genesis entry is another ledger's");
  }
  return {};
}

Status LogState::checkSession(const EntryView& entry) const {
  if (entry.head.kind == EntryKind::kSessionOpen) {
    const auto open = readSessionOpen(entry.fields);
    if (!open) return refuse("does not open a session");
    const AgentState* agent = agentAt(open->agentIndex);
    if (agent == nullptr) return refuse("opens a session of an unknown agent");
    if (agent->nextSessionNumber != open->sessionNumber) {
      return refuse("numbers a session out of turn");
    }
    return {};
  }
  const auto close = readSessionClose(entry.fields);
  if (!close) return refuse("does not close a session");
  const auto session = sessions_.find(close->sessionIndex);
  if (session == sessions_.end()) return refuse("closes a session that is not open");
  if (session->second.nextSequence != close->actionCount) {
    return refuse("states another number of actions than the session has");
  }
  return {};
}

Status LogState::checkStatement(const EntryView& entry) const {
  const auto fields = readStatementFields(entry.fields);
  if (!fields) return refuse("is not a statement");
  submission::Statement statement;
  if (submission::parseStatement(fields->cose, statement)) return refuse("holds no statement");
  const auto session = sessions_.find(fields->sessionIndex);
  if (session == sessions_.end()) return refuse("is a statement of a session that is not open");
  const SessionState& state = session->second;
  if (!std::ranges::equal(statement.ledgerId, ledgerId_) ||
      !std::ranges::equal(statement.sessionId, state.id)) {
    return refuse("is a statement for another ledger or session");
  }
  if (statement.firstSequence != state.nextSequence ||
      !std::ranges::equal(statement.previousStatementHash, state.previousStatementHash)) {
    return refuse("does not follow the session's statement before it");
  }
  return {};
}

Status LogState::checkAction(const EntryView& entry) const {
  const auto action = readActionFields(entry.fields);
  if (!action) return refuse("is not an action");
  const SessionState& session = sessions_.at(statementSession_);
  if (action->sessionIndex != session.index || action->sequence != session.nextSequence) {
    return refuse("is not the next action of its statement");
  }
  return {};
}

void LogState::take(const EntryView& entry, const Hash& leaf) {
  const EntryHead& head = entry.head;
  const uint64_t index = size();
  switch (head.kind) {
    case EntryKind::kAgentEnrol: {
      const std::string id(readAgentEnrol(entry.fields)->agentId);
      agentIndexes_[id] = index;
      agents_[index] = AgentState{index, id, 0, std::nullopt};
      break;
    }
    case EntryKind::kSessionOpen:
    case EntryKind::kSessionClose:
      takeSession(entry, leaf);
      break;
    case EntryKind::kStatement:
      takeStatement(entry);
      break;
    case EntryKind::kAction:
      takeAction();
      break;
    default:
      break;
  }
  appliances_[head.appliance] = {head.time.bootIndex, head.time.taiNs};
  lastOfKind_[static_cast<size_t>(head.kind)] = index;
  ++countOfKind_[static_cast<size_t>(head.kind)];
  lastLeafHash_ = leaf;
  tree_.append(leaf);
}

void LogState::takeSession(const EntryView& entry, const Hash& leaf) {
  if (entry.head.kind == EntryKind::kSessionOpen) {
    const auto open = readSessionOpen(entry.fields);
    ++agents_.at(open->agentIndex).nextSessionNumber;
    SessionState& session = sessions_[size()];
    session.index = size();
    session.id = leaf;
    session.agentIndex = open->agentIndex;
    session.number = open->sessionNumber;
    sessionIndexes_[leaf] = size();
    return;
  }
  const auto session = sessions_.find(readSessionClose(entry.fields)->sessionIndex);
  sessionIndexes_.erase(session->second.id);
  sessions_.erase(session);
}

void LogState::takeStatement(const EntryView& entry) {
  const auto fields = readStatementFields(entry.fields);
  submission::Statement statement;
  submission::parseStatement(fields->cose, statement);
  sessions_.at(fields->sessionIndex).previousStatementHash = sha256(fields->cose);
  statementSession_ = fields->sessionIndex;
  actionsLeft_ = statement.actionCount;
}

void LogState::takeAction() {
  SessionState& session = sessions_.at(statementSession_);
  agents_.at(session.agentIndex).head = AgentHead{session.number, session.nextSequence, size()};
  ++session.nextSequence;
  --actionsLeft_;
}

void LogState::takeActions(const EntryHead& head) {
  const size_t kind = static_cast<size_t>(EntryKind::kAction);
  SessionState& session = sessions_.at(statementSession_);
  session.nextSequence += actionsLeft_;
  agents_.at(session.agentIndex).head =
      AgentHead{session.number, session.nextSequence - 1, size() - 1};
  appliances_[head.appliance] = {head.time.bootIndex, head.time.taiNs};
  lastOfKind_[kind] = size() - 1;
  countOfKind_[kind] += std::exchange(actionsLeft_, 0);
}

SessionState* LogState::findSession(Bytes id) {
  Hash key;
  if (id.size() != key.size()) return nullptr;
  std::ranges::copy(id, key.begin());
  const auto found = sessionIndexes_.find(key);
  return found == sessionIndexes_.end() ? nullptr : &sessions_.at(found->second);
}

SessionState* LogState::sessionAt(uint64_t index) {
  const auto found = sessions_.find(index);
  return found == sessions_.end() ? nullptr : &found->second;
}

const AgentState* LogState::agentAt(uint64_t index) const {
  const auto found = agents_.find(index);
  return found == agents_.end() ? nullptr : &found->second;
}

std::vector<SessionState> LogState::openSessions() const {
  std::vector<SessionState> open;
  for (const auto& [index, session] : sessions_) open.push_back(session);
  std::ranges::sort(open, {}, &SessionState::index);
  return open;
}

std::vector<AgentState> LogState::agentsWithActions() const {
  std::vector<AgentState> active;
  for (const auto& [index, agent] : agents_) {
    if (agent.head) active.push_back(agent);
  }
  std::ranges::sort(active, {}, &AgentState::id);  // ids are ASCII: bytewise order
  return active;
}

ApplianceState LogState::applianceState(uint64_t appliance) const {
  const auto found = appliances_.find(appliance);
  return found == appliances_.end() ? ApplianceState{} : found->second;
}

}  // namespace kudurru
