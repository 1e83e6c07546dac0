#include "core/intake/protocol.h"

#include "core/cbor/writer.h"
#include "core/frame/frame-parser.h"

namespace kudurru::intake {
namespace {

constexpr uint64_t kVersion = 1;
constexpr cbor::Bounds kClientBytes{1, 128};

// Writes the payload with `write`, then sets the length of the frame that it made.
template <class Write>
void writeFrame(Output& out, frame::Type type, Write write) {
  const size_t start = out.size();
  frame::writeHeader(out, type, 0);
  cbor::Writer writer(out);
  write(writer);
  const size_t size = out.size() - start - frame::kLengthBytes;
  for (size_t i = 0; i < frame::kLengthBytes; ++i) {
    out[start + i] = static_cast<uint8_t>(size >> (8 * (frame::kLengthBytes - 1 - i)));
  }
}

// A payload of the wrong form may be wrongly encoded further on: that is the worse fault.
cbor::Error finish(cbor::Reader& reader, Bytes payload) {
  reader.finish();
  if (reader.ok()) return cbor::Error::kNone;
  const cbor::Error encoding = cbor::check(payload);
  return encoding == cbor::Error::kNone ? reader.error() : encoding;
}

bool isContinuation(char byte) { return (static_cast<uint8_t>(byte) & 0xc0) == 0x80; }

// Text as SPEC.md §1 wants it: UTF-8, no control characters, cut between characters.
std::string cleanText(const std::string& message) {
  if (!cbor::isUtf8(bytesOf(message))) return "a message that is not text";
  size_t size = message.size();
  if (size > kMessageBytesMax) {
    size = kMessageBytesMax;
    while (isContinuation(message[size])) --size;
  }
  std::string text = message.substr(0, size);
  for (char& byte : text) {
    if (static_cast<uint8_t>(byte) < 0x20 || byte == 0x7f) byte = ' ';
  }
  return text;
}

}  // namespace

cbor::Error readHello(Bytes payload, std::string_view& client) {
  cbor::Reader reader(payload);
  reader.readArray({2, 2});
  reader.readUnsigned({kVersion, kVersion});
  client = reader.readText(kClientBytes);
  return finish(reader, payload);
}

cbor::Error readOpen(Bytes payload, Bytes& request) {
  cbor::Reader reader(payload);
  reader.readArray({1, 1});
  request = reader.readBytes({1, payload.size()});
  return finish(reader, payload);
}

cbor::Error readClose(Bytes payload, Bytes& sessionId) {
  cbor::Reader reader(payload);
  reader.readArray({1, 1});
  sessionId = reader.readBytes({sizeof(Hash), sizeof(Hash)});
  return finish(reader, payload);
}

const char* codeOf(cbor::Error error) {
  switch (error) {
    case cbor::Error::kNone:
      return nullptr;
    case cbor::Error::kType:
    case cbor::Error::kRange:
    case cbor::Error::kControlCharacter:
      return "frame-malformed";
    default:
      return "frame-not-canonical";
  }
}

void writeWelcome(Output& out, const Welcome& welcome) {
  writeFrame(out, frame::Type::kWelcome, [&](cbor::Writer& writer) {
    writer.writeArray(6).writeUnsigned(kVersion).writeBytes(welcome.ledgerId);
    writer.writeText(welcome.origin).writeBytes(welcome.challenge);
    writer.writeUnsigned(static_cast<uint64_t>(welcome.writerLevel));
    writer.writeArray(4).writeUnsigned(frame::kFrameSizeBytesMax);
    writer.writeUnsigned(submission::kActionsMax).writeUnsigned(submission::kBodySizeBytesMax);
    writer.writeUnsigned(welcome.inFlightMax);
  });
}

void writeOpened(Output& out, const Opened& opened) {
  writeFrame(out, frame::Type::kOpened, [&](cbor::Writer& writer) {
    writer.writeArray(5).writeBytes(opened.sessionId).writeUnsigned(opened.sessionIndex);
    writer.writeUnsigned(opened.sessionNumber).writeUnsigned(opened.nextSequence);
    writer.writeBytes(opened.previousStatementHash);
  });
}

void writeCommitted(Output& out, uint64_t firstSequence, const Receipt& receipt) {
  writeFrame(out, frame::Type::kCommitted, [&](cbor::Writer& writer) {
    writer.writeArray(3).writeUnsigned(firstSequence);
    writer.writeArray(4).writeUnsigned(receipt.firstIndex).writeUnsigned(receipt.count);
    writer.writeUnsigned(receipt.treeSize).writeBytes(receipt.root);
    writer.writeRaw(receipt.time);
  });
}

void writeAnchored(Output& out, uint64_t firstSequence, Bytes receipt) {
  writeFrame(out, frame::Type::kAnchored, [&](cbor::Writer& writer) {
    writer.writeArray(2).writeUnsigned(firstSequence).writeRaw(receipt);
  });
}

void writeClosed(Output& out, Bytes sessionId, uint64_t actionCount) {
  writeFrame(out, frame::Type::kClosed, [&](cbor::Writer& writer) {
    writer.writeArray(2).writeBytes(sessionId).writeUnsigned(actionCount);
  });
}

void writeRefused(Output& out, std::optional<uint64_t> firstSequence, const Refusal& refusal) {
  writeFrame(out, frame::Type::kRefused, [&](cbor::Writer& writer) {
    writer.writeArray(4);
    if (firstSequence.has_value()) {
      writer.writeUnsigned(*firstSequence);
    } else {
      writer.writeNull();
    }
    writer.writeText(refusal.code).writeText(cleanText(refusal.message));
    writer.writeUnsigned(static_cast<uint64_t>(refusal.retry));
  });
}

}  // namespace kudurru::intake
