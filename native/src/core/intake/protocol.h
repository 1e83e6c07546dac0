// Payloads of the agent socket's frames (SPEC.md §6): the small ones read, all answers written.
// A submit frame's payload is core/submission's.
#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "core/bytes.h"
#include "core/cbor/cbor.h"
#include "core/intake/batch.h"
#include "core/intake/limits.h"
#include "core/intake/writer.h"

namespace kudurru::intake {

// Each read function gives none for a payload that is its form, and fills its output.
cbor::Error readHello(Bytes payload, std::string_view& client);
// The COSE_Sign1, not looked into.
cbor::Error readOpen(Bytes payload, Bytes& request);
cbor::Error readClose(Bytes payload, Bytes& sessionId);

// "frame-not-canonical" for what is not deterministic CBOR, "frame-malformed" for what is, but of
// another form; null for none.
const char* codeOf(cbor::Error error);

struct Welcome {
  Bytes ledgerId;
  std::string_view origin;
  Bytes challenge;
  WriterLevel writerLevel;
  size_t inFlightMax;
};

struct Opened {
  Hash sessionId{};
  uint64_t sessionIndex = 0;
  uint64_t sessionNumber = 0;
  uint64_t nextSequence = 0;
  Hash previousStatementHash{};
};

// Each write function appends one whole frame.
using Output = std::vector<uint8_t>;
void writeWelcome(Output& out, const Welcome& welcome);
void writeOpened(Output& out, const Opened& opened);
void writeCommitted(Output& out, uint64_t firstSequence, const Receipt& receipt);
void writeAnchored(Output& out, uint64_t firstSequence, Bytes receipt);
void writeClosed(Output& out, Bytes sessionId, uint64_t actionCount);
// The message is cut at kMessageBytesMax and cleaned of control characters.
void writeRefused(Output& out, std::optional<uint64_t> firstSequence, const Refusal& refusal);

}  // namespace kudurru::intake
