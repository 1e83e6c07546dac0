#include "core/ledger/chunk-reader.h"

#include <algorithm>

namespace kudurru {

Status ChunkReader::read(const ChunkList& list, uint32_t number, Bytes* sealed) {
  const Position place = list.at(number);
  if (!segment_ || segment_->header().segment != place.segment) {
    segment_.reset();
    Status status = SegmentFile::open(storage_, {folder_, place.segment}, &segment_);
    if (!status.ok()) return status;
  }
  std::optional<Record> record;
  Status status = segment_->read(place, &record);
  if (!status.ok()) return status;
  const auto chunk = record && record->type == RecordType::kBodyChunk
                         ? ChunkView::parse(record->payload)
                         : std::nullopt;
  const bool isIt = chunk && chunk->number == number && chunk->count == list.count() &&
                    std::ranges::equal(chunk->upload, list.upload) &&
                    chunk->sealed.size() == sealedChunkBytes(list.length, number);
  if (!isIt) {
    return failure(Code::kCorrupt, "chunk " + std::to_string(number) + " is not whole in record " +
                                       std::to_string(place.record) + " in '" + segment_->path() +
                                       "' at offset " + std::to_string(place.offset));
  }
  *sealed = chunk->sealed;
  return {};
}

Status ChunkReader::look(const ChunkList& list) {
  Status status;
  Bytes sealed;
  for (uint32_t number = 0; status.ok() && number < list.count(); ++number) {
    status = read(list, number, &sealed);
  }
  return status;
}

Status ChunkReader::open(const ChunkList& list, const BodyKey& key, const Take& take) {
  for (uint32_t number = 0; number < list.count(); ++number) {
    Bytes sealed;
    Status status = read(list, number, &sealed);
    if (!status.ok()) return status;
    plain_.resize(sealed.size() - kTagSizeBytes);
    if (!cipher_.openChunk({key, list.upload, number, list.count()}, sealed, plain_)) {
      return failure(Code::kCorrupt, "chunk " + std::to_string(number) + " does not open");
    }
    take(plain_);
  }
  return {};
}

Status ChunkReader::openWhole(const SealedBody& body, const Hash& scopeKey,
                              std::vector<uint8_t>* plain) {
  const auto list = ChunkList::parse(body.sealed);
  plain->clear();
  plain->reserve(kSaltSizeBytes + list->length);
  return open(*list, {scopeKey, body.digest},
              [plain](Bytes chunk) { plain->insert(plain->end(), chunk.begin(), chunk.end()); });
}

}  // namespace kudurru
