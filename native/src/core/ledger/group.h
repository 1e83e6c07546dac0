// A group record's payload: the entries that one sync makes durable together, the tree's root after
// them, and their sealed bodies. Integers are big-endian.
//
//   0 version u8, 1 | 1 zeros 3 | 4 entry count u32 | 8 first index u64 | 16 bytes of entries u32
//   20 body count u32 | 24 root 32 | 56 entries: (length u16, entry)*, as in a C2SP entry bundle
//   then bodies: (entry's place in the group u32, field u8, length of scope u8, scope,
//                 commitment digest 32, length u32, sealed)*
//   where the length's highest bit is set, the list of a large body's chunks (chunks.h) stands in
//   the place of its sealed form
#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "core/bytes.h"

namespace kudurru {

constexpr size_t kGroupHeaderBytes = 56;
constexpr size_t kScopeBytesMax = 64;

struct SealedBody {
  uint32_t entry = 0;  // place in the group
  uint8_t field = 0;
  std::string_view scope;
  Bytes digest;
  Bytes sealed;            // or the list of its chunks
  bool isChunked = false;  // a large body
};

// Bytes that a body takes beside its sealed form, at most.
constexpr size_t kBodyOverheadBytesMax = 4 + 1 + 1 + kScopeBytesMax + 32 + 4;

// What a body takes in the record, and its bytes up to the sealed ones; gives where those go.
size_t sealedBodyBytes(std::string_view scope, size_t sealedBytes);
uint8_t* writeBodyHead(const SealedBody& body, size_t sealedBytes, uint8_t* to);

class GroupBuilder {
 public:
  void begin(uint64_t firstIndex);

  // The entry is what `encode` appends to the buffer it is given; valid until the next call.
  template <class Encode>
  Bytes addEntry(Encode&& encode) {
    const size_t at = entries_.size();
    entries_.resize(at + 2);
    encode(entries_);
    return finishEntry(at);
  }
  // Room for the body's sealed form or list of chunks, to be filled before the next call.
  MutableBytes addBody(const SealedBody& body, size_t sealedBytes);
  // Bodies in the form of this record, with entries counted from `firstEntry`. The caller keeps
  // them until the group is written.
  void addBodies(MutableBytes bodies, uint32_t firstEntry);

  bool empty() const { return entryCount_ == 0; }
  uint64_t firstIndex() const { return firstIndex_; }
  uint32_t entryCount() const { return entryCount_; }
  size_t bytes() const { return kGroupHeaderBytes + entries_.size() + bodiesBytes_; }

  // The parts of the payload, valid until the next change.
  std::span<const Bytes> finish(const Hash& root);

  // The entry at this place of the group so far.
  Bytes entry(uint32_t place) const;

 private:
  Bytes finishEntry(size_t at);

  uint64_t firstIndex_ = 0;
  uint32_t entryCount_ = 0;
  uint32_t bodyCount_ = 0;
  std::array<uint8_t, kGroupHeaderBytes> header_{};
  std::vector<uint8_t> entries_;
  std::vector<uint8_t> bodies_;  // those made here
  struct Part {
    const uint8_t* kept;  // the caller's; null: the next bytes of bodies_
    size_t size;
  };
  std::vector<Part> parts_;  // of the bodies, in their order
  size_t bodiesBytes_ = 0;
  std::vector<Bytes> payload_;
};

// Reads a payload. Total: a payload that is not of this form gives nothing.
class GroupView {
 public:
  static std::optional<GroupView> parse(Bytes payload);

  uint64_t firstIndex() const { return firstIndex_; }
  uint32_t entryCount() const { return entryCount_; }
  uint64_t treeSize() const { return firstIndex_ + entryCount_; }
  const Hash& root() const { return root_; }

  // Calls `take(entry)` for each entry in order, until it returns false.
  template <class Take>
  void forEachEntry(Take&& take) const {
    for (size_t at = 0; at < entries_.size();) {
      const size_t size = static_cast<size_t>(entries_[at] << 8 | entries_[at + 1]);
      if (!take(entries_.subspan(at + 2, size))) return;
      at += 2 + size;
    }
  }
  // place < entryCount()
  Bytes entry(uint32_t place) const;

  // Calls `take(body)` for each body in order, until it returns false.
  template <class Take>
  void forEachBody(Take&& take) const {
    SealedBody body;
    for (Bytes left = bodies_; !left.empty();) {
      if (!takeBody(&left, &body) || !take(body)) return;
    }
  }

  // The next of a list of bodies; false where it is not whole.
  static bool takeBody(Bytes* left, SealedBody* body);

 private:
  bool checkEntries() const;
  bool checkBodies(uint32_t count) const;

  uint64_t firstIndex_ = 0;
  uint32_t entryCount_ = 0;
  Hash root_{};
  Bytes entries_;
  Bytes bodies_;
};

}  // namespace kudurru
