#include "history.h"

#include <algorithm>

#include "core/entry/entry-fields.h"
#include "core/journal/big-endian.h"
#include "core/submission/statement.h"

namespace kudurru::sim {
namespace {

constexpr std::string_view kStatementType = "application/kudurru-statement+cose";
constexpr uint64_t kReadAtOnce = 512;

}  // namespace

Hash History::rootAt(uint64_t size) const { return size == 0 ? sha256({}) : roots_[size - 1]; }

std::vector<std::vector<uint8_t>> History::read(Ledger& ledger, uint64_t first, uint64_t count) {
  std::vector<uint8_t> bundle;
  const Status status = ledger.readEntries(first, count, &bundle);
  if (!status.ok() && isDamaged()) throw Noticed{status.message};
  require(status.ok(), kNothingLost, at(first) + "cannot be read: " + status.message);
  std::vector<std::vector<uint8_t>> entries;
  for (size_t offset = 0; offset < bundle.size();) {
    const uint8_t* start = bundle.data() + offset + 2;
    const size_t length = get16(start - 2);
    entries.emplace_back(start, start + length);
    offset += 2 + length;
  }
  require(entries.size() == count, kNothingLost,
          "asked for " + std::to_string(count) + " entries, got " + std::to_string(entries.size()));
  return entries;
}

void History::follow(Ledger& ledger) {
  const Quiet quiet(context_);
  const uint64_t size = ledger.state().size();
  if (size == leaves_.size()) return;
  JournalReader reader(storage_, "/state/journal", ledgerId_);
  Status status;
  if (position_) {
    reader.seek(*position_);
  } else {
    status = reader.rewind();
  }
  Step step = Step::kRecord;
  while (status.ok() && step == Step::kRecord && leaves_.size() < size) {
    Record record;
    status = reader.next(&step, &record);
    if (!status.ok() || step != Step::kRecord) break;
    position_ = reader.position();
    const auto group = GroupView::parse(record.payload);
    if (record.type != RecordType::kGroup || !group) continue;
    group->forEachEntry([&](Bytes entry) {
      take(entry);
      return true;
    });
  }
  if (leaves_.size() != size && isDamaged()) throw Noticed{status.message};
  require(leaves_.size() == size, kNothingLost,
          "the journal has " + std::to_string(leaves_.size()) + " of " + std::to_string(size) +
              " entries: " + status.message);
  require(actionsLeft_ == 0, kWholeStatements,
          "the log ends inside a statement: " + std::to_string(actionsLeft_) + " actions miss");
  require(ledger.state().root() == rootAt(size), kChainAndTreeAgree,
          "the ledger's root of size " + std::to_string(size) + " is not that of its entries");
  groupEnds_.push_back(size);
}

uint64_t History::compare(Ledger& ledger, bool mayLose) {
  const Quiet quiet(context_);
  const uint64_t size = ledger.state().size();
  const uint64_t known = std::min<uint64_t>(size, leaves_.size());
  for (uint64_t first = 0; first < known; first += kReadAtOnce) {
    uint64_t index = first;
    for (const auto& entry : read(ledger, first, std::min(kReadAtOnce, known - first))) {
      require(GrowingTree::leaf(entry) == leaves_[index], mayLose ? kNoWrongData : kNothingLost,
              at(index) + "other bytes than before the restart");
      ++index;
    }
  }
  if (size < leaves_.size()) {
    require(mayLose, kNothingLost,
            "the log has " + std::to_string(size) + " entries, and had made durable " +
                std::to_string(leaves_.size()));
    const auto kept = std::ranges::upper_bound(groupEnds_, size) - groupEnds_.begin();
    return groupEnds_.size() - static_cast<uint64_t>(kept);
  }
  follow(ledger);
  return 0;
}

void History::take(Bytes entry) {
  const uint64_t index = leaves_.size();
  const Hash leaf = GrowingTree::leaf(entry);
  const auto view = decodeEntry(entry);
  require(view.has_value(), kChainAndTreeAgree, at(index) + "not an entry");
  const Hash previous = leaves_.empty() ? Hash{} : leaves_.back();
  require(view->head.previousLeafHash == previous, kChainAndTreeAgree,
          at(index) + "does not name the entry before it");
  uint64_t& lastTaiNs = lastTaiNs_[view->head.appliance];
  require(view->head.time.taiNs >= lastTaiNs, kTimeNeverGoesBack,
          at(index) + "is earlier than the entry before it");
  lastTaiNs = view->head.time.taiNs;
  const bool isAction = view->head.kind == EntryKind::kAction;
  require(isAction == (actionsLeft_ != 0), kWholeStatements,
          at(index) + "stands inside a statement that it is no part of, or outside of any");
  takeKind(*view);
  leaves_.push_back(leaf);
  tree_.append(leaf);
  roots_.push_back(tree_.root());
}

void History::takeKind(const EntryView& entry) {
  const uint64_t index = leaves_.size();
  if (entry.head.kind == EntryKind::kAgentEnrol) {
    enrolled_[index] = std::string(readAgentEnrol(entry.fields)->agentId);
  } else if (entry.head.kind == EntryKind::kSessionOpen) {
    sessionAgents_[index] = enrolled_.at(readSessionOpen(entry.fields)->agentIndex);
  } else if (entry.head.kind == EntryKind::kStatement) {
    checkSigned(entry);
  } else if (entry.head.kind == EntryKind::kAction) {
    takeAction(entry);
  }
}

// The actions of a statement are those that its agent signed.
void History::takeAction(const EntryView& entry) {
  const auto action = readActionFields(entry.fields);
  require(action.has_value(), kWholeStatements, at(leaves_.size()) + "holds no action");
  envelopes_.push_back(GrowingTree::leaf(action->envelope));
  if (--actionsLeft_ != 0) return;
  GrowingTree tree;
  for (const Hash& leaf : envelopes_) tree.append(leaf);
  require(tree.root() == statementRoot_, kWholeStatements,
          at(leaves_.size()) + "its statement's actions are not those that were signed");
}

void History::checkSigned(const EntryView& entry) {
  const uint64_t index = leaves_.size();
  const auto fields = readStatementFields(entry.fields);
  submission::Statement statement;
  const bool isRead = fields && !submission::parseStatement(fields->cose, statement);
  require(isRead, kWholeStatements, at(index) + "holds no statement");
  const bench::SigningAgent* agent = agents_.at(sessionAgents_.at(fields->sessionIndex));
  std::vector<uint8_t> message;
  agent->signedBytes(kStatementType, statement.payload, message);
  require(agent->publicKey()->verify(message, statement.signature), kSignedByItsAgent,
          at(index) + "the statement is not signed by " + agent->id());
  actionsLeft_ = statement.actionCount;
  std::ranges::copy(statement.root, statementRoot_.begin());
  envelopes_.clear();
  statements_[index] = sha256(fields->cose);
}

void History::acknowledge(const MadeStatement& statement, const GivenReceipt& receipt) {
  const uint64_t end = receipt.firstIndex + receipt.count + 1;
  const std::string words = "the receipt for " + std::to_string(receipt.firstIndex) + " ";
  auto next = owners_.upper_bound(receipt.firstIndex);
  if (next != owners_.begin()) {
    const auto& [first, owner] = *std::prev(next);
    if (owner.statement == statement.hash) {
      require(owner.receipt == receipt, kSameReceipt, words + "is another than the one before it");
      return;
    }
    require(first + owner.count < receipt.firstIndex, kIndexNeverReused,
            words + "names an index of another receipt");
  }
  for (const auto& [first, owner] : owners_) {
    require(owner.statement != statement.hash, kSameReceipt,
            words + "is for a statement that has one for " + std::to_string(first));
  }
  require(next == owners_.end() || next->first >= end, kIndexNeverReused,
          words + "names an index of another receipt");
  require(receipt.treeSize >= end && receipt.treeSize <= size(), kNothingLost,
          words + "has a tree that does not hold it");
  const auto found = statements_.find(receipt.firstIndex);
  require(found != statements_.end() && found->second == statement.hash, kNothingLost,
          words + "names an index where its statement is not");
  require(receipt.root == rootAt(receipt.treeSize), kSameReceipt, words + "has another root");
  require(receipt.count == statement.envelopes.size(), kWholeStatements,
          words + "counts other actions");
  if (next != owners_.begin()) {
    require(std::prev(next)->second.receipt.taiNs <= receipt.taiNs, kTimeNeverGoesBack,
            words + "is earlier than the one before it");
  }
  if (next != owners_.end()) {
    require(next->second.receipt.taiNs >= receipt.taiNs, kTimeNeverGoesBack,
            words + "is later than the one behind it");
  }
  owners_[receipt.firstIndex] = {receipt.count, statement.hash, receipt, statement.bodies};
  context_.count("receipts");
}

void History::show(uint64_t size, const Hash& root) {
  const auto [found, isNew] = checkpoints_.emplace(size, root);
  require(isNew || found->second == root, kOneRootForASize,
          "two checkpoints of size " + std::to_string(size) + " have different roots");
  require(size <= leaves_.size() && rootAt(size) == root, kOneRootForASize,
          "the checkpoint of size " + std::to_string(size) + " is not of the tree");
  context_.count("checkpoints");
}

void History::keep(RecordType type, std::vector<uint8_t> bytes) {
  records_[type].push_back(std::move(bytes));
}

// A record more may stand there: it was written, and the daemon died before it knew.
void History::compareRecords(Ledger& ledger) {
  const Quiet quiet(context_);
  for (auto& [type, kept] : records_) {
    std::vector<StoredRecord> stored;
    const Status status = ledger.readRecords(type, {}, &stored);
    require(status.ok(), kRecordsKept, status.message);
    size_t found = 0;
    for (const StoredRecord& record : stored) {
      if (found < kept.size() && record.bytes == kept[found]) ++found;
    }
    require(found == kept.size(), kRecordsKept,
            "of " + std::to_string(kept.size()) + " records of type " +
                std::to_string(static_cast<unsigned>(type)) + " the journal has " +
                std::to_string(found));
  }
}

void History::checkBodies(Ledger& ledger, uint64_t most) {
  const Quiet quiet(context_);
  for (auto owner = owners_.rbegin(); owner != owners_.rend() && most-- > 0; ++owner) {
    for (const DepositedBody& body : owner->second.bodies) {
      const uint64_t index = owner->first + 1 + body.action;
      std::vector<uint8_t> plain;
      const Status status = ledger.openBody(index, body.field, &plain);
      require(status.ok() && plain == body.plain, kBodiesOpen,
              at(index) + "its body is not what was deposited: " + status.message);
      context_.count("bodies opened");
    }
  }
}

void History::checkProof(Ledger& ledger) {
  const Quiet quiet(context_);
  if (leaves_.size() < 2) return;
  const uint64_t size = context_.schedule.between(2, leaves_.size());
  const uint64_t index = context_.schedule.below(size - 1);
  const uint64_t asked = context_.is(Canary::kWrongProof) ? index + 1 : index;
  std::vector<Hash> path;
  const Status status = inclusionPath(ledger.nodes(), asked, size, &path);
  require(status.ok(), kProofsHold, status.message);
  require(leadsToRoot(leaves_[index], index, size, path, rootAt(size)), kProofsHold,
          "the path of entry " + std::to_string(index) + " in the tree of " + std::to_string(size) +
              " does not lead to its root");
  context_.count("proofs");
}

}  // namespace kudurru::sim
