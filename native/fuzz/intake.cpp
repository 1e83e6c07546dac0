// A conversation of any bytes from several connections, with a pipeline that answers when the input
// says so: nothing is answered twice or never, what is sent are whole frames of the daemon, and the
// account of memory is even at the end.
#include "core/intake/intake.h"

#include <algorithm>
#include <cstdlib>

#include "core/frame/frame-parser.h"

namespace {

using namespace kudurru;
using namespace kudurru::intake;

constexpr size_t kConnectionsMax = 4;

void require(bool condition) {
  if (!condition) std::abort();
}

class StillEnvironment final : public Environment {
 public:
  void fillRandom(MutableBytes bytes) override { std::fill(bytes.begin(), bytes.end(), 1); }
  WriterFacts lookAt(const Writer& writer, WriterLevel level) override {
    return {writer, level, std::nullopt, std::nullopt, std::nullopt};
  }
};

class Input {
 public:
  Input(const uint8_t* data, size_t size) : rest_(data, size) {}
  bool empty() const { return rest_.empty(); }
  uint8_t byte() { return rest_.empty() ? 0 : take(1)[0]; }
  Bytes take(size_t size) {
    const Bytes taken = rest_.first(std::min(size, rest_.size()));
    rest_ = rest_.subspan(taken.size());
    return taken;
  }

 private:
  Bytes rest_;
};

std::shared_ptr<const SessionKey> sessionKey() {
  // RFC 8032, 7.1, test 1.
  constexpr uint8_t kKey[] = {0xd7, 0x5a, 0x98, 0x01, 0x82, 0xb1, 0x0a, 0xb7, 0xd5, 0x4b, 0xfe,
                              0xd3, 0xc9, 0x64, 0x07, 0x3a, 0x0e, 0xe1, 0x72, 0xf3, 0xda, 0xa6,
                              0x23, 0x25, 0xaf, 0x02, 0x1a, 0x68, 0xf7, 0x07, 0x51, 0x1a};
  Hash kid;
  kid.fill(3);
  return std::make_shared<const SessionKey>(
      SessionKey{PublicKey::parse(Algorithm::kEd25519, kKey), kid});
}

class Conversation {
 public:
  Conversation() : intake_(options(), environment_) {}

  void step(Input& input) {
    const uint8_t operation = input.byte();
    Connection* connection = intake_.find(1 + operation / 16 % kConnectionsMax);
    switch (operation % 8) {
      case 0:
        intake_.connect(nowMs_);
        break;
      case 1:
        answer();
        break;
      case 2:
        if (connection != nullptr) intake_.socketClosed(*connection);
        break;
      case 3:
        intake_.checkTime(nowMs_ += 10'000);
        break;
      case 4:
        if (connection != nullptr) read(*connection);
        break;
      default:
        if (connection != nullptr && connection->wantsInput()) feed(*connection, input, operation);
    }
    require(intake_.stats().connections <= kConnectionsMax);
  }

  void finish() {
    intake_.stop();
    while (intake_.hasWork()) answer();
    for (uint64_t id = 1; id < 100; ++id) {
      if (Connection* connection = intake_.find(id)) {
        read(*connection);
        require(connection->finished() && connection->heldBytes == 0);
        intake_.socketClosed(*connection);
      }
    }
    while (intake_.hasWork()) answer();
    require(intake_.idle() && intake_.stats().heldBytes == 0);
  }

 private:
  static Options options() {
    Options options;
    options.ledgerId.fill(4);
    options.origin = "example/log";
    options.limits.connectionsMax = kConnectionsMax;
    options.limits.inFlightMax = 3;
    options.limits.connectionBytesMax = 8192;
    options.limits.totalBytesMax = 16'384;
    options.limits.batchItemsMax = 3;
    return options;
  }

  static void feed(Connection& connection, Input& input, uint8_t operation) {
    const Writer writer{100, 1, 1, operation % 8 == 7 ? 2u : 1u, -1};
    connection.receive(input.take(input.byte()), writer, {1, 1});
  }

  void answer() {
    Batch batch = intake_.takeBatch();
    for (SubmitItem& item : batch.items) {
      if (item.refusal) continue;
      item.receipt.count = item.parsed.statement.actionCount;
      item.receipt.time = {0x80};
    }
    const std::vector<SessionRequest> requests = std::move(batch.requests);
    intake_.answer(std::move(batch));
    for (const SessionRequest& request : requests) answerRequest(request);
  }

  void answerRequest(const SessionRequest& request) {
    Binding binding;
    binding.opened.sessionId.fill(5);
    static const std::shared_ptr<const SessionKey> key = sessionKey();
    binding.key = key;
    if (request.kind == SessionRequest::Kind::kOpen) intake_.bind(request.connection, binding);
    if (request.kind != SessionRequest::Kind::kClose) return;
    intake_.closeSession(request.connection, binding.opened.sessionId, 0);
  }

  void read(Connection& connection) {
    const Bytes sent = connection.outgoing().unsent();
    for (size_t at = 0; at < sent.size();) {
      require(sent.size() - at > frame::kHeaderBytes);
      const size_t length = static_cast<size_t>(sent[at]) << 24 | sent[at + 1] << 16 |
                            sent[at + 2] << 8 | sent[at + 3];
      require(sent[at + 4] >= 0x81 && sent[at + 4] <= 0x86);
      require(cbor::check(sent.subspan(at + 5, length - 1)) == cbor::Error::kNone);
      at += frame::kLengthBytes + length;
    }
    connection.outgoing().sent(sent.size());
    intake_.admitWaiting();
  }

  StillEnvironment environment_;
  Intake intake_;
  int64_t nowMs_ = 0;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  Input input(data, size);
  Conversation conversation;
  while (!input.empty()) conversation.step(input);
  conversation.finish();
  return 0;
}
