// What stands between one connection and all of them.
#pragma once

#include <atomic>
#include <memory>
#include <string>
#include <variant>

#include "core/intake/batch.h"
#include "core/intake/limits.h"
#include "core/intake/protocol.h"

namespace kudurru::intake {

// When bytes were received.
struct Stamp {
  int64_t realtimeNs = 0;
  int64_t monotonicRawNs = 0;

  int64_t ms() const { return monotonicRawNs / 1'000'000; }
};

using Work = std::variant<SubmitItem, ChunkItem, SessionRequest>;

// What other threads may know of a connection's outgoing answers, a moment late.
struct OutgoingGauge {
  std::atomic<bool> ended = false;
  std::atomic<size_t> sizeBytes = 0;
};

struct Binding {
  Opened opened;
  std::shared_ptr<const SessionKey> key;
  std::shared_ptr<OutgoingGauge> gauge;  // may be null
};

class Connection;

// What a connection asks of those around it.
class ConnectionHost {
 public:
  virtual ~ConnectionHost() = default;

  // Takes memory for a submit or body-chunk frame; false: the connection waits until it is resumed.
  virtual bool admit(Connection& connection, size_t sizeBytes) = 0;
  // Corrects what was taken (`sizeBytes` more), or gives back (less than zero).
  virtual void account(Connection& connection, int64_t sizeBytes) = 0;
  // A piece of work was put into queue(), or taken back.
  virtual void queued(Connection& connection) = 0;
  virtual void withdrawn(Connection& connection) = 0;
  // What waits for clients to read it has grown by `sizeBytes`, or shrunk (less than zero).
  virtual void accountOutgoing(int64_t sizeBytes) = 0;
  virtual bool outgoingHasRoom(size_t sizeBytes) const = 0;
  virtual void countRefusal(const char* code) = 0;
  virtual void fillRandom(MutableBytes bytes) = 0;
  virtual WriterFacts lookAt(const Writer& writer) = 0;

  Hash ledgerId{};
  std::string origin;
  WriterLevel writerLevel = WriterLevel::kCredentials;
  Limits limits;
  // Where set: what every submission is refused with that is not in the ledger already.
  Refusal closedWith;
};

}  // namespace kudurru::intake
