#include "core/submission/body-chunk.h"

#include "core/body/commitment.h"
#include "core/submission/envelope.h"

namespace kudurru::submission {
namespace {

using cbor::Reader;

constexpr size_t kAnnouncingItems = 6;
constexpr size_t kFollowingItems = 3;
constexpr uint64_t kFieldMax = 8;
constexpr size_t kScopeSizeBytesMax = 64;

void readAnnouncement(Reader& reader, BodyChunk& out) {
  out.scope = reader.takeNull() ? kDefaultScope : readScope(reader, {1, kScopeSizeBytesMax});
  out.field = static_cast<uint8_t>(reader.readUnsigned({1, kFieldMax}));
  out.salt = reader.readBytes({kSaltSizeBytes, kSaltSizeBytes});
  out.length = reader.readUnsigned({kBodySizeBytesMax + 1, kLargeBodySizeBytesMax});
  // A body in chunks is longer than one.
  out.bytes = reader.readBytes({kChunkSizeBytes, kChunkSizeBytes});
}

void readFollowing(Reader& reader, BodyChunk& out) {
  out.offset = reader.readUnsigned({kChunkSizeBytes, kLargeBodySizeBytesMax - 1});
  if (out.offset % kChunkSizeBytes != 0) reader.fail(cbor::Error::kRange);
  out.bytes = reader.readBytes({1, kChunkSizeBytes});
}

}  // namespace

cbor::Error readBodyChunk(Bytes payload, BodyChunk& out) {
  out = {};
  Reader reader(payload);
  const uint64_t items = reader.readArray({kFollowingItems, kAnnouncingItems});
  out.digest = reader.readBytes({sizeof(Hash), sizeof(Hash)});
  if (items == kAnnouncingItems) {
    readAnnouncement(reader, out);
  } else if (items == kFollowingItems) {
    readFollowing(reader, out);
  } else {
    reader.fail(cbor::Error::kRange);
  }
  reader.finish();
  if (reader.ok()) return cbor::Error::kNone;
  // A payload of the wrong form may be wrongly encoded further on: that is the worse fault.
  const cbor::Error encoding = cbor::check(payload);
  return encoding == cbor::Error::kNone ? reader.error() : encoding;
}

}  // namespace kudurru::submission
