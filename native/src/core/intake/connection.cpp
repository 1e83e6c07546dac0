#include "core/intake/connection.h"

#include <algorithm>
#include <utility>

#include "core/intake/submit-item.h"

namespace kudurru::intake {
namespace {

std::string describeFault(const frame::Parser& parser) {
  switch (parser.error()) {
    case frame::Error::kEmpty:
      return "a frame without a payload: its length is '" +
             std::to_string(parser.frameSizeBytes()) + "'";
    case frame::Error::kTooLong:
      return "a frame of '" + std::to_string(parser.frameSizeBytes()) +
             "' bytes is longer than a frame of its type may be";
    default:
      return "no client sends frames of type '" +
             std::to_string(static_cast<unsigned>(parser.type())) + "'";
  }
}

Refusal malformed(const char* frameName, cbor::Error error) {
  return {codeOf(error),
          std::string("the payload of the ") + frameName +
              " frame is not of its form: " + cbor::nameOf(error),
          Retry::kNever};
}

}  // namespace

Connection::Connection(uint64_t id, ConnectionHost& host, int64_t nowMs)
    : id_(id), host_(host), handshakeSinceMs_(nowMs), sentSinceMs_(nowMs) {}

void Connection::receive(Bytes input, const Writer& writer, Stamp stamp) {
  if (!wantsInput()) return;
  const size_t taken = take(input, writer, stamp);
  if (!waiting_) return;
  const Bytes rest = input.subspan(taken);
  held_ = {{rest.begin(), rest.end()}, 0, writer, stamp};
  held_.writer.pidfd = -1;
}

void Connection::resume() {
  waiting_ = false;
  admittedBytes_ = parser_.payloadSizeBytes();
  parser_.admit();
  Held held = std::exchange(held_, {});
  held.offset += take(Bytes(held.bytes).subspan(held.offset), held.writer, held.stamp);
  if (waiting_) held_ = std::move(held);
}

// Bytes taken; fewer than given only when a frame waits or the input has ended.
size_t Connection::take(Bytes input, const Writer& writer, Stamp stamp) {
  size_t taken = 0;
  while (taken < input.size() && wantsInput()) {
    if (!parser_.midFrame()) {
      frameWriter_ = writer;
      frameSinceMs_ = stamp.ms();
    } else if (!frameWriter_.same(writer)) {
      violate({"frame-two-writers",
               "process " + std::to_string(writer.pid) + " went on with a frame that process " +
                   std::to_string(frameWriter_.pid) + " began; a frame has one writer",
               Retry::kNever});
      break;
    }
    taken += parser_.feed(input.subspan(taken));
    if (parser_.state() == frame::Parser::State::kFailed) {
      violate({frame::nameOf(parser_.error()), describeFault(parser_), Retry::kNever});
    } else if (parser_.state() == frame::Parser::State::kAnnounced) {
      if (announced(writer)) parser_.admit();
    }
    if (parser_.state() == frame::Parser::State::kComplete) completed(writer, stamp);
  }
  return taken;
}

// Whether a frame of this type, from this writer, may come now: looked at before its payload is
// read. True when its memory is taken too.
bool Connection::announced(const Writer& writer) {
  const frame::Type type = parser_.type();
  const bool isData = type == frame::Type::kSubmit || type == frame::Type::kBodyChunk;
  const bool inSession = isData || type == frame::Type::kClose;
  const Stage wanted = inSession                    ? Stage::kBound
                       : type == frame::Type::kOpen ? Stage::kGreeted
                                                    : Stage::kConnected;
  if (stage_ >= Stage::kOpening && !sessionWriter_.same(writer)) {
    violate({"writer-changed",
             "process " + std::to_string(writer.pid) + " wrote into the session that process " +
                 std::to_string(sessionWriter_.pid) + " opened; each process opens its own",
             Retry::kNever});
    return false;
  }
  if (stage_ != wanted) {
    const bool early = inSession && stage_ < Stage::kBound;
    violate({early ? "session-not-open" : "frame-unexpected",
             early ? "a session must be open before this frame"
                   : "this frame may not come at this point of a connection",
             Retry::kNever});
    return false;
  }
  if (!isData) return true;
  waiting_ = !host_.admit(*this, parser_.payloadSizeBytes());
  if (!waiting_) admittedBytes_ = parser_.payloadSizeBytes();
  return !waiting_;
}

void Connection::completed(const Writer& writer, Stamp stamp) {
  const frame::Type type = parser_.type();
  std::vector<uint8_t> payload = parser_.takePayload();
  if (type == frame::Type::kHello) return greet(payload);
  if (type == frame::Type::kOpen) return requestOpen(payload, writer, stamp);
  if (type == frame::Type::kClose) return requestClose(payload, stamp);
  if (type == frame::Type::kBodyChunk) return takeChunk(std::move(payload));
  submit(std::move(payload), stamp);
}

void Connection::greet(Bytes payload) {
  std::string_view client;
  const cbor::Error error = readHello(payload, client);
  if (error != cbor::Error::kNone) return violate(malformed("hello", error));
  host_.fillRandom(challenge_);
  writeWelcome(outgoing_.frames(), {host_.ledgerId, host_.origin, challenge_, host_.writerLevel,
                                    host_.limits.inFlightMax});
  stage_ = Stage::kGreeted;
}

void Connection::requestOpen(Bytes payload, const Writer& writer, Stamp stamp) {
  Bytes request;
  const cbor::Error error = readOpen(payload, request);
  if (error != cbor::Error::kNone) return violate(malformed("open", error));
  stage_ = Stage::kOpening;
  sessionWriter_ = writer;
  sessionWriter_.pidfd = -1;
  enqueue(SessionRequest{SessionRequest::Kind::kOpen,
                         id_,
                         {request.begin(), request.end()},
                         challenge_,
                         host_.lookAt(writer),
                         stamp.realtimeNs,
                         stamp.monotonicRawNs});
}

void Connection::requestClose(Bytes payload, Stamp stamp) {
  Bytes session;
  const cbor::Error error = readClose(payload, session);
  if (error != cbor::Error::kNone) return violate(malformed("close", error));
  if (!std::equal(session.begin(), session.end(), session_.begin())) {
    return violate(
        {"session-mismatch", "the close frame names another session than this one", Retry::kNever});
  }
  stage_ = Stage::kClosing;
  enqueue(SessionRequest{SessionRequest::Kind::kClose,
                         id_,
                         {session.begin(), session.end()},
                         challenge_,
                         std::nullopt,
                         stamp.realtimeNs,
                         stamp.monotonicRawNs});
}

void Connection::submit(std::vector<uint8_t> payload, Stamp stamp) {
  SubmitItem item;
  item.connection = id_;
  item.session = session_;
  item.key = key_;
  item.frame = std::move(payload);
  item.realtimeNs = stamp.realtimeNs;
  item.monotonicRawNs = stamp.monotonicRawNs;
  item.writerLevel = static_cast<uint8_t>(host_.writerLevel);
  readSubmission(item, host_.ledgerId);
  item.unlessRepeated = host_.closedWith;
  largeBodies_.handOver(item);
  item.heldBytes = memoryOf(item);
  host_.account(*this, static_cast<int64_t>(item.heldBytes) - static_cast<int64_t>(admittedBytes_));
  admittedBytes_ = 0;
  ++inFlight_;
  enqueue(std::move(item));
}

void Connection::takeChunk(std::vector<uint8_t> payload) {
  ChunkItem item;
  item.connection = id_;
  item.frame = std::move(payload);
  submission::BodyChunk chunk;
  const cbor::Error error = submission::readBodyChunk(item.frame, chunk);
  if (error != cbor::Error::kNone) return violate(malformed("body-chunk", error));
  const auto fillRandom = [this](MutableBytes bytes) { host_.fillRandom(bytes); };
  if (Refusal refusal = largeBodies_.take(chunk, fillRandom, item)) {
    return violate(std::move(refusal));
  }
  if (host_.closedWith) largeBodies_.drop(host_.closedWith);
  if (largeBodies_.isDropping()) return giveBack();
  item.heldBytes = sizeof(ChunkItem) + item.frame.capacity();
  host_.account(*this, static_cast<int64_t>(item.heldBytes) - static_cast<int64_t>(admittedBytes_));
  admittedBytes_ = 0;
  ++chunksInFlight_;
  enqueue(std::move(item));
}

// The memory taken for the frame in progress.
void Connection::giveBack() {
  host_.account(*this, -static_cast<int64_t>(std::exchange(admittedBytes_, 0)));
}

void Connection::enqueue(Work work) {
  queue_.push_back(std::move(work));
  host_.queued(*this);
}

bool Connection::bind(const Binding& binding) {
  if (stage_ != Stage::kOpening || inputEnded_) return false;
  stage_ = Stage::kBound;
  session_ = binding.opened.sessionId;
  key_ = binding.key;
  gauge_ = binding.gauge;
  writeOpened(outgoing_.frames(), binding.opened);
  return true;
}

void Connection::refuse(const Refusal& refusal, std::optional<uint64_t> firstSequence, bool end) {
  if (inputEnded_) return;
  if (stage_ == Stage::kOpening) stage_ = Stage::kGreeted;
  if (stage_ == Stage::kClosing) stage_ = Stage::kBound;
  if (end) {
    parting_ = refusal;
    return leave(false);
  }
  host_.countRefusal(refusal.code);
  writeRefused(outgoing_.frames(), firstSequence, refusal);
}

void Connection::closeSession(const Hash& sessionId, uint64_t actionCount) {
  if (inputEnded_) return;
  writeClosed(outgoing_.frames(), sessionId, actionCount);
  leave(false);
}

void Connection::answer(const SubmitItem& item) {
  --inFlight_;
  host_.account(*this, -static_cast<int64_t>(item.heldBytes));
  if (item.refusal) {
    host_.countRefusal(item.refusal.code);
    writeRefused(outgoing_.frames(), item.firstSequence, item.refusal);
  } else {
    writeCommitted(outgoing_.frames(), *item.firstSequence, item.receipt);
  }
  if (outputEnded_) outgoing_.clear();
  part();
}

// Those at the front of the queue, chunks of large bodies left aside: of these none is answered.
std::optional<int64_t> Connection::queuedSinceMs() const {
  for (const Work& work : queue_) {
    if (std::holds_alternative<ChunkItem>(work)) continue;
    const SubmitItem* item = std::get_if<SubmitItem>(&work);
    if (item == nullptr) return std::nullopt;
    return Stamp{item->realtimeNs, item->monotonicRawNs}.ms();
  }
  return std::nullopt;
}

// All of them, not only the late one: each statement names the one before it.
size_t Connection::refuseQueued(const Refusal& refusal) {
  size_t count = 0;
  std::deque<Work> chunks;
  for (; queuedSinceMs().has_value(); queue_.pop_front()) {
    Work work = std::move(queue_.front());
    SubmitItem* item = std::get_if<SubmitItem>(&work);
    if (item == nullptr) {
      chunks.push_back(std::move(work));
      continue;
    }
    if (!item->refusal) item->refusal = refusal;
    answer(*item);
    ++count;
  }
  queue_.insert(queue_.begin(), std::move_iterator(chunks.begin()),
                std::move_iterator(chunks.end()));
  return count;
}

void Connection::release(const ChunkItem& item) {
  --chunksInFlight_;
  host_.account(*this, -static_cast<int64_t>(item.heldBytes));
}

void Connection::pushAnchored(uint64_t firstSequence, Bytes receipt) {
  // After the end only answers are owed.
  if (inputEnded_ || outgoingBytes() + receipt.size() > host_.limits.outgoingBytesMax) return;
  if (!host_.outgoingHasRoom(receipt.size())) return;
  writeAnchored(outgoing_.frames(), firstSequence, receipt);
}

void Connection::endInput() {
  if (inputEnded_) return;
  if (parser_.midFrame()) {
    return violate({"frame-truncated", "the connection ended inside a frame", Retry::kNever});
  }
  leave(true);
}

void Connection::violate(Refusal refusal) {
  if (inputEnded_) return;
  parting_ = std::move(refusal);
  leave(true);
}

void Connection::publish() {
  const size_t shown = std::exchange(publishedBytes_, outgoingBytes());
  host_.accountOutgoing(static_cast<int64_t>(publishedBytes_) - static_cast<int64_t>(shown));
  if (gauge_ == nullptr) return;
  gauge_->ended = inputEnded_;
  gauge_->sizeBytes = outgoingBytes();
}

void Connection::endOutput() {
  outputEnded_ = true;
  outgoing_.clear();
}

// Ends the input. A session that the pipeline has seen, or may have by now, is reported as
// disconnected, in its turn; an `open` that nobody has looked at is forgotten.
void Connection::leave(bool tellPipeline) {
  inputEnded_ = true;
  waiting_ = false;
  held_ = {};
  parser_ = {};
  giveBack();
  if (tellPipeline && stage_ >= Stage::kOpening) {
    const bool unseen = stage_ == Stage::kOpening && !queue_.empty();
    if (unseen) {
      queue_.clear();
      host_.withdrawn(*this);
    } else {
      SessionRequest gone;
      gone.kind = SessionRequest::Kind::kDisconnected;
      gone.connection = id_;
      enqueue(std::move(gone));
    }
  }
  part();
}

// The refusal that ended the input is said last.
void Connection::part() {
  if (!inputEnded_ || inFlight_ != 0 || !parting_.has_value()) return;
  const Refusal refusal = *std::exchange(parting_, std::nullopt);
  host_.countRefusal(refusal.code);
  if (!outputEnded_) writeRefused(outgoing_.frames(), std::nullopt, refusal);
}

void Connection::checkTime(int64_t nowMs) {
  const Limits& limits = host_.limits;
  if (outgoing_.empty() || outgoing_.sentInAll() != sentAtCheck_) {
    sentAtCheck_ = outgoing_.sentInAll();
    sentSinceMs_ = nowMs;
  }
  if (stage_ >= Stage::kOpening) handshakeSinceMs_ = nowMs;
  if (!parser_.midFrame() || waiting_) frameSinceMs_ = nowMs;
  if (nowMs - sentSinceMs_ > limits.stallTimeMs) {
    violate({"client-stalled", "answers were not read in time", Retry::kLater});
    return endOutput();
  }
  if (nowMs - frameSinceMs_ > limits.frameTimeMs) {
    return violate({"frame-stalled", "the rest of a frame did not come in time", Retry::kLater});
  }
  if (nowMs - handshakeSinceMs_ > limits.handshakeTimeMs) {
    violate({"handshake-stalled", "no session was opened in time", Retry::kLater});
  }
}

}  // namespace kudurru::intake
