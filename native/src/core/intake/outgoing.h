// Answers that a client has not read yet, in their order.
#pragma once

#include <vector>

#include "core/bytes.h"

namespace kudurru::intake {

class Outgoing {
 public:
  // Capacity kept while there is nothing to send.
  static constexpr size_t kKeptBytes = 16'384;

  // Frames are appended here, by the functions of protocol.h.
  std::vector<uint8_t>& frames() { return bytes_; }
  Bytes unsent() const { return Bytes(bytes_).subspan(sent_); }
  size_t sizeBytes() const { return bytes_.size() - sent_; }
  bool empty() const { return sizeBytes() == 0; }

  void sent(size_t sizeBytes) {
    sent_ += sizeBytes;
    sentInAll_ += sizeBytes;
    if (empty()) {
      clear();
    } else if (sent_ >= kKeptBytes && sent_ >= bytes_.size() / 2) {
      bytes_.erase(bytes_.begin(), bytes_.begin() + static_cast<ptrdiff_t>(sent_));
      sent_ = 0;
    }
  }

  void clear() {
    sent_ = 0;
    bytes_.clear();
    if (bytes_.capacity() > kKeptBytes) bytes_.shrink_to_fit();
  }

  // Grows with every byte sent: tells a client that reads slowly from one that does not read.
  uint64_t sentInAll() const { return sentInAll_; }

 private:
  std::vector<uint8_t> bytes_;
  size_t sent_ = 0;
  uint64_t sentInAll_ = 0;
};

}  // namespace kudurru::intake
