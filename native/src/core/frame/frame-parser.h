// Frames of the agent socket (SPEC.md §6): u32 length (big-endian, of type and payload) ‖ u8 type ‖
// payload. Incremental and total: every byte string, cut anywhere, leads to frames or to one error,
// and the error sticks.
//
// The parser stops once a frame is announced (length and type are known and allowed) and takes no
// payload byte before `admit`: so whoever owns the memory decides first.
#pragma once

#include <cstdint>
#include <vector>

#include "core/bytes.h"

namespace kudurru::frame {

constexpr size_t kLengthBytes = 4;
constexpr size_t kHeaderBytes = kLengthBytes + 1;
// Of type and payload: a frame has at least one byte of payload.
constexpr uint32_t kFrameSizeBytesMin = 2;
constexpr uint32_t kFrameSizeBytesMax = 4'194'304;
// Payload of a body-chunk frame: 262,144 bytes of the body and 256 for what names them.
constexpr uint32_t kChunkPayloadBytesMax = 262'144 + 256;

enum class Type : uint8_t {
  kHello = 0x01,
  kOpen = 0x02,
  kSubmit = 0x03,
  kClose = 0x04,
  kBodyChunk = 0x05,
  kWelcome = 0x81,
  kOpened = 0x82,
  kCommitted = 0x83,
  kAnchored = 0x84,
  kClosed = 0x85,
  kRefused = 0x86,
};

// Bytes of the payload a client may send in a frame of this type; 0: not a client's frame.
// 0x01, 0x02 and 0x04 come before anything is known of the client, or hold one hash: they get what
// their grammar needs (hello: text of 128; open: a COSE_Sign1 over two texts and three hashes).
uint32_t payloadSizeBytesMax(uint8_t type);

enum class Error : uint8_t {
  kNone,
  kEmpty,        // a length of 0 or 1: no payload
  kTooLong,      // over kFrameSizeBytesMax, or over what a frame of that type may hold
  kTypeUnknown,  // not a type that a client sends
};

// The code of a `refused` answer, such as "frame-too-long".
const char* nameOf(Error error);

class Parser {
 public:
  enum class State : uint8_t {
    kHeader,     // between frames, or inside the first five bytes
    kAnnounced,  // waits for admit()
    kPayload,
    kComplete,  // waits for takePayload()
    kFailed,
  };

  State state() const { return state_; }
  Error error() const { return error_; }
  // True when some but not all bytes of a frame were taken.
  bool midFrame() const { return headerBytes_ != 0 && state_ != State::kComplete; }
  // Of the frame announced, in progress or complete.
  Type type() const { return static_cast<Type>(header_[kLengthBytes]); }
  size_t payloadSizeBytes() const { return frameSizeBytes_ - 1; }
  // The length that a kTooLong frame claims, for its message.
  uint32_t frameSizeBytes() const { return frameSizeBytes_; }

  // Takes bytes while the state allows it; how many. Takes none when announced, complete or failed.
  size_t feed(Bytes input);
  void admit();
  std::vector<uint8_t> takePayload();

 private:
  size_t feedHeader(Bytes input);
  size_t feedPayload(Bytes input);
  void fail(Error error);

  State state_ = State::kHeader;
  Error error_ = Error::kNone;
  uint8_t headerBytes_ = 0;
  uint8_t header_[kHeaderBytes] = {};
  uint32_t frameSizeBytes_ = 0;
  std::vector<uint8_t> payload_;
};

// Appends length and type to `out`; the payload's bytes follow.
void writeHeader(std::vector<uint8_t>& out, Type type, size_t payloadSizeBytes);

}  // namespace kudurru::frame
