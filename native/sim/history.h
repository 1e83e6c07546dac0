// What the world outside knows and the daemon must never contradict: every entry that was made
// durable, every receipt and checkpoint that was given. It outlives the daemon's crashes. Its
// checkers read the ledger's entries back and compute chain and tree by themselves.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "context.h"
#include "core/ledger/ledger.h"
#include "growing-tree.h"
#include "invariants.h"
#include "signing-agent.h"

namespace kudurru::sim {

struct DepositedBody {
  uint32_t action = 0;
  uint8_t field = 0;
  std::vector<uint8_t> plain;  // salt ‖ bytes
};

// One statement as its agent made it.
struct MadeStatement {
  std::vector<uint8_t> frame;
  std::vector<uint8_t> cose;
  std::vector<std::vector<uint8_t>> envelopes;
  std::vector<DepositedBody> bodies;
  uint64_t firstSequence = 0;
  Hash hash{};
};

struct GivenReceipt {
  uint64_t firstIndex = 0;
  uint64_t count = 0;
  uint64_t treeSize = 0;
  Hash root{};
  uint64_t taiNs = 0;

  bool operator==(const GivenReceipt&) const = default;
};

class History {
 public:
  History(Context& context, Storage& storage, const LedgerId& ledgerId)
      : context_(context), storage_(storage), ledgerId_(ledgerId) {}

  void addAgent(const bench::SigningAgent& agent) { agents_[agent.id()] = &agent; }

  uint64_t size() const { return leaves_.size(); }
  const std::vector<Hash>& leaves() const { return leaves_; }
  uint64_t groups() const { return groupEnds_.size(); }
  Hash rootAt(uint64_t size) const;

  // The ledger says that all it shows is durable: takes the new entries in, from the journal.
  void follow(Ledger& ledger);
  // After a start: all that was durable is there, byte for byte; what is more is taken in. Gives
  // how many groups are missing where `mayLose`.
  uint64_t compare(Ledger& ledger, bool mayLose);
  // As an agent read it.
  void acknowledge(const MadeStatement& statement, const GivenReceipt& receipt);
  // A checkpoint that was shown.
  void show(uint64_t size, const Hash& root);
  bool isShown(uint64_t size) const { return checkpoints_.contains(size); }
  // A record that is durable.
  void keep(RecordType type, std::vector<uint8_t> bytes);
  void compareRecords(Ledger& ledger);
  void checkBodies(Ledger& ledger, uint64_t most);
  // A path for a random entry of a random tree leads to the root.
  void checkProof(Ledger& ledger);

 private:
  struct Owner {
    uint64_t count = 0;
    Hash statement{};
    GivenReceipt receipt;
    std::vector<DepositedBody> bodies;
  };

  bool isDamaged() const { return context_.faults.damages != 0; }
  void take(Bytes entry);
  void takeKind(const EntryView& entry);
  void takeAction(const EntryView& entry);
  void checkSigned(const EntryView& entry);
  std::vector<std::vector<uint8_t>> read(Ledger& ledger, uint64_t first, uint64_t count);
  std::string at(uint64_t index) const { return "entry " + std::to_string(index) + ": "; }

  Context& context_;
  Storage& storage_;
  const LedgerId ledgerId_;
  std::optional<Position> position_;  // behind the last record that was taken in
  std::map<std::string, const bench::SigningAgent*> agents_;
  std::vector<Hash> leaves_;
  std::vector<Hash> roots_;  // after each entry
  GrowingTree tree_;
  std::map<uint64_t, uint64_t> lastTaiNs_;         // by appliance
  std::map<uint64_t, std::string> enrolled_;       // by index
  std::map<uint64_t, std::string> sessionAgents_;  // by index of the session
  std::map<uint64_t, Hash> statements_;            // hash of the statement at an index
  uint64_t actionsLeft_ = 0;                       // of the statement under way
  Hash statementRoot_{};
  std::vector<Hash> envelopes_;
  std::vector<uint64_t> groupEnds_;
  std::map<uint64_t, Owner> owners_;  // by first index of a receipt
  std::map<uint64_t, Hash> checkpoints_;
  std::map<RecordType, std::vector<std::vector<uint8_t>>> records_;
};

}  // namespace kudurru::sim
