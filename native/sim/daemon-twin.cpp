#include "daemon-twin.h"

#include <algorithm>

#include "core/cbor/writer.h"
#include "core/entry/entry-fields.h"
#include "core/intake/submit-item.h"
#include "system-entries.h"

namespace kudurru::sim {
namespace {

constexpr int64_t kTaiMinusUtcSeconds = 37;

std::vector<uint8_t> encodeScope(const std::string& scope) {
  std::vector<uint8_t> bytes;
  cbor::Writer(bytes).writeArray(1).writeText(scope);
  return bytes;
}

}  // namespace

DaemonTwin::DaemonTwin(Context& context, Storage& storage, History& history,
                       const DaemonOptions& options)
    : context_(context), storage_(storage), history_(history), options_(options) {}

intake::WriterFacts DaemonTwin::lookAt(const intake::Writer& writer, intake::WriterLevel level) {
  intake::WriterFacts facts;
  facts.writer = writer;
  facts.level = level;
  return facts;
}

Status DaemonTwin::open(JournalReport* report) {
  LedgerOptions options;
  options.folder = "/state";
  options.ledgerId = options_.ledgerId;
  options.segmentBytes = options_.segmentBytes;
  std::unique_ptr<Ledger> opened;
  context_.faults.opening = true;
  const Status status = Ledger::open(storage_, options, &opened, report);
  context_.faults.opening = false;
  if (status.ok()) ledger_ = std::move(opened);
  return status;
}

void DaemonTwin::kill() {
  ledger_.reset();
  intake_.reset();
  phase_ = Phase::kIdle;
  batch_ = {};
  anchor_ = Anchor::kNone;
  context_.faults.recording = context_.faults.opening = false;
}

// What fails here and is no refusal ends the process, as the daemon does with code 70.
void DaemonTwin::must(const Status& status) {
  if (!status.ok()) throw Exit{std::string(codeName(status.code)) + ": " + status.message};
}

void DaemonTwin::begin(const JournalReport& report,
                       const std::vector<std::unique_ptr<Agent>>& agents) {
  intake::Options options;
  options.ledgerId = options_.ledgerId;
  options.origin = "example.org/log";
  options.writerLevel = intake::WriterLevel::kPidfdInode;
  options.limits = options_.limits;
  if (context_.is(Canary::kUnboundedIntake)) {
    options.limits.totalBytesMax = options.limits.connectionBytesMax = SIZE_MAX / 4;
    options.limits.agentBytesMax = SIZE_MAX / 4;
  }
  intake::Environment& environment = *this;
  intake_ = std::make_unique<intake::Intake>(options, environment);
  ++starts_;
  useKnownKeys();
  const bool isFirst = ledger_->state().size() == 0;
  if (isFirst) mustApply(genesisEntry(context_.clock));
  mustApply(bootEntry(context_.clock, starts_));
  if (!isFirst && !report.stoppedCleanly) mustApply(uncleanStartEntry(context_.clock));
  for (const auto& agent : agents) {
    const bench::SigningAgent& identity = agent->identity();
    keys_[identity.id()] = std::make_shared<const intake::SessionKey>(
        intake::SessionKey{identity.publicKey(), identity.keyId()});
    const auto& known = ledger_->state().agents();
    const bool isEnrolled =
        std::ranges::any_of(known, [&](const auto& one) { return one.second.id == identity.id(); });
    if (!isEnrolled) {
      mustApply(enrolEntry(context_.clock, identity, context_.schedule));
    }
  }
  resumeAnchor();
}

Hash DaemonTwin::scopeKey(const std::string& scope) const {
  const bool isWrong = context_.is(Canary::kWrongScopeKey) && starts_ > 1;
  return sha256(bytesOf(isWrong ? scope + " anew" : scope));
}

// Keys of scopes whose key record is durable.
void DaemonTwin::useKnownKeys() {
  std::vector<StoredRecord> records;
  must(ledger_->readRecords(RecordType::kScopeKey, {}, &records));
  for (const StoredRecord& record : records) {
    cbor::Reader reader(record.bytes);
    reader.readArray({1, 1});
    const std::string scope(reader.readText({1, 64}));
    ledger_->setScopeKey(scope, scopeKey(scope));
  }
  const std::string system(kSystemScope);
  const bool isKnown = std::ranges::any_of(
      records, [&](const StoredRecord& record) { return record.bytes == encodeScope(system); });
  if (!isKnown && appendRecord(RecordType::kScopeKey, encodeScope(system))) {
    ledger_->setScopeKey(system, scopeKey(system));
  }
}

// False where there is no room.
bool DaemonTwin::appendRecord(RecordType type, std::vector<uint8_t> bytes) {
  context_.faults.recording = true;
  const Status status = ledger_->appendRecord(type, bytes);
  context_.faults.recording = false;
  if (status.code == Code::kDiskFull) return false;
  must(status);
  history_.keep(type, std::move(bytes));
  return true;
}

// False where it was refused for want of room.
bool DaemonTwin::applySystem(SystemEntry entry, SystemEntry* done) {
  std::vector<SystemEntry> system{std::move(entry)};
  ApplyResult result;
  must(ledger_->apply({nullptr, kTaiMinusUtcSeconds, &system}, &result));
  const intake::Refusal& refusal = system[0].refusal;
  require(!refusal || refusal.retry != intake::Retry::kNever, kRecovers,
          std::string("an entry of the daemon was refused: ") +
              (refusal ? refusal.code + (": " + refusal.message) : ""));
  if (done != nullptr) *done = system[0];
  return !refusal;
}

// An entry without which a start is none: where there is no room for it, the process ends.
void DaemonTwin::mustApply(SystemEntry entry) {
  if (!applySystem(std::move(entry))) throw Exit{"no room for the entries of a start"};
}

void DaemonTwin::advancePipeline() {
  switch (phase_) {
    case Phase::kIdle:
      batch_ = intake_->takeBatch();
      nextRequest_ = 0;
      phase_ = Phase::kTaken;
      return;
    case Phase::kTaken:
      verifyBatch();
      phase_ = Phase::kVerified;
      return;
    case Phase::kVerified:
      makeKeys();
      phase_ = Phase::kKeyed;
      return;
    case Phase::kKeyed:
      applyBatch();
      phase_ = Phase::kApplied;
      return;
    case Phase::kApplied: {
      intake::Batch answered;
      answered.items = std::move(batch_.items);
      batch_.items.clear();
      intake_->answer(std::move(answered));
      phase_ = Phase::kRequests;
      return;
    }
    case Phase::kRequests:
      if (nextRequest_ < batch_.requests.size()) return decide(batch_.requests[nextRequest_++]);
      phase_ = Phase::kIdle;
      return;
  }
}

void DaemonTwin::verifyBatch() {
  if (context_.is(Canary::kUnsigned)) return;
  for (intake::SubmitItem& item : batch_.items) intake::verifySignature(item);
}

void DaemonTwin::makeKeys() {
  for (const std::string& scope : ledger_->missingScopes(batch_)) {
    if (appendRecord(RecordType::kScopeKey, encodeScope(scope))) {
      ledger_->setScopeKey(scope, scopeKey(scope));
    }
  }
}

void DaemonTwin::applyBatch() {
  if (batch_.items.empty()) return;
  if (context_.is(Canary::kSwappedAction)) {
    auto& envelopes = batch_.items.back().parsed.envelopes;
    if (envelopes.size() > 1) envelopes.back().bytes = envelopes.front().bytes;
  }
  const uint64_t before = ledger_->state().size();
  ApplyResult result;
  must(ledger_->apply({&batch_, kTaiMinusUtcSeconds, nullptr}, &result));
  require(result.root == ledger_->state().root() && result.firstIndex == before, kChainAndTreeAgree,
          "apply answers with another tree than the ledger has");
  context_.count("groups applied");
  spoilReceipts(before);
}

// The canaries of answers.
void DaemonTwin::spoilReceipts(uint64_t firstNew) {
  for (intake::SubmitItem& item : batch_.items) {
    if (item.refusal) continue;
    const bool isNew = item.receipt.firstIndex >= firstNew;
    if (context_.is(Canary::kIndexTwice) && isNew && history_.size() > 40) {
      item.receipt.firstIndex -= 2;
    }
    if (context_.is(Canary::kOtherReceipt) && !isNew) {
      item.receipt.treeSize = ledger_->state().size();
      item.receipt.root = ledger_->state().root();
    }
    if (context_.is(Canary::kUnguardedClock) && isNew) {
      EntryTime time;
      time.taiNs = static_cast<uint64_t>(item.realtimeNs + kTaiMinusUtcSeconds * 1'000'000'000);
      item.receipt.time.clear();
      encodeTime(time, item.receipt.time);
    }
  }
}

void DaemonTwin::decide(const intake::SessionRequest& request) {
  using Kind = intake::SessionRequest::Kind;
  if (request.kind == Kind::kOpen) openSession(request);
  if (request.kind == Kind::kClose) closeSession(request);
}

// An open session of the agent is taken up again; else there is a new one.
void DaemonTwin::openSession(const intake::SessionRequest& request) {
  cbor::Reader reader(request.payload);
  reader.readTag(cbor::kTagCoseSign1);
  reader.readArray({4, 4});
  reader.readBytes({0, 4096});
  reader.readMap({0, 0});
  cbor::Reader inner(reader.readBytes({0, 4096}));
  inner.readArray({6, 6});
  inner.readUnsigned({1, 1});
  inner.readBytes({32, 32});
  inner.readBytes({32, 32});
  const std::string agentId(inner.readText({1, 512}));
  uint64_t agentIndex = 0;
  for (const auto& [index, agent] : ledger_->state().agents()) {
    if (agent.id == agentId) agentIndex = index;
  }
  const intake::Refusal later{"not-ready", "try again", intake::Retry::kLater};
  if (agentIndex == 0) return intake_->refuse(request.connection, later, std::nullopt, true);
  for (const SessionState& session : ledger_->state().openSessions()) {
    if (session.agentIndex == agentIndex) return bind(request.connection, session, agentId);
  }
  SystemEntry done;
  const SessionOpening opening{agentIndex, ledger_->state().agentAt(agentIndex)->nextSessionNumber,
                               request.payload};
  if (!applySystem(sessionOpenEntry(context_.clock, opening), &done)) {
    return intake_->refuse(request.connection, done.refusal, std::nullopt, true);
  }
  bind(request.connection, *ledger_->state().openSessions().rbegin(), agentId);
}

void DaemonTwin::bind(uint64_t connection, const SessionState& session,
                      const std::string& agentId) {
  intake::Binding binding;
  binding.opened = {session.id, session.index, session.number, session.nextSequence,
                    session.previousStatementHash};
  binding.key = keys_.at(agentId);
  intake_->bind(connection, binding);
}

void DaemonTwin::closeSession(const intake::SessionRequest& request) {
  const std::vector<SessionState> open = ledger_->state().openSessions();
  const auto session = std::ranges::find_if(
      open, [&](const SessionState& one) { return std::ranges::equal(one.id, request.payload); });
  const intake::Refusal later{"not-ready", "try again", intake::Retry::kLater};
  if (session == open.end()) return intake_->refuse(request.connection, later, std::nullopt, true);
  if (!applySystem(sessionCloseEntry(context_.clock, session->index, session->nextSequence))) {
    return intake_->refuse(request.connection, later, std::nullopt, true);
  }
  intake_->closeSession(request.connection, session->id, session->nextSequence);
}

void DaemonTwin::publish() {
  const Status status = ledger_->publish(ledger_->state().size());
  if (status.code != Code::kDiskFull) must(status);
}

void DaemonTwin::raiseAlarm() {
  applySystem(alarmEntry(context_.clock, "at " + std::to_string(context_.clock.ms())));
}

void DaemonTwin::stop() {
  applySystem(stopEntry(context_.clock));
  must(ledger_->stop());
}

}  // namespace kudurru::sim
