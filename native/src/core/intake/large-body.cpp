#include "core/intake/large-body.h"

#include <algorithm>
#include <utility>

#include "core/body/commitment.h"

namespace kudurru::intake {
namespace {

using submission::BodyChunk;
using submission::Code;
using submission::Fault;

Refusal outOfTurn(std::string why) {
  return {"body-chunk-unexpected", "a chunk of a body came out of turn: " + std::move(why),
          Retry::kNever};
}

Fault faultAt(Code code, const submission::Body& body) {
  Fault fault;
  fault.code = code;
  fault.action = static_cast<int32_t>(body.action);
  fault.field = body.field;
  return fault;
}

}  // namespace

Refusal LargeBodies::take(const BodyChunk& chunk, const FillRandom& fillRandom, ChunkItem& item) {
  const bool isUnfinished = !arriving_.empty() && !arriving_.back().isComplete();
  if (chunk.announces()) {
    if (isUnfinished) return outOfTurn("the body before it is not complete");
    if (Refusal refusal = begin(chunk, fillRandom)) return refusal;
  } else if (!isUnfinished || !std::ranges::equal(chunk.digest, arriving_.back().body->digest)) {
    return outOfTurn("it continues no body that was announced and is not complete");
  }
  Arriving& last = arriving_.back();
  const auto number = static_cast<uint32_t>(last.received / submission::kChunkSizeBytes);
  if (chunk.offset != last.received) {
    return outOfTurn("it begins at byte '" + std::to_string(chunk.offset) + "', not '" +
                     std::to_string(last.received) + "'");
  }
  const size_t expected = submission::chunkSizeBytes(last.body->length, number);
  if (chunk.bytes.size() != expected) {
    return outOfTurn("it has '" + std::to_string(chunk.bytes.size()) + "' bytes, not '" +
                     std::to_string(expected) + "'");
  }
  hash_.update(chunk.bytes);
  last.received += chunk.bytes.size();
  if (last.isComplete()) last.matches = hash_.finish() == last.body->digest;
  item.body = last.body;
  item.number = number;
  item.bytes = chunk.bytes;
  return {};
}

Refusal LargeBodies::begin(const BodyChunk& chunk, const FillRandom& fillRandom) {
  if (arriving_.size() == submission::kLargeBodiesMax) {
    Fault fault;
    fault.code = Code::kTooManyLargeBodies;
    return {submission::nameOf(fault.code), submission::describe(fault), Retry::kNever};
  }
  auto body = std::make_shared<LargeBody>();
  std::ranges::copy(chunk.digest, body->digest.begin());
  std::ranges::copy(chunk.salt, body->salt.begin());
  fillRandom(body->upload);
  body->scope = chunk.scope;
  body->field = chunk.field;
  body->length = chunk.length;
  hash_ = beginCommitment(chunk.salt, chunk.field, chunk.length);
  arriving_.push_back({std::move(body)});
  return {};
}

void LargeBodies::handOver(SubmitItem& item) {
  const std::vector<Arriving> arrived = std::exchange(arriving_, {});
  if (item.refusal) return;
  for (const Arriving& one : arrived) {
    if (one.dropped) {
      item.unlessRepeated = one.dropped;
      return;
    }
  }
  Fault fault = match(arrived, item);
  if (!fault && !arrived.empty()) fault = item.parsed.checkSalts();
  if (!fault) return;
  item.refusal = {submission::nameOf(fault.code), submission::describe(fault), Retry::kNever};
}

Fault LargeBodies::match(const std::vector<Arriving>& arrived, SubmitItem& item) {
  size_t named = 0;
  for (submission::Body& body : item.parsed.bodies) {
    if (!body.isLarge()) continue;
    const auto found = std::ranges::find_if(arrived, [&body](const Arriving& one) {
      return std::ranges::equal(one.body->digest, body.digest);
    });
    if (found == arrived.end()) {
      item.largeBodies.push_back(nullptr);
      continue;
    }
    const LargeBody& came = *found->body;
    if (!found->isComplete()) return faultAt(Code::kBodyIncomplete, body);
    if (!found->matches || came.field != body.field || came.length != body.length) {
      return faultAt(Code::kCommitmentMismatch, body);
    }
    if (came.scope != body.scope) return faultAt(Code::kBodyScopeMismatch, body);
    body.salt = came.salt;
    item.largeBodies.push_back(found->body);
    ++named;
  }
  Fault fault;
  if (named < arrived.size()) fault.code = Code::kBodyUnexpected;
  return fault;
}

}  // namespace kudurru::intake
