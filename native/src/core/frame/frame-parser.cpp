#include "core/frame/frame-parser.h"

#include <algorithm>
#include <utility>

namespace kudurru::frame {

uint32_t payloadSizeBytesMax(uint8_t type) {
  switch (static_cast<Type>(type)) {
    case Type::kHello:
      return 256;
    case Type::kOpen:
      return 4096;
    case Type::kSubmit:
      return kFrameSizeBytesMax - 1;
    case Type::kClose:
      return 64;
    case Type::kBodyChunk:
      return kChunkPayloadBytesMax;
    default:
      return 0;
  }
}

const char* nameOf(Error error) {
  switch (error) {
    case Error::kNone:
      return "none";
    case Error::kEmpty:
      return "frame-empty";
    case Error::kTooLong:
      return "frame-too-long";
    case Error::kTypeUnknown:
      return "frame-type-unknown";
  }
  return "none";
}

size_t Parser::feed(Bytes input) {
  size_t taken = 0;
  if (state_ == State::kHeader) taken = feedHeader(input);
  if (state_ == State::kPayload) taken += feedPayload(input.subspan(taken));
  return taken;
}

size_t Parser::feedHeader(Bytes input) {
  size_t taken = 0;
  while (taken < input.size() && state_ == State::kHeader) {
    header_[headerBytes_++] = input[taken++];
    if (headerBytes_ == kLengthBytes) {
      frameSizeBytes_ = static_cast<uint32_t>(header_[0]) << 24 |
                        static_cast<uint32_t>(header_[1]) << 16 |
                        static_cast<uint32_t>(header_[2]) << 8 | header_[3];
      if (frameSizeBytes_ < kFrameSizeBytesMin) fail(Error::kEmpty);
      if (frameSizeBytes_ > kFrameSizeBytesMax) fail(Error::kTooLong);
    } else if (headerBytes_ == kHeaderBytes) {
      const uint32_t max = payloadSizeBytesMax(header_[kLengthBytes]);
      state_ = State::kAnnounced;
      if (max == 0) {
        fail(Error::kTypeUnknown);
      } else if (payloadSizeBytes() > max) {
        fail(Error::kTooLong);
      }
    }
  }
  return taken;
}

size_t Parser::feedPayload(Bytes input) {
  const size_t taken = std::min(input.size(), payloadSizeBytes() - payload_.size());
  payload_.insert(payload_.end(), input.begin(), input.begin() + static_cast<ptrdiff_t>(taken));
  if (payload_.size() == payloadSizeBytes()) state_ = State::kComplete;
  return taken;
}

void Parser::admit() {
  if (state_ != State::kAnnounced) return;
  payload_.clear();
  payload_.reserve(payloadSizeBytes());
  state_ = State::kPayload;
}

std::vector<uint8_t> Parser::takePayload() {
  if (state_ != State::kComplete) return {};
  state_ = State::kHeader;
  headerBytes_ = 0;
  return std::exchange(payload_, {});
}

void Parser::fail(Error error) {
  state_ = State::kFailed;
  error_ = error;
}

void writeHeader(std::vector<uint8_t>& out, Type type, size_t payloadSizeBytes) {
  const auto size = static_cast<uint32_t>(payloadSizeBytes + 1);
  for (int shift = 24; shift >= 0; shift -= 8) out.push_back(static_cast<uint8_t>(size >> shift));
  out.push_back(static_cast<uint8_t>(type));
}

}  // namespace kudurru::frame
