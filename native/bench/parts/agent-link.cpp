#include "agent-link.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <cerrno>
#include <cstring>
#include <stdexcept>
#include <system_error>

#include "core/cbor/writer.h"
#include "core/submission/submission.h"

namespace kudurru::bench {
namespace {

constexpr std::string_view kClient = "kudurru load generator";
constexpr std::string_view kSessionType = "application/kudurru-session+cose";
constexpr cbor::Bounds kHashSize{sizeof(Hash), sizeof(Hash)};
constexpr cbor::Bounds kAnyNumber{0, cbor::kSafeIntegerMax};
constexpr cbor::Bounds kAnyText{1, 4096};
constexpr size_t kReadBytes = 65'536;
constexpr size_t kSendBytes = 16'384;

[[noreturn]] void throwErrno(const char* what) {
  throw std::system_error(errno, std::generic_category(), what);
}

void require(const cbor::Reader& reader, const char* what) {
  if (!reader.ok()) throw std::runtime_error(std::string("the ledger sent a malformed ") + what);
}

Hash hashOf(Bytes bytes) {
  Hash hash{};
  std::copy(bytes.begin(), bytes.end(), hash.begin());
  return hash;
}

intake::Descriptor connectTo(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) throw std::runtime_error("socket path too long");
  std::memcpy(address.sun_path, path.data(), path.size());
  intake::Descriptor socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!socket) throwErrno("socket");
  const auto* where = reinterpret_cast<const sockaddr*>(&address);
  if (connect(socket.get(), where, sizeof address) != 0) throwErrno("connect to the agent socket");
  return socket;
}

std::string refusalText(Bytes payload, std::string* code) {
  cbor::Reader reader(payload);
  reader.readArray({4, 4});
  if (!reader.takeNull()) reader.readUnsigned(kAnyNumber);
  *code = std::string(reader.readText(kAnyText));
  const std::string message(reader.readText(kAnyText));
  require(reader, "refusal");
  return *code + ": " + message;
}

}  // namespace

AgentLink::AgentLink(const LinkOptions& options, const SigningAgent& agent, LoadResult& result)
    : options_(options), result_(result), socket_(connectTo(options.socketPath)) {
  openSession(agent);
  const int flags = fcntl(socket_.get(), F_GETFL);
  if (flags < 0 || fcntl(socket_.get(), F_SETFL, flags | O_NONBLOCK) != 0) throwErrno("fcntl");
}

void AgentLink::openSession(const SigningAgent& agent) {
  std::vector<uint8_t> hello;
  cbor::Writer(hello).writeArray(2).writeUnsigned(1).writeText(kClient);
  sendAll(frame::Type::kHello, hello);
  const std::vector<uint8_t> welcome = readFrame(frame::Type::kWelcome);
  cbor::Reader reader(welcome);
  reader.readArray({6, 6});
  reader.readUnsigned({1, 1});
  const Bytes ledgerId = reader.readBytes(kHashSize);
  reader.readText(kAnyText);
  const Bytes challenge = reader.readBytes(kHashSize);
  reader.readUnsigned(kAnyNumber);
  reader.readArray({4, 4});
  for (int i = 0; i < 3; ++i) reader.readUnsigned(kAnyNumber);
  depth_ = std::min<size_t>(options_.depth, reader.readUnsigned(kAnyNumber));
  require(reader, "welcome");

  std::vector<uint8_t> request;
  cbor::Writer writer(request);
  writer.writeArray(6).writeUnsigned(1).writeBytes(ledgerId).writeBytes(challenge);
  writer.writeText(agent.id()).writeText(kClient).writeNull();
  std::vector<uint8_t> open;
  cbor::Writer(open).writeArray(1).writeBytes(agent.sign(kSessionType, request));
  sendAll(frame::Type::kOpen, open);
  const std::vector<uint8_t> opened = readFrame(frame::Type::kOpened);
  cbor::Reader answer(opened);
  answer.readArray({5, 5});
  sessionId_ = hashOf(answer.readBytes(kHashSize));
  answer.readUnsigned(kAnyNumber);
  answer.readUnsigned(kAnyNumber);
  const uint64_t nextSequence = answer.readUnsigned(kAnyNumber);
  const Hash previous = hashOf(answer.readBytes(kHashSize));
  require(answer, "opened");
  maker_ = std::make_unique<SubmissionMaker>(agent, options_.form, ledgerId);
  maker_->startSession(sessionId_, nextSequence, previous);
}

void AgentLink::readExactly(MutableBytes bytes) {
  while (!bytes.empty()) {
    const ssize_t size = recv(socket_.get(), bytes.data(), bytes.size(), 0);
    if (size == 0) throw std::runtime_error("the ledger ended the connection");
    if (size < 0) throwErrno("recv");
    bytes = bytes.subspan(static_cast<size_t>(size));
  }
}

std::vector<uint8_t> AgentLink::readFrame(frame::Type type) {
  std::array<uint8_t, frame::kHeaderBytes> header;
  readExactly(header);
  const uint32_t size = uint32_t{header[0]} << 24 | header[1] << 16 | header[2] << 8 | header[3];
  if (size < frame::kFrameSizeBytesMin || size > frame::kFrameSizeBytesMax) {
    throw std::runtime_error("the ledger sent a frame of a length that is none");
  }
  std::vector<uint8_t> payload(size - 1);
  readExactly(payload);
  const auto found = static_cast<frame::Type>(header[frame::kLengthBytes]);
  if (found == type) return payload;
  std::string code = "unexpected-frame";
  const bool refused = found == frame::Type::kRefused;
  const std::string text = refused ? refusalText(payload, &code) : code;
  throw std::runtime_error("the ledger did not open a session: " + text);
}

void AgentLink::sendAll(frame::Type type, Bytes payload) {
  std::vector<uint8_t> out;
  frame::writeHeader(out, type, payload.size());
  out.insert(out.end(), payload.begin(), payload.end());
  if (send(socket_.get(), out.data(), out.size(), MSG_NOSIGNAL) !=
      static_cast<ssize_t>(out.size())) {
    throwErrno("send");
  }
}

void AgentLink::sendMore() {
  while (wantsToSend()) {
    const ssize_t size =
        send(socket_.get(), outgoing_.data() + sent_, outgoing_.size() - sent_, MSG_NOSIGNAL);
    if (size < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return;
    if (size < 0 && errno != EINTR) throwErrno("send");
    if (size > 0) sent_ += static_cast<size_t>(size);
  }
}

// Small submissions are handed over several at a time, as a busy agent's library does.
void AgentLink::pump(uint64_t& submissionsLeft) {
  sendMore();
  while (!isRefused_ && !wantsToSend() && waiting_.size() < depth_ && submissionsLeft != 0) {
    outgoing_.clear();
    sent_ = 0;
    const size_t before = waiting_.size();
    while (outgoing_.size() < kSendBytes && waiting_.size() < depth_ && submissionsLeft != 0) {
      maker_->make(made_);
      outgoing_.insert(outgoing_.end(), made_.frame.begin(), made_.frame.end());
      waiting_.push_back({made_.firstSequence, 0, made_.statementHash});
      ++result_.submitted;
      --submissionsLeft;
    }
    const int64_t sentAtNs = nowNs();
    for (size_t i = before; i < waiting_.size(); ++i) waiting_[i].sentAtNs = sentAtNs;
    sendMore();
  }
}

void AgentLink::receive() {
  std::array<uint8_t, kReadBytes> buffer;
  const ssize_t size = recv(socket_.get(), buffer.data(), buffer.size(), 0);
  if (size < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (size < 0) throwErrno("recv");
  if (size == 0) throw std::runtime_error("the ledger ended the connection");
  incoming_.insert(incoming_.end(), buffer.begin(), buffer.begin() + size);
  size_t at = 0;
  while (incoming_.size() - at >= frame::kHeaderBytes) {
    const uint8_t* header = incoming_.data() + at;
    const uint32_t length =
        uint32_t{header[0]} << 24 | header[1] << 16 | header[2] << 8 | header[3];
    if (length < frame::kFrameSizeBytesMin || length > frame::kFrameSizeBytesMax) {
      throw std::runtime_error("the ledger sent a frame of a length that is none");
    }
    if (incoming_.size() - at < frame::kLengthBytes + length) break;
    take(static_cast<frame::Type>(header[frame::kLengthBytes]),
         Bytes(incoming_).subspan(at + frame::kHeaderBytes, length - 1));
    at += frame::kLengthBytes + length;
  }
  incoming_.erase(incoming_.begin(), incoming_.begin() + static_cast<ptrdiff_t>(at));
}

void AgentLink::take(frame::Type type, Bytes payload) {
  switch (type) {
    case frame::Type::kCommitted:
      return takeCommitted(payload);
    case frame::Type::kRefused:
      return takeRefused(payload);
    case frame::Type::kClosed:
      isClosed_ = true;
      return;
    default:
      throw std::runtime_error("the ledger sent a frame that was not asked for");
  }
}

// Answers come in the order of the submissions.
void AgentLink::takeCommitted(Bytes payload) {
  cbor::Reader reader(payload);
  reader.readArray({3, 3});
  const uint64_t firstSequence = reader.readUnsigned(kAnyNumber);
  reader.readArray({4, 4});
  KeptReceipt kept{};
  kept.firstIndex = reader.readUnsigned(kAnyNumber);
  kept.count = static_cast<uint32_t>(reader.readUnsigned({1, submission::kActionsMax}));
  kept.treeSize = reader.readUnsigned(kAnyNumber);
  kept.root = hashOf(reader.readBytes(kHashSize));
  reader.readItem();
  reader.finish();
  require(reader, "receipt");
  if (waiting_.empty() || waiting_.front().firstSequence != firstSequence ||
      kept.count != options_.form.actions) {
    throw std::runtime_error("the ledger sent a receipt for what was not submitted");
  }
  result_.lastReceiptNs = nowNs();
  result_.latency.add(result_.lastReceiptNs - waiting_.front().sentAtNs);
  kept.connection = options_.number;
  kept.firstSequence = firstSequence;
  kept.statementHash = waiting_.front().statementHash;
  result_.receipts.push_back(kept);
  result_.actionsCommitted += kept.count;
  ++committed_;
  waiting_.pop_front();
}

void AgentLink::takeRefused(Bytes payload) {
  std::string code;
  refusalText(payload, &code);
  ++result_.refusals[code];
  isRefused_ = true;
  if (!waiting_.empty()) waiting_.pop_front();
}

void AgentLink::close() {
  std::vector<uint8_t> payload;
  cbor::Writer(payload).writeArray(1).writeBytes(sessionId_);
  sendAll(frame::Type::kClose, payload);
}

}  // namespace kudurru::bench
