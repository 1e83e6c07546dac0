// A ledger on a simulated disk with one agent, and a session that submits to it.
#pragma once

#include <gtest/gtest.h>

#include "core/fsck/fsck.h"
#include "core/hash/sha256.h"
#include "core/ledger/ledger.h"
#include "simulated-storage.h"
#include "submission-builder.h"

namespace kudurru::test {

constexpr const char* kState = "/state";

inline Buffer provisioningRecord() {
  return encode([](cbor::Writer& w) {
    w.writeArray(5).writeUnsigned(1).writeText("example.org/log").writeText("example.org");
    w.writeArray(0).writeBytes(Buffer(32, 1));
  });
}

inline LedgerId ledgerIdOfTests() { return sha256(provisioningRecord()); }

inline SystemEntry systemEntry(EntryKind kind, Buffer fields,
                               std::vector<PrivateBody> bodies = {}) {
  SystemEntry entry;
  entry.kind = static_cast<uint8_t>(kind);
  entry.taiNs = 1'000;
  entry.monotonicRawNs = 2'000;
  entry.fields = std::move(fields);
  entry.bodies = std::move(bodies);
  return entry;
}

inline SystemEntry genesis() {
  return systemEntry(EntryKind::kGenesis, encode([](cbor::Writer& w) {
                       w.writeArray(3).writeBytes(provisioningRecord()).writeText("key");
                       w.writeBytes(Buffer(3, 7));
                     }));
}

inline SystemEntry boot(uint64_t number) {
  return systemEntry(EntryKind::kBoot, encode([&](cbor::Writer& w) {
                       w.writeArray(8).writeUnsigned(number).writeText("0.1.0");
                       w.writeBytes(Buffer(16, 2)).writeUnsigned(1).writeUnsigned(2);
                       w.writeUnsigned(2).writeNull().writeArray(0);
                     }));
}

inline SystemEntry enrol(const std::string& id, std::vector<PrivateBody> bodies = {}) {
  Buffer commitments = encode([&](cbor::Writer& w) { w.writeArray(bodies.size()); });
  for (const PrivateBody& body : bodies) {
    const BodyParts parts{0, body.field, {body.salt.begin(), body.salt.end()}, body.bytes};
    const Buffer commitment = encodeCommitment(parts);
    commitments.insert(commitments.end(), commitment.begin(), commitment.end());
  }
  Buffer fields = encode([&](cbor::Writer& w) {
    w.writeArray(8).writeText(id).writeText("owner").writeText("purpose");
    w.writeBytes(Buffer(40, 3)).writeBytes(Buffer(99, 4));
    w.writeArray(2).writeUnsigned(1000).writeText("control").writeRaw(commitments).writeArray(0);
  });
  return systemEntry(EntryKind::kAgentEnrol, std::move(fields), std::move(bodies));
}

inline SystemEntry openSession(uint64_t agentIndex, uint64_t number) {
  return systemEntry(EntryKind::kSessionOpen, encode([&](cbor::Writer& w) {
                       w.writeArray(5).writeUnsigned(agentIndex).writeUnsigned(number);
                       w.writeBytes(Buffer(200, 5)).writeUnsigned(2).writeArray(0);
                     }));
}

inline SystemEntry closeSession(uint64_t sessionIndex, uint64_t count) {
  return systemEntry(EntryKind::kSessionClose, encode([&](cbor::Writer& w) {
                       w.writeArray(3).writeUnsigned(sessionIndex).writeUnsigned(count);
                       w.writeUnsigned(1);
                     }));
}

// What an agent knows of its session: enough to write the next statement.
struct AgentSide {
  Hash session{};
  uint64_t nextSequence = 0;
  Hash previous{};

  // The frame of a submission of `actions` actions; the first carries a body of `bodyBytes` bytes.
  Buffer submit(uint64_t actions, size_t bodyBytes = 0) {
    SubmissionBuilder builder;
    for (uint64_t at = 0; at < actions; ++at) {
      std::vector<BodyParts> bodies;
      if (at == 0 && bodyBytes != 0) {
        bodies.push_back({0, 1, Buffer(32, static_cast<uint8_t>(nextSequence + 1)),
                          Buffer(bodyBytes, static_cast<uint8_t>(nextSequence + 65))});
      }
      Fields fields = observation();
      fields[4] = encode(
          [&](cbor::Writer& w) { w.writeText("operation " + std::to_string(nextSequence + at)); });
      builder.add(fields, bodies);
    }
    return submit(builder);
  }

  // The frame of these actions, at the session's next place.
  Buffer submit(SubmissionBuilder builder) {
    builder.firstSequence = nextSequence;
    builder.statement = statement(builder);
    previous = sha256(*builder.statement);
    nextSequence += builder.envelopes.size();
    return builder.build();
  }

  Buffer statement(const SubmissionBuilder& builder) const {
    const Buffer payload = encode([&](cbor::Writer& w) {
      w.writeArray(7).writeUnsigned(1).writeBytes(ledgerIdOfTests()).writeBytes(session);
      w.writeUnsigned(builder.firstSequence).writeBytes(previous);
      w.writeUnsigned(builder.envelopes.size()).writeBytes(builder.rootOfEnvelopes());
    });
    return encode([&](cbor::Writer& w) {
      w.writeTag(cbor::kTagCoseSign1).writeArray(4).writeBytes(builder.protectedHeader());
      w.writeMap(0).writeBytes(payload).writeBytes(Buffer(64, 9));
    });
  }
};

inline intake::SubmitItem itemOf(const Buffer& frame, int64_t realtimeNs = 5'000) {
  intake::SubmitItem item;
  item.frame = frame;
  item.realtimeNs = realtimeNs;
  item.monotonicRawNs = 6'000;
  item.writerLevel = 2;
  const submission::Fault fault = submission::parse(item.frame, item.parsed);
  EXPECT_FALSE(fault) << submission::describe(fault);
  return item;
}

class LedgerTest : public testing::Test {
 protected:
  LedgerTest() { disk_.folders.insert("/"); }

  LedgerOptions options() const {
    LedgerOptions options;
    options.folder = kState;
    options.ledgerId = ledgerIdOfTests();
    options.segmentBytes = segmentBytes_;
    return options;
  }

  Status open() {
    ledger_.reset();
    Status status = Ledger::open(storage_, options(), &ledger_, &report_);
    if (!status.ok()) return status;
    Hash key;
    key.fill(8);
    ledger_->setScopeKey("system", key);
    key.fill(9);
    ledger_->setScopeKey("default", key);
    return status;
  }

  // Opens and brings the log so far that the agent side can submit. Idempotent over restarts.
  Status start() {
    Status status = open();
    if (status.ok() && ledger_->state().size() == 0) status = applySystem({genesis()});
    if (status.ok()) status = applySystem({boot(++boots_)});
    if (status.ok() && ledger_->state().agents().empty()) {
      status = applySystem({enrol("spiffe://example.org/agent/a")});
    }
    if (!status.ok()) return status;
    const uint64_t agent = ledger_->state().agents().begin()->first;
    if (ledger_->state().openSessions().empty()) {
      status =
          applySystem({openSession(agent, ledger_->state().agentAt(agent)->nextSessionNumber)});
    }
    if (!status.ok()) return status;
    const SessionState session = ledger_->state().openSessions().front();
    agent_ = {session.id, session.nextSequence, session.previousStatementHash};
    return status;
  }

  Status applySystem(std::vector<SystemEntry> entries) {
    system_ = std::move(entries);
    Status status = ledger_->apply({nullptr, 0, &system_}, &result_);
    for (const SystemEntry& entry : system_) {
      if (status.ok() && entry.refusal) {
        return failure(Code::kBadArgument,
                       std::string(entry.refusal.code) + ": " + entry.refusal.message);
      }
    }
    return status;
  }

  Status applyFrames(const std::vector<Buffer>& frames) {
    batch_ = {};
    for (const Buffer& frame : frames) batch_.items.push_back(itemOf(frame));
    return ledger_->apply({&batch_, 37, nullptr}, &result_);
  }

  // The refusal of one submission, "" when it was taken.
  std::string refusalOf(const Buffer& frame) {
    EXPECT_EQ(applyFrames({frame}).message, "");
    const intake::Refusal& refusal = batch_.items[0].refusal;
    return refusal ? refusal.code : "";
  }

  struct Checked {
    fsck::Report report;
    fsck::Findings findings;

    // "" where nothing is wrong.
    std::string first() const { return findings.list().empty() ? "" : findings.list()[0].message; }
    std::string firstCode() const { return findings.list().empty() ? "" : findings.list()[0].code; }
  };

  // The tests' statements bear no real signatures.
  Checked check(bool checksSignatures = false) {
    fsck::Options options;
    options.folder = kState;
    options.checksSignatures = checksSignatures;
    options.scopeKeys["default"].fill(9);
    options.scopeKeys["system"].fill(8);
    Checked checked;
    EXPECT_EQ(fsck::check(storage_, options, &checked.report, &checked.findings).message, "");
    return checked;
  }

  uint64_t segmentBytes_ = 256 * 1024;
  SimulatedDisk disk_;
  SimulatedStorage storage_{disk_};
  std::unique_ptr<Ledger> ledger_;
  JournalReport report_;
  AgentSide agent_;
  intake::Batch batch_;
  std::vector<SystemEntry> system_;
  ApplyResult result_;
  uint64_t boots_ = 0;
};

}  // namespace kudurru::test
