#include "agent.h"

#include <algorithm>

#include "core/body/commitment.h"
#include "core/cbor/writer.h"
#include "core/journal/big-endian.h"
#include "core/tree/merkle.h"

namespace kudurru::sim {
namespace {

using cbor::Reader;
using cbor::Writer;

constexpr std::string_view kStatementType = "application/kudurru-statement+cose";
constexpr std::string_view kSessionType = "application/kudurru-session+cose";
constexpr cbor::Bounds kHashSize{sizeof(Hash), sizeof(Hash)};
constexpr cbor::Bounds kAnyNumber{0, cbor::kSafeIntegerMax};
constexpr cbor::Bounds kAnyTime{0, INT64_MAX};
constexpr cbor::Bounds kAnyText{1, 4096};
constexpr uint8_t kFieldInput = 1;
constexpr uint64_t kRetryNever = 0;

Hash keySeed(uint64_t number) {
  Hash seed{};
  put64(seed.data(), number + 1);
  return sha256(seed);
}

Hash hashFrom(Bytes bytes) {
  Hash hash{};
  std::ranges::copy(bytes, hash.begin());
  return hash;
}

}  // namespace

Agent::Agent(Context& context, History& history, uint64_t number, const LedgerId& ledgerId)
    : context_(context),
      history_(history),
      ledgerId_(ledgerId),
      identity_("spiffe://example.org/agent/" + std::to_string(number), keySeed(number)) {
  history_.addAgent(identity_);
}

std::string Agent::describe() const {
  return identity_.id() + ": " + std::to_string(acknowledged_) + " of " +
         std::to_string(made_.size()) + " statements have a receipt, stage " +
         std::to_string(static_cast<unsigned>(stage_)) + ", awaits " +
         std::to_string(awaited_.size());
}

void Agent::connect(std::shared_ptr<Line> line) {
  line_ = std::move(line);
  stage_ = Stage::kGreeting;
  sent_ = 0;
  awaited_.clear();
  someWereRefused_ = false;
  std::vector<uint8_t> hello;
  Writer(hello).writeArray(2).writeUnsigned(1).writeText("simulated agent");
  send(frame::Type::kHello, hello);
}

void Agent::leave() {
  if (line_ != nullptr) line_->agentLeft = true;
  line_.reset();
  stage_ = Stage::kOffline;
}

void Agent::send(frame::Type type, Bytes payload) {
  frame::writeHeader(line_->toDaemon, type, payload.size());
  line_->toDaemon.insert(line_->toDaemon.end(), payload.begin(), payload.end());
}

void Agent::act(bool calm) {
  if (stage_ != Stage::kBound) return;
  Random& random = context_.agentRandom;
  if (!calm && random.percent(habits.misbehavesPercent)) return misbehave();
  if (!calm && acknowledged_ > 0 && random.percent(8)) {
    return submitAgain(random.below(acknowledged_));
  }
  if (sent_ < made_.size()) return submitNext();
  if (calm) return;
  if (isSettled() && awaited_.empty() && made_.size() > 3 && random.percent(6)) {
    std::vector<uint8_t> close;
    Writer(close).writeArray(1).writeBytes(session_);
    send(frame::Type::kClose, close);
    stage_ = Stage::kClosing;
    return;
  }
  if (random.percent(2)) return leave();
  if (made_.size() - acknowledged_ < habits.inFlightMax && awaited_.size() < habits.inFlightMax) {
    make();
    submitNext();
  }
}

// In order; again from the first without a receipt once all before were answered.
void Agent::submitNext() {
  if (someWereRefused_) {
    if (!awaited_.empty()) return;
    someWereRefused_ = false;
    sent_ = acknowledged_;
  }
  const MadeStatement& statement = made_[sent_];
  send(frame::Type::kSubmit, statement.frame);
  awaited_.push_back({statement.firstSequence, sent_, true, ""});
  ++sent_;
}

void Agent::submitAgain(size_t made) {
  send(frame::Type::kSubmit, made_[made].frame);
  awaited_.push_back({made_[made].firstSequence, made, true, ""});
  context_.count("retries of what had a receipt");
}

void Agent::make() {
  made_.push_back(makeStatement(nextSequence_, previous_));
  nextSequence_ += made_.back().envelopes.size();
  previous_ = made_.back().hash;
  ++submissions_;
}

std::vector<uint8_t> Agent::makeEnvelope(uint32_t action, MadeStatement* statement) {
  Random& random = context_.agentRandom;
  std::vector<uint8_t> out;
  Writer writer(out);
  writer.writeMap(6).writeUnsigned(1).writeUnsigned(1).writeUnsigned(2).writeUnsigned(3);
  writer.writeUnsigned(3).writeUnsigned(1).writeUnsigned(4);
  writer.writeText("operation " + std::to_string(random.next()));
  writer.writeUnsigned(16).writeUnsigned(1).writeUnsigned(20);
  if (habits.bodyBytesMax == 0 || !random.percent(40)) {
    writer.writeArray(0);
    return out;
  }
  DepositedBody body{action, kFieldInput, {}};
  body.plain.resize(kSaltSizeBytes + random.between(1, habits.bodyBytesMax));
  random.fill(body.plain);
  const Bytes plain(body.plain);
  const Bytes bytes = plain.subspan(kSaltSizeBytes);
  writer.writeArray(1).writeArray(5).writeUnsigned(kFieldInput).writeUnsigned(bytes.size());
  writer.writeBytes(commitmentDigest(plain.first(kSaltSizeBytes), kFieldInput, bytes));
  writer.writeNull().writeUnsigned(1);
  statement->bodies.push_back(std::move(body));
  return out;
}

MadeStatement Agent::makeStatement(uint64_t firstSequence, const Hash& previous) {
  MadeStatement statement;
  statement.firstSequence = firstSequence;
  const uint64_t count = context_.agentRandom.between(1, habits.actionsMax);
  std::vector<Hash> leaves;
  for (uint32_t action = 0; action < count; ++action) {
    statement.envelopes.push_back(makeEnvelope(action, &statement));
    leaves.push_back(leafHash(statement.envelopes.back()));
  }
  std::vector<uint8_t> payload;
  Writer(payload)
      .writeArray(7)
      .writeUnsigned(1)
      .writeBytes(ledgerId_)
      .writeBytes(session_)
      .writeUnsigned(firstSequence)
      .writeBytes(previous)
      .writeUnsigned(count)
      .writeBytes(treeRoot(leaves));
  statement.cose = identity_.sign(kStatementType, payload);
  encodeFrame(&statement);
  return statement;
}

void Agent::encodeFrame(MadeStatement* statement) const {
  statement->hash = sha256(statement->cose);
  statement->frame.clear();
  Writer writer(statement->frame);
  writer.writeArray(4).writeBytes(statement->cose).writeArray(statement->envelopes.size());
  for (const std::vector<uint8_t>& envelope : statement->envelopes) writer.writeBytes(envelope);
  writer.writeArray(statement->bodies.size());
  for (const DepositedBody& body : statement->bodies) {
    const Bytes plain(body.plain);
    writer.writeArray(4).writeUnsigned(body.action).writeUnsigned(body.field);
    writer.writeBytes(plain.first(kSaltSizeBytes)).writeBytes(plain.subspan(kSaltSizeBytes));
  }
  writer.writeUnsigned(1);
}

void Agent::misbehave() {
  context_.count("misbehaviours");
  const uint64_t kind = context_.agentRandom.below(8);
  switch (kind) {
    case 0: {  // bytes that are no frame
      std::vector<uint8_t> noise(context_.agentRandom.between(1, 40));
      context_.agentRandom.fill(noise);
      line_->toDaemon.insert(line_->toDaemon.end(), noise.begin(), noise.end());
      return leave();
    }
    case 1: {  // half a frame, then silence
      const MadeStatement statement = makeStatement(nextSequence_, previous_);
      frame::writeHeader(line_->toDaemon, frame::Type::kSubmit, statement.frame.size());
      line_->toDaemon.insert(line_->toDaemon.end(), statement.frame.begin(),
                             statement.frame.begin() + 20);
      return leave();
    }
    case 2: {  // another process writes into the session
      line_->writer.pid += 1;
      std::vector<uint8_t> close;
      Writer(close).writeArray(1).writeBytes(session_);
      send(frame::Type::kClose, close);
      return leave();
    }
    default:
      return submitBad(kind);
  }
}

// A submission that must be refused, and leave nothing.
void Agent::submitBad(uint64_t kind) {
  if (sent_ < made_.size() || someWereRefused_) return;
  if (kind == 4 && acknowledged_ == 0) kind = 3;
  MadeStatement statement;
  std::string code;
  if (kind == 3) {
    statement = makeStatement(nextSequence_ + 5, previous_);
    code = "sequence-gap";
  } else if (kind == 4) {
    const MadeStatement& taken = made_[context_.agentRandom.below(acknowledged_)];
    statement = makeStatement(taken.firstSequence, previous_);
    code = "sequence-taken";
  } else if (kind == 5 && nextSequence_ != 0) {
    statement = makeStatement(nextSequence_, keySeed(77));
    code = "previous-statement-mismatch";
  } else {
    statement = makeStatement(nextSequence_, previous_);
    statement.cose[statement.cose.size() - 1 - context_.agentRandom.below(32)] ^= 1;
    encodeFrame(&statement);
    code = "signature-invalid";
  }
  send(frame::Type::kSubmit, statement.frame);
  awaited_.push_back({statement.firstSequence, 0, false, code});
}

void Agent::listen() {
  if (line_ == nullptr) return;
  std::vector<uint8_t>& bytes = line_->toAgent;
  size_t at = 0;
  while (line_ != nullptr && bytes.size() - at >= frame::kHeaderBytes) {
    const size_t length = get32(&bytes[at]);
    if (bytes.size() - at < frame::kLengthBytes + length) break;
    const std::vector<uint8_t> payload(bytes.begin() + static_cast<ptrdiff_t>(at + 5),
                                       bytes.begin() + static_cast<ptrdiff_t>(at + 4 + length));
    const auto type = static_cast<frame::Type>(bytes[at + 4]);
    at += frame::kLengthBytes + length;
    hear(type, payload);
  }
  if (line_ == nullptr) return;
  bytes.erase(bytes.begin(), bytes.begin() + static_cast<ptrdiff_t>(at));
  if (line_->daemonLeft) leave();
}

void Agent::hear(frame::Type type, Bytes payload) {
  switch (type) {
    case frame::Type::kWelcome:
      return sendOpen(payload);
    case frame::Type::kOpened:
      return hearOpened(payload);
    case frame::Type::kCommitted:
      return hearCommitted(payload);
    case frame::Type::kRefused:
      return hearRefused(payload);
    case frame::Type::kClosed:
      require(stage_ == Stage::kClosing, kEachIsAnswered, identity_.id() + " did not ask to close");
      hasSession_ = false;
      return leave();
    default:
      violate(kEachIsAnswered, identity_.id() + " got a frame that nobody asked for");
  }
}

void Agent::sendOpen(Bytes welcome) {
  Reader reader(welcome);
  reader.readArray({6, 6});
  reader.readUnsigned({1, 1});
  reader.readBytes(kHashSize);
  reader.readText(kAnyText);
  const Bytes challenge = reader.readBytes(kHashSize);
  std::vector<uint8_t> request;
  Writer(request)
      .writeArray(6)
      .writeUnsigned(1)
      .writeBytes(ledgerId_)
      .writeBytes(challenge)
      .writeText(identity_.id())
      .writeText("simulated agent")
      .writeNull();
  std::vector<uint8_t> open;
  Writer(open).writeArray(1).writeBytes(identity_.sign(kSessionType, request));
  send(frame::Type::kOpen, open);
  stage_ = Stage::kOpening;
}

void Agent::hearOpened(Bytes payload) {
  Reader reader(payload);
  reader.readArray({5, 5});
  const Hash session = hashFrom(reader.readBytes(kHashSize));
  reader.readUnsigned(kAnyNumber);
  reader.readUnsigned(kAnyNumber);
  const uint64_t nextSequence = reader.readUnsigned(kAnyNumber);
  const Hash previous = hashFrom(reader.readBytes(kHashSize));
  stage_ = Stage::kBound;
  if (!hasSession_ || session != session_) {
    require(isSettled(), kNothingLost, describe() + ": its session is gone");
    hasSession_ = true;
    session_ = session;
    made_.clear();
    receipts_.clear();
    acknowledged_ = 0;
    nextSequence_ = nextSequence;
    previous_ = previous;
    require(nextSequence == 0, kNothingLost, describe() + ": a new session that is not new");
  }
  uint64_t acknowledged = 0;
  if (acknowledged_ > 0) {
    const MadeStatement& last = made_[acknowledged_ - 1];
    acknowledged = last.firstSequence + last.envelopes.size();
  }
  require(nextSequence >= acknowledged && nextSequence <= nextSequence_, kNothingLost,
          describe() + ": the ledger goes on at " + std::to_string(nextSequence));
  sent_ = acknowledged_;
}

void Agent::hearCommitted(Bytes payload) {
  Reader reader(payload);
  reader.readArray({3, 3});
  const uint64_t sequence = reader.readUnsigned(kAnyNumber);
  GivenReceipt receipt;
  reader.readArray({4, 4});
  receipt.firstIndex = reader.readUnsigned(kAnyNumber);
  receipt.count = reader.readUnsigned(kAnyNumber);
  receipt.treeSize = reader.readUnsigned(kAnyNumber);
  receipt.root = hashFrom(reader.readBytes(kHashSize));
  reader.readArray({7, 7});
  receipt.taiNs = reader.readUnsigned(kAnyTime);
  require(!awaited_.empty() && awaited_.front().firstSequence == sequence, kEachIsAnswered,
          describe() + ": an answer out of turn, for sequence " + std::to_string(sequence));
  const Awaited awaited = awaited_.front();
  awaited_.pop_front();
  require(awaited.isGood, kSignedByItsAgent,
          describe() + ": taken, where it should be refused with " + awaited.code);
  history_.acknowledge(made_[awaited.made], receipt);
  if (awaited.made == acknowledged_) ++acknowledged_;
}

void Agent::hearRefused(Bytes payload) {
  Reader reader(payload);
  reader.readArray({4, 4});
  std::optional<uint64_t> sequence;
  if (!reader.takeNull()) sequence = reader.readUnsigned(kAnyNumber);
  const std::string code(reader.readText(kAnyText));
  reader.readText({0, 4096});
  const uint64_t retry = reader.readUnsigned({0, 2});
  context_.count("refused: " + code);
  if (sequence) return hearRefusalOf(*sequence, code, retry);
  // Of the connection, or of what it asked for beside submissions.
  leave();
}

void Agent::hearRefusalOf(uint64_t sequence, const std::string& code, uint64_t retry) {
  require(!awaited_.empty() && awaited_.front().firstSequence == sequence, kEachIsAnswered,
          describe() + ": a refusal out of turn, for sequence " + std::to_string(sequence));
  const Awaited awaited = awaited_.front();
  awaited_.pop_front();
  if (!awaited.isGood) {
    const bool follows = someWereRefused_ && code == "sequence-gap";
    require(code == awaited.code || follows || retry != kRetryNever, kEachIsAnswered,
            describe() + ": refused with " + code + ", not with " + awaited.code);
    return;
  }
  // What follows a refused statement has no place until that one has.
  const bool follows = someWereRefused_ && (code == "sequence-gap");
  require(retry != kRetryNever || follows, kEachIsAnswered,
          describe() + ": a good statement was refused with " + code);
  someWereRefused_ = true;
  if (awaited.made >= acknowledged_) sent_ = std::min(sent_, made_.size() - 1);
}

}  // namespace kudurru::sim
