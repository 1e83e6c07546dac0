#include "core/ledger/group.h"

#include <algorithm>

#include "core/journal/big-endian.h"
#include "core/ledger/chunks.h"

namespace kudurru {
namespace {

// In the length of a body: its chunks are listed.
constexpr uint32_t kChunkedBit = uint32_t{1} << 31;

constexpr uint8_t kGroupVersion = 1;
constexpr size_t kRootAt = 24;

}  // namespace

void GroupBuilder::begin(uint64_t firstIndex) {
  firstIndex_ = firstIndex;
  entryCount_ = 0;
  bodyCount_ = 0;
  entries_.clear();
  bodies_.clear();
  parts_.clear();
  bodiesBytes_ = 0;
}

Bytes GroupBuilder::finishEntry(size_t at) {
  const size_t size = entries_.size() - at - 2;
  put16(&entries_[at], static_cast<uint16_t>(size));
  ++entryCount_;
  return Bytes(entries_).subspan(at + 2);
}

size_t sealedBodyBytes(std::string_view scope, size_t sealedBytes) {
  return 4 + 1 + 1 + scope.size() + 32 + 4 + sealedBytes;
}

uint8_t* writeBodyHead(const SealedBody& body, size_t sealedBytes, uint8_t* to) {
  put32(to, body.entry);
  to[4] = body.field;
  to[5] = static_cast<uint8_t>(body.scope.size());
  to = std::copy(body.scope.begin(), body.scope.end(), to + 6);
  to = std::copy(body.digest.begin(), body.digest.end(), to);
  put32(to, static_cast<uint32_t>(sealedBytes) | (body.isChunked ? kChunkedBit : 0));
  return to + 4;
}

MutableBytes GroupBuilder::addBody(const SealedBody& body, size_t sealedBytes) {
  const size_t at = bodies_.size();
  const size_t size = sealedBodyBytes(body.scope, sealedBytes);
  bodies_.resize(at + size);
  ++bodyCount_;
  parts_.push_back({nullptr, size});
  bodiesBytes_ += size;
  return {writeBodyHead(body, sealedBytes, &bodies_[at]), sealedBytes};
}

void GroupBuilder::addBodies(MutableBytes bodies, uint32_t firstEntry) {
  if (bodies.empty()) return;
  for (Bytes left = bodies; !left.empty(); ++bodyCount_) {
    uint8_t* entry = bodies.data() + (bodies.size() - left.size());
    put32(entry, get32(entry) + firstEntry);
    SealedBody body;
    GroupView::takeBody(&left, &body);
  }
  parts_.push_back({bodies.data(), bodies.size()});
  bodiesBytes_ += bodies.size();
}

std::span<const Bytes> GroupBuilder::finish(const Hash& root) {
  header_ = {};
  header_[0] = kGroupVersion;
  put32(&header_[4], entryCount_);
  put64(&header_[8], firstIndex_);
  put32(&header_[16], static_cast<uint32_t>(entries_.size()));
  put32(&header_[20], bodyCount_);
  std::copy(root.begin(), root.end(), header_.begin() + kRootAt);
  payload_.assign({Bytes(header_), Bytes(entries_)});
  const uint8_t* made = bodies_.data();
  for (const Part& part : parts_) {
    payload_.push_back({part.kept != nullptr ? part.kept : made, part.size});
    if (part.kept == nullptr) made += part.size;
  }
  return payload_;
}

namespace {

Bytes entryAt(Bytes entries, uint32_t place) {
  size_t at = 0;
  for (; place > 0; --place) at += size_t{2} + get16(&entries[at]);
  return entries.subspan(at + 2, get16(&entries[at]));
}

}  // namespace

Bytes GroupBuilder::entry(uint32_t place) const { return entryAt(entries_, place); }

Bytes GroupView::entry(uint32_t place) const { return entryAt(entries_, place); }

std::optional<GroupView> GroupView::parse(Bytes payload) {
  if (payload.size() < kGroupHeaderBytes || payload[0] != kGroupVersion) return std::nullopt;
  if (payload[1] != 0 || payload[2] != 0 || payload[3] != 0) return std::nullopt;
  GroupView group;
  group.entryCount_ = get32(&payload[4]);
  group.firstIndex_ = get64(&payload[8]);
  const uint32_t entriesBytes = get32(&payload[16]);
  const uint32_t bodyCount = get32(&payload[20]);
  std::copy_n(payload.begin() + kRootAt, group.root_.size(), group.root_.begin());
  const Bytes rest = payload.subspan(kGroupHeaderBytes);
  if (group.entryCount_ == 0 || entriesBytes > rest.size()) return std::nullopt;
  if (group.firstIndex_ > UINT64_MAX - group.entryCount_) return std::nullopt;
  group.entries_ = rest.first(entriesBytes);
  group.bodies_ = rest.subspan(entriesBytes);
  if (!group.checkEntries() || !group.checkBodies(bodyCount)) return std::nullopt;
  return group;
}

bool GroupView::checkEntries() const {
  size_t at = 0;
  uint32_t count = 0;
  while (entries_.size() - at >= 2) {
    const size_t size = size_t{2} + get16(&entries_[at]);
    if (size > entries_.size() - at) return false;
    at += size;
    ++count;
  }
  return at == entries_.size() && count == entryCount_;
}

bool GroupView::takeBody(Bytes* left, SealedBody* body) {
  if (left->size() < 6) return false;
  body->entry = get32(left->data());
  body->field = (*left)[4];
  const size_t scopeBytes = (*left)[5];
  const size_t headBytes = 6 + scopeBytes + 32 + 4;
  if (scopeBytes > kScopeBytesMax || left->size() < headBytes) return false;
  body->scope = {reinterpret_cast<const char*>(left->data() + 6), scopeBytes};
  body->digest = left->subspan(6 + scopeBytes, 32);
  const uint32_t length = get32(left->data() + headBytes - 4);
  body->isChunked = (length & kChunkedBit) != 0;
  const size_t size = length & ~kChunkedBit;
  if (size > left->size() - headBytes) return false;
  body->sealed = left->subspan(headBytes, size);
  *left = left->subspan(headBytes + size);
  return true;
}

bool GroupView::checkBodies(uint32_t count) const {
  SealedBody body;
  for (Bytes left = bodies_; !left.empty();) {
    if (count == 0 || !takeBody(&left, &body) || body.entry >= entryCount_) return false;
    if (body.isChunked && !ChunkList::parse(body.sealed)) return false;
    --count;
  }
  return count == 0;
}

}  // namespace kudurru
