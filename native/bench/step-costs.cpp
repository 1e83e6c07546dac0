// What each step of a submission costs the processor, one thread, no sockets and no other work:
// made by the agent, read, its signature checked, its bodies sealed, applied to a ledger on the
// disk. Time that a step spends waiting for the disk is not in its cost. Prints one JSON object,
// microseconds an action.
#include <cstdio>
#include <ctime>
#include <stdexcept>

#include "core/cbor/writer.h"
#include "core/hash/sha256.h"
#include "core/intake/submit-item.h"
#include "core/ledger/ledger.h"
#include "core/submission/submission.h"
#include "parts/options.h"
#include "parts/signing-agent.h"
#include "parts/submission-maker.h"

namespace kudurru::bench {
namespace {

constexpr uint64_t kActionsPerBatch = 4096;
constexpr uint64_t kTaiNs = 1'000'000'000;

int64_t cpuNs() {
  timespec time{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return time.tv_sec * 1'000'000'000 + time.tv_nsec;
}

template <class Write>
std::vector<uint8_t> encoded(Write write) {
  std::vector<uint8_t> out;
  cbor::Writer writer(out);
  write(writer);
  return out;
}

std::vector<uint8_t> provisioningRecord() {
  return encoded([](cbor::Writer& w) {
    w.writeArray(5).writeUnsigned(1).writeText("bench.kudurru.local/log").writeText("bench");
    w.writeArray(0).writeBytes(Hash{});
  });
}

// A ledger with one agent and its open session. What the agent signed to get there is not looked at
// by the ledger.
class BenchLedger {
 public:
  BenchLedger(const std::string& folder, const SigningAgent& agent) : storage_(posixStorage()) {
    LedgerOptions options;
    options.folder = folder;
    options.ledgerId = ledgerId = sha256(provisioningRecord());
    JournalReport report;
    require(Ledger::open(*storage_, options, &ledger_, &report));
    if (!report.created) throw std::runtime_error("'" + folder + "' holds a ledger already");
    for (const auto& [scope, scopeKey] : keys) ledger_->setScopeKey(scope, scopeKey);
    begin(agent);
  }

  void apply(intake::Batch& batch) {
    ApplyResult result;
    require(ledger_->apply({&batch, 37, nullptr}, &result));
    for (const intake::SubmitItem& item : batch.items) {
      if (item.refusal) throw std::runtime_error("refused: " + item.refusal.message);
    }
  }

  const SessionState session() const { return ledger_->state().openSessions().front(); }

  LedgerId ledgerId;
  const ScopeKeys keys{{std::string(submission::kDefaultScope), Hash{7}}};

 private:
  static void require(const Status& status) {
    if (!status.ok()) throw std::runtime_error(status.message);
  }

  template <class Write>
  void add(EntryKind kind, Write write) {
    std::vector<SystemEntry> entries(1);
    entries[0].kind = static_cast<uint8_t>(kind);
    entries[0].taiNs = kTaiNs;
    entries[0].fields = encoded(write);
    ApplyResult result;
    require(ledger_->apply({nullptr, 37, &entries}, &result));
    if (entries[0].refusal) throw std::runtime_error(entries[0].refusal.message);
  }

  void begin(const SigningAgent& agent) {
    const Hash filler{};
    add(EntryKind::kGenesis, [&](cbor::Writer& w) {
      w.writeArray(3).writeBytes(provisioningRecord()).writeText("key").writeBytes(filler);
    });
    add(EntryKind::kBoot, [&](cbor::Writer& w) {
      w.writeArray(8).writeUnsigned(1).writeText("bench").writeBytes(Bytes(filler).first(16));
      w.writeUnsigned(1).writeUnsigned(2).writeUnsigned(2).writeNull().writeArray(0);
    });
    add(EntryKind::kAgentEnrol, [&](cbor::Writer& w) {
      w.writeArray(8).writeText(agent.id()).writeText("bench").writeText("bench");
      w.writeBytes(filler).writeBytes(filler).writeArray(2).writeUnsigned(0).writeText("control");
      w.writeArray(0).writeArray(0);
    });
    add(EntryKind::kSessionOpen, [&](cbor::Writer& w) {
      w.writeArray(5).writeUnsigned(ledger_->state().agents().begin()->first).writeUnsigned(0);
      w.writeBytes(filler).writeUnsigned(1).writeArray(0);
    });
  }

  std::unique_ptr<Storage> storage_;
  std::unique_ptr<Ledger> ledger_;
};

struct Costs {
  int64_t makeNs = 0, readNs = 0, verifyNs = 0, sealNs = 0, applyNs = 0;
  uint64_t actions = 0;
};

template <class Step>
void timed(int64_t& sumNs, Step step) {
  const int64_t startedNs = cpuNs();
  step();
  sumNs += cpuNs() - startedNs;
}

intake::Batch madeBatch(SubmissionMaker& maker, const SubmissionForm& form) {
  intake::Batch batch;
  MadeSubmission made;
  for (uint64_t i = 0; i < kActionsPerBatch; i += form.actions) {
    maker.make(made);
    intake::SubmitItem& item = batch.items.emplace_back();
    item.frame.assign(made.frame.begin() + 5, made.frame.end());
    item.realtimeNs = static_cast<int64_t>(kTaiNs);
    item.writerLevel = 1;
  }
  return batch;
}

int measure(int count, char** words) {
  const Options options(count, words, {"folder", "agents", "actions", "body-bytes", "batches"});
  const std::vector<SigningAgent> agents = readAgents(options.text("agents"));
  const SigningAgent& agent = agents.front();
  SubmissionForm form;
  form.actions = options.number("actions", 1, submission::kActionsMax);
  form.bodySizeBytes = options.number("body-bytes", 512, submission::kBodySizeBytesMax);
  const uint64_t batches = options.number("batches", 10, 10'000);

  BenchLedger ledger(options.text("folder"), agent);
  const SessionState session = ledger.session();
  SubmissionMaker maker(agent, form, ledger.ledgerId);
  maker.startSession(session.id, 0, Hash{});
  const auto key = std::make_shared<intake::SessionKey>();
  key->key = agent.publicKey();
  key->kid = agent.keyId();
  BodyCipher cipher;
  Costs costs;
  for (uint64_t i = 0; i < batches; ++i) {
    intake::Batch batch;
    timed(costs.makeNs, [&] { batch = madeBatch(maker, form); });
    for (intake::SubmitItem& item : batch.items) {
      item.session = session.id;
      item.key = key;
    }
    timed(costs.readNs, [&] {
      for (intake::SubmitItem& item : batch.items) intake::readSubmission(item, ledger.ledgerId);
    });
    timed(costs.verifyNs, [&] {
      for (intake::SubmitItem& item : batch.items) intake::verifySignature(item);
    });
    timed(costs.sealNs, [&] {
      for (intake::SubmitItem& item : batch.items) sealBodies(item, ledger.keys, cipher);
    });
    timed(costs.applyNs, [&] { ledger.apply(batch); });
    costs.actions += batch.items.size() * form.actions;
  }
  const auto each = [&](int64_t ns) {
    return static_cast<double>(ns) / 1e3 / double(costs.actions);
  };
  std::printf(
      "{\"actions\":%zu,\"makeUs\":%.3f,\"readUs\":%.3f,\"verifyUs\":%.3f,\"sealUs\":%.3f,"
      "\"applyUs\":%.3f}\n",
      static_cast<size_t>(costs.actions), each(costs.makeNs), each(costs.readNs),
      each(costs.verifyNs), each(costs.sealNs), each(costs.applyNs));
  return 0;
}

}  // namespace
}  // namespace kudurru::bench

int main(int count, char** words) {
  return kudurru::bench::runProgram("step-costs", kudurru::bench::measure, count, words);
}
