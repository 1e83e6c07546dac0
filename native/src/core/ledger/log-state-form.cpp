// LogState as bytes, for snapshots. Everything that `append` has built and nothing else; lists in
// the order of their index, so that one state has one form.
//
//   last leaf hash 32 | tree size u64 | hashes of the partial tiles, the lowest level first
//   32 × (index of the kind's last entry: 0, or 1 u64 | entries of the kind u64)
//   appliances: count u32 × (number u64 | boot index u64 | last TAI ns u64)
//   agents: count u64 × (index u64 | length of id u16 | id | next session number u64
//                        | head: 0, or 1 session number u64, sequence u64, index u64)
//   open sessions: count u64 × (index u64 | id 32 | agent's index u64 | number u64
//                        | next sequence u64 | previous statement hash 32
//                        | number of the last statement's place: 0, or 1 u64)
#include "core/ledger/fields.h"
#include "core/ledger/log-state.h"

namespace kudurru {
namespace {

constexpr size_t kApplianceBytes = 24;
constexpr size_t kAgentBytesLeast = 19;
constexpr size_t kAgentBytesUsual = 128;
constexpr size_t kSessionBytesLeast = 97;

// A key that comes after all before it.
class Ascending {
 public:
  bool take(uint64_t key) {
    const bool follows = !last_ || key > *last_;
    last_ = key;
    return follows;
  }

 private:
  std::optional<uint64_t> last_;
};

void writeTree(const IncrementalTree& tree, FieldWriter& out) {
  out.u64(tree.size());
  for (const Tile& tile : tree.partialTiles()) {
    for (const Hash& hash : tile.hashes) out.bytes(hash);
  }
}

std::optional<IncrementalTree> readTree(FieldReader& in) {
  const uint64_t size = in.u64();
  TileEdge edge;
  for (unsigned level = 0; level < kTileLevels; ++level) {
    edge[level].resize(static_cast<size_t>(size >> (kTileHeight * level)) % kTileWidth);
    for (Hash& hash : edge[level]) in.into(hash);
  }
  return in.ok() ? IncrementalTree::restore(size, edge) : std::nullopt;
}

void writeAgent(const AgentState& agent, FieldWriter& out) {
  out.u64(agent.index);
  out.u16(static_cast<uint16_t>(agent.id.size()));
  out.bytes({reinterpret_cast<const uint8_t*>(agent.id.data()), agent.id.size()});
  out.u64(agent.nextSessionNumber);
  out.byte(agent.head ? 1 : 0);
  if (!agent.head) return;
  out.u64(agent.head->sessionNumber);
  out.u64(agent.head->lastSequence);
  out.u64(agent.head->lastIndex);
}

AgentState readAgent(FieldReader& in) {
  AgentState agent;
  agent.index = in.u64();
  const Bytes id = in.bytes(in.u16());
  agent.id.assign(reinterpret_cast<const char*>(id.data()), id.size());
  agent.nextSessionNumber = in.u64();
  const uint8_t flag = in.byte();
  if (flag > 1) in.refuse();
  if (flag != 1) return agent;
  agent.head.emplace();
  agent.head->sessionNumber = in.u64();
  agent.head->lastSequence = in.u64();
  agent.head->lastIndex = in.u64();
  return agent;
}

void writeSession(const SessionState& session, FieldWriter& out) {
  out.u64(session.index);
  out.bytes(session.id);
  out.u64(session.agentIndex);
  out.u64(session.number);
  out.u64(session.nextSequence);
  out.bytes(session.previousStatementHash);
  out.optional(session.lastStatement);
}

SessionState readSession(FieldReader& in) {
  SessionState session;
  session.index = in.u64();
  in.into(session.id);
  session.agentIndex = in.u64();
  session.number = in.u64();
  session.nextSequence = in.u64();
  in.into(session.previousStatementHash);
  session.lastStatement = in.optional();
  return session;
}

}  // namespace

void LogState::encode(std::vector<uint8_t>* bytes) const {
  constexpr size_t kOthersBytes = 128 * 1024;  // edge, kinds, a few appliances
  bytes->reserve(bytes->size() + kOthersBytes + agents_.size() * kAgentBytesUsual +
                 sessions_.size() * (kSessionBytesLeast + 8));
  FieldWriter out(*bytes);
  out.bytes(lastLeafHash_);
  writeTree(tree_, out);
  for (size_t kind = 0; kind < kEntryKindCount; ++kind) {
    out.optional(lastOfKind_[kind]);
    out.u64(countOfKind_[kind]);
  }
  out.u32(static_cast<uint32_t>(appliances_.size()));
  for (const auto& [number, appliance] : appliances_) {
    out.u64(number);
    out.u64(appliance.bootIndex);
    out.u64(appliance.lastTaiNs);
  }
  out.u64(agents_.size());
  for (const auto& [index, agent] : agents_) writeAgent(agent, out);
  out.u64(sessions_.size());
  for (const SessionState& session : openSessions()) writeSession(session, out);
}

std::optional<LogState> LogState::decode(const LedgerId& ledgerId, Bytes bytes) {
  FieldReader in(bytes);
  LogState state(ledgerId);
  in.into(state.lastLeafHash_);
  auto tree = readTree(in);
  if (!tree) return std::nullopt;
  state.tree_ = std::move(*tree);
  for (size_t kind = 0; kind < kEntryKindCount; ++kind) {
    state.lastOfKind_[kind] = in.optional();
    state.countOfKind_[kind] = in.u64();
  }
  state.decodeAppliances(in);
  state.decodeAgents(in);
  state.decodeSessions(in);
  if (!in.atEnd()) return std::nullopt;
  return state;
}

void LogState::decodeAppliances(FieldReader& in) {
  Ascending ascending;
  const uint32_t count = in.u32();
  if (!in.fits(count, kApplianceBytes)) return in.refuse();
  for (uint32_t at = 0; in.ok() && at < count; ++at) {
    const uint64_t number = in.u64();
    const uint64_t bootIndex = in.u64();
    if (!ascending.take(number)) in.refuse();
    appliances_[number] = {bootIndex, in.u64()};
  }
}

void LogState::decodeAgents(FieldReader& in) {
  Ascending ascending;
  const uint64_t count = in.u64();
  if (!in.fits(count, kAgentBytesLeast)) return in.refuse();
  agentIndexes_.reserve(count);
  for (uint64_t at = 0; in.ok() && at < count; ++at) {
    AgentState agent = readAgent(in);
    const bool isNew = agentIndexes_.emplace(agent.id, agent.index).second;
    if (!isNew || !ascending.take(agent.index) || agent.index >= size()) in.refuse();
    agents_.emplace_hint(agents_.end(), agent.index, std::move(agent));
  }
}

void LogState::decodeSessions(FieldReader& in) {
  Ascending ascending;
  const uint64_t count = in.u64();
  if (!in.fits(count, kSessionBytesLeast)) return in.refuse();
  sessions_.reserve(count);
  sessionIndexes_.reserve(count);
  for (uint64_t at = 0; in.ok() && at < count; ++at) {
    const SessionState session = readSession(in);
    const AgentState* agent = agentAt(session.agentIndex);
    const bool isNew = sessionIndexes_.emplace(session.id, session.index).second;
    if (!isNew || !ascending.take(session.index) || session.index >= size() || agent == nullptr ||
        session.number >= agent->nextSessionNumber) {
      in.refuse();
    }
    sessions_[session.index] = session;
  }
}

}  // namespace kudurru
