// Large bodies: their chunks into the journal ahead of the statement, and back.
#include <algorithm>

#include "core/ledger/chunk-reader.h"
#include "core/ledger/chunks.h"
#include "core/ledger/ledger.h"

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

// A chunk that cannot be kept is remembered with its body: the statement that commits to it is
// refused for the same reason, and what comes of the body after it is not written.
Status Ledger::applyChunk(const intake::ChunkItem& item) {
  intake::LargeBody& body = *item.body;
  if (!body.records) body.records = std::make_shared<ChunkRecords>();
  ChunkRecords& records = *body.records;
  if (records.refusal) return {};
  const auto key = scopeKeys_.find(body.scope);
  if (!hasBooted_ || key == scopeKeys_.end()) {
    records.refusal = {"scope-key-missing", "the erasure scope has no key yet",
                       intake::Retry::kLater};
    return {};
  }
  const uint32_t count = submission::chunkCount(body.length);
  chunk_.resize(sealedChunkBytes(body.length, item.number));
  const Status room = journal_->makeRoom(kChunkHeaderBytes + chunk_.size());
  if (room.fatal()) return room;
  if (!room.ok()) {
    records.refusal = refusalOf(room);
    return {};
  }
  const Bytes salt = item.number == 0 ? Bytes(body.salt) : Bytes();
  cipher_.sealChunk({{key->second, body.digest}, body.upload, item.number, count}, salt, item.bytes,
                    chunk_);
  const ChunkHeader header = encodeChunkHeader(item.number, count, body.upload);
  const Bytes payload[] = {header, chunk_};
  Status status = journal_->append({RecordType::kBodyChunk, payload, false},
                                   &records.places.emplace_back());
  chunks_.storedBytes += kChunkHeaderBytes + chunk_.size();
  return status;
}

// Why the submission's large bodies are not all in the journal.
Refusal Ledger::checkLargeBodies(const intake::SubmitItem& item) const {
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

// Completes the sealed bodies of an accepted submission: where its chunks stand.
void Ledger::listChunks(intake::SubmitItem& item) {
  auto large = item.largeBodies.begin();
  SealedBody body;
  for (Bytes left = item.sealed; !left.empty() && GroupView::takeBody(&left, &body);) {
    if (!body.isChunked) continue;
    const size_t end = item.sealed.size() - left.size();
    const MutableBytes list =
        MutableBytes(item.sealed).subspan(end - body.sealed.size(), body.sealed.size());
    writeChunkList(**large++, list);
    chunks_.namedBytes += storedBytesOf(*ChunkList::parse(list));
  }
}

void Ledger::noteLargeBodies(const GroupView& group) {
  group.forEachBody([this](const SealedBody& body) {
    if (body.isChunked) chunks_.namedBytes += storedBytesOf(*ChunkList::parse(body.sealed));
    return true;
  });
}

Status Ledger::openLargeBody(const SealedBody& body, const Hash& key, std::vector<uint8_t>* plain) {
  const auto list = ChunkList::parse(body.sealed);
  plain->clear();
  plain->reserve(kSaltSizeBytes + list->length);
  ChunkReader reader(storage_, options_.folder + "/journal");
  return reader.open(*list, {key, body.digest}, [plain](Bytes chunk) {
    plain->insert(plain->end(), chunk.begin(), chunk.end());
  });
}

}  // namespace kudurru
