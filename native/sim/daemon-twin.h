// What drives the core in the daemon, as steps: the pipeline around Ledger and Intake, in the order
// of daemon/ARCHITECTURE.md, with a place to die between any two. It stands for the TypeScript part
// (pipeline, identity's decisions on sessions, the anchorer); Ledger, Intake and all below them are
// the product's own.
#pragma once

#include <memory>
#include <vector>

#include "agent.h"
#include "context.h"
#include "core/intake/intake.h"
#include "core/ledger/ledger.h"
#include "history.h"

namespace kudurru::sim {

struct DaemonOptions {
  LedgerId ledgerId{};
  uint64_t segmentBytes = 0;
  intake::Limits limits;
};

class DaemonTwin final : private intake::Environment {
 public:
  DaemonTwin(Context& context, Storage& storage, History& history, const DaemonOptions& options);

  bool isRunning() const { return ledger_ != nullptr; }
  Ledger& ledger() { return *ledger_; }
  intake::Intake& intake() { return *intake_; }

  // Opens the ledger. What it cannot do is in the status.
  Status open(JournalReport* report);
  // The entries of a start, and the anchor that was under way.
  void begin(const JournalReport& report, const std::vector<std::unique_ptr<Agent>>& agents);
  // The process is gone.
  void kill();

  // --- each is one stretch between two awaits ---
  void advancePipeline();
  bool hasWork() const { return phase_ != Phase::kIdle || intake_->hasWork(); }
  void advanceAnchor();
  bool isAnchoring() const { return anchor_ != Anchor::kNone; }
  void publish();
  void raiseAlarm();
  // Everything written, the journal ended in order.
  void stop();

 private:
  enum class Phase : uint8_t { kIdle, kTaken, kVerified, kKeyed, kApplied, kRequests };
  enum class Anchor : uint8_t { kNone, kPrepared, kSigned, kEntered };

  void fillRandom(MutableBytes bytes) override { context_.schedule.fill(bytes); }
  intake::WriterFacts lookAt(const intake::Writer& writer, intake::WriterLevel level) override;

  void must(const Status& status);
  bool applySystem(SystemEntry entry, SystemEntry* done = nullptr);
  void mustApply(SystemEntry entry);
  bool appendRecord(RecordType type, std::vector<uint8_t> bytes);
  void verifyBatch();
  void makeKeys();
  void applyBatch();
  void spoilReceipts(uint64_t firstNew);
  void decide(const intake::SessionRequest& request);
  void openSession(const intake::SessionRequest& request);
  void closeSession(const intake::SessionRequest& request);
  void bind(uint64_t connection, const SessionState& session, const std::string& agentId);
  void useKnownKeys();
  void resumeAnchor();
  Hash scopeKey(const std::string& scope) const;

  Context& context_;
  Storage& storage_;
  History& history_;
  const DaemonOptions options_;
  std::map<std::string, std::shared_ptr<const intake::SessionKey>> keys_;  // by agent
  std::unique_ptr<Ledger> ledger_;
  std::unique_ptr<intake::Intake> intake_;
  uint64_t starts_ = 0;

  Phase phase_ = Phase::kIdle;
  intake::Batch batch_;
  size_t nextRequest_ = 0;

  Anchor anchor_ = Anchor::kNone;
  uint64_t anchorSequence_ = 0;
  uint64_t anchorSize_ = 0;
  Hash anchorRoot_{};
};

}  // namespace kudurru::sim
