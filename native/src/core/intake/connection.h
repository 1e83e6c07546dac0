// One connection of the agent socket as a state machine: bytes with their writer and times go in,
// work for the pipeline and answers for the client come out. No I/O, no clock, no threads.
//
//   connected -hello-> greeted -open-> opening -bind()-> bound -close-> closing -closeSession()->
//
// A frame that is out of turn, not of its form or of another writer ends the input; what was
// received before it stays in force and is answered first, then the refusal, then the end.
#pragma once

#include <deque>
#include <memory>
#include <optional>
#include <vector>

#include "core/frame/frame-parser.h"
#include "core/intake/connection-host.h"
#include "core/intake/large-body.h"
#include "core/intake/outgoing.h"
#include "core/intake/protocol.h"
#include "core/intake/share.h"

namespace kudurru::intake {

class Connection {
 public:
  Connection(uint64_t id, ConnectionHost& host, int64_t nowMs);

  uint64_t id() const { return id_; }

  // --- the socket's side ---
  // False while a frame waits for room or after the end: nothing is to be received then.
  bool wantsInput() const { return !inputEnded_ && !waiting_; }
  void receive(Bytes input, const Writer& writer, Stamp stamp);
  // The client will send nothing more.
  void endInput();
  // Ends the input with a refusal, sent when everything received before has been answered.
  void violate(Refusal refusal);
  // The client reads nothing any more.
  void endOutput();
  Outgoing& outgoing() { return outgoing_; }
  size_t outgoingBytes() const { return outgoing_.sizeBytes(); }
  // Shows outgoing() to other threads; after every change.
  void publish();
  // All was answered and read: the socket is to be closed.
  bool finished() const {
    return inputEnded_ && inFlight_ == 0 && chunksInFlight_ == 0 && outgoing_.empty();
  }
  // Ends what takes too long. To be called every second or so; its times are as exact as that.
  void checkTime(int64_t nowMs);

  // --- the pipeline's side ---
  std::deque<Work>& queue() { return queue_; }
  // Whether it was bound: an ended connection is not.
  bool bind(const Binding& binding);
  // Of a session request; with `end` the connection's end, and no `disconnected` follows.
  void refuse(const Refusal& refusal, std::optional<uint64_t> firstSequence, bool end);
  void closeSession(const Hash& sessionId, uint64_t actionCount);
  void answer(const SubmitItem& item);
  // Answers the submissions at the front of queue() with this refusal; how many there were.
  size_t refuseQueued(const Refusal& refusal);
  // When the submission at the front of queue() came.
  std::optional<int64_t> queuedSinceMs() const;
  // The ledger has looked at the chunk.
  void release(const ChunkItem& item);
  // Dropped where it has no room or the connection has ended.
  void pushAnchored(uint64_t firstSequence, Bytes receipt);

  // --- the host's account ---
  size_t inFlight() const { return inFlight_; }
  // The frame announced may come: of chunks only a few are held at a time.
  bool chunkHasRoom() const {
    return parser_.type() != frame::Type::kBodyChunk || chunksInFlight_ < kChunksInFlightMax;
  }
  bool waiting() const { return waiting_; }
  size_t waitingBytes() const { return parser_.payloadSizeBytes(); }
  // Goes on with the frame that waited: its memory has been taken.
  void resume();

  Share* share = nullptr;  // the host's: of its agent
  size_t heldBytes = 0;    // the host's
  bool listed = false;     // the host's: stands in its list of connections with work
  bool touched = false;    // the host's: stands in its list of changed connections

 private:
  enum class Stage : uint8_t { kConnected, kGreeted, kOpening, kBound, kClosing };
  struct Held {
    std::vector<uint8_t> bytes;
    size_t offset = 0;
    Writer writer;
    Stamp stamp;
  };

  size_t take(Bytes input, const Writer& writer, Stamp stamp);
  bool announced(const Writer& writer);
  void completed(const Writer& writer, Stamp stamp);
  void greet(Bytes payload);
  void requestOpen(Bytes payload, const Writer& writer, Stamp stamp);
  void requestClose(Bytes payload, Stamp stamp);
  void submit(std::vector<uint8_t> payload, Stamp stamp);
  void takeChunk(std::vector<uint8_t> payload);
  void giveBack();
  void enqueue(Work work);
  void leave(bool tellPipeline);
  void part();

  const uint64_t id_;
  ConnectionHost& host_;
  Stage stage_ = Stage::kConnected;
  int64_t handshakeSinceMs_;
  frame::Parser parser_;
  Writer frameWriter_;
  int64_t frameSinceMs_ = 0;
  Held held_;                 // read behind a frame that waits
  size_t admittedBytes_ = 0;  // taken for the frame in progress
  bool waiting_ = false;
  bool inputEnded_ = false;
  bool outputEnded_ = false;
  Hash challenge_{};
  Writer sessionWriter_;
  Hash session_{};
  std::shared_ptr<const SessionKey> key_;
  std::shared_ptr<OutgoingGauge> gauge_;
  std::deque<Work> queue_;
  LargeBodies largeBodies_;
  size_t inFlight_ = 0;
  size_t chunksInFlight_ = 0;
  std::optional<Refusal> parting_;
  Outgoing outgoing_;
  size_t publishedBytes_ = 0;  // of outgoing_, as the host knows it
  uint64_t sentAtCheck_ = 0;
  int64_t sentSinceMs_;
};

}  // namespace kudurru::intake
