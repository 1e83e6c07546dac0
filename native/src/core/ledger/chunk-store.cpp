#include "core/ledger/chunk-store.h"

#include <algorithm>

namespace kudurru {

using intake::Refusal;

namespace {

Refusal refusalOf(const Status& status) {
  const auto retry = static_cast<intake::Retry>(codeRetry(status.code));
  return {codeName(status.code).data(), status.message, retry};
}

Refusal missing(const submission::Body& body) {
  submission::Fault fault;
  fault.code = submission::Code::kBodyMissing;
  fault.action = static_cast<int32_t>(body.action);
  fault.field = body.field;
  return {submission::nameOf(fault.code), submission::describe(fault), intake::Retry::kNever};
}

}  // namespace

Status ChunkStore::store(const intake::ChunkItem& item, const Hash* key, Journal& journal) {
  intake::LargeBody& body = *item.body;
  if (!body.records) body.records = std::make_shared<ChunkRecords>();
  ChunkRecords& records = *body.records;
  if (records.refusal) return {};
  if (key == nullptr) {
    records.refusal = {"scope-key-missing", "the erasure scope has no key yet",
                       intake::Retry::kLater};
    return {};
  }
  const uint32_t count = submission::chunkCount(body.length);
  sealed_.resize(sealedChunkBytes(body.length, item.number));
  const Status room = journal.makeRoom(kChunkHeaderBytes + sealed_.size());
  if (room.fatal()) return room;
  if (!room.ok()) {
    records.refusal = refusalOf(room);
    return {};
  }
  const Bytes salt = item.number == 0 ? Bytes(body.salt) : Bytes();
  cipher_.sealChunk({{*key, body.digest}, body.upload, item.number, count}, salt, item.bytes,
                    sealed_);
  const ChunkHeader header = encodeChunkHeader(item.number, count, body.upload);
  const Bytes payload[] = {header, sealed_};
  counts_.storedBytes += kChunkHeaderBytes + sealed_.size();
  return journal.append({RecordType::kBodyChunk, payload, false}, &records.places.emplace_back());
}

void ChunkStore::list(intake::SubmitItem& item) {
  auto large = item.largeBodies.begin();
  SealedBody body;
  for (Bytes left = item.sealed; !left.empty() && GroupView::takeBody(&left, &body);) {
    if (!body.isChunked) continue;
    const size_t end = item.sealed.size() - left.size();
    const MutableBytes list =
        MutableBytes(item.sealed).subspan(end - body.sealed.size(), body.sealed.size());
    writeChunkList(**large++, list);
    counts_.namedBytes += storedBytesOf(*ChunkList::parse(list));
  }
}

void ChunkStore::noteGroup(const GroupView& group) {
  group.forEachBody([this](const SealedBody& body) {
    if (body.isChunked) counts_.namedBytes += storedBytesOf(*ChunkList::parse(body.sealed));
    return true;
  });
}

Refusal checkLargeBodies(const intake::SubmitItem& item) {
  auto large = item.largeBodies.begin();
  for (const submission::Body& body : item.parsed.bodies) {
    if (!body.isLarge()) continue;
    if (large == item.largeBodies.end() || *large == nullptr) return missing(body);
    const ChunkRecords* records = (*large++)->records.get();
    if (records == nullptr) return missing(body);
    if (records->refusal) return records->refusal;
    if (records->places.size() != submission::chunkCount(body.length)) return missing(body);
  }
  return {};
}

}  // namespace kudurru
