#include "record-forger.h"

#include <algorithm>

#include "core/entry/entry.h"
#include "core/journal/crc32c.h"
#include "core/journal/journal-reader.h"
#include "core/ledger/group.h"
#include "core/tree/merkle.h"

namespace kudurru::sim {
namespace {

constexpr size_t kRootAt = 24;

// Where in the payload the last byte of the last action lies: its writer's level.
std::optional<size_t> lastActionByte(Bytes payload, bool mustBeLast) {
  const auto group = GroupView::parse(payload);
  if (!group) return std::nullopt;
  std::optional<size_t> at;
  group->forEachEntry([&](Bytes entry) {
    const auto view = decodeEntry(entry);
    if (view && view->head.kind == EntryKind::kAction) {
      at = static_cast<size_t>(entry.data() + entry.size() - 1 - payload.data());
    } else if (mustBeLast) {
      at.reset();
    }
    return true;
  });
  return at;
}

std::vector<uint8_t> encodeRecord(RecordHeader header, Bytes payload, uint32_t seed) {
  header.payloadChecksum = crc32c(payload, seed);
  const RecordHeaderBytes head = encodeRecordHeader(header, seed);
  std::vector<uint8_t> record(recordBytes(payload.size()));
  std::ranges::copy(head, record.begin());
  std::ranges::copy(payload, record.begin() + kRecordHeaderBytes);
  return record;
}

}  // namespace

std::optional<std::vector<uint8_t>> alterEntry(Bytes segment, Bytes record) {
  SegmentHeader head;
  if (segment.size() < kSegmentHeaderBytes) return std::nullopt;
  if (!decodeSegmentHeader(segment.first(kSegmentHeaderBytes), &head).ok()) return std::nullopt;
  const auto header = decodeRecordHeader(record, head.seed());
  if (!header || recordBytes(header->length) != record.size()) return std::nullopt;
  std::vector<uint8_t> payload(record.begin() + kRecordHeaderBytes,
                               record.begin() + kRecordHeaderBytes + header->length);
  const auto at = lastActionByte(payload, false);
  if (!at) return std::nullopt;
  payload[*at] ^= 1;
  return encodeRecord(*header, payload, head.seed());
}

bool forgeLastEntry(Storage& storage, const std::string& folder, std::span<const Hash> leaves) {
  std::vector<uint32_t> segments;
  if (!listSegments(storage, folder, &segments).ok() || segments.empty()) return false;
  std::unique_ptr<SegmentFile> segment;
  if (!SegmentFile::open(storage, {folder, segments.back()}, &segment).ok()) return false;
  JournalReader reader(storage, folder, segment->header().ledgerId);
  reader.seek({segments.back(), kSegmentHeaderBytes, segment->header().firstRecord});
  Step step = Step::kRecord;
  Record record;
  Position position;
  RecordHeader header;
  std::vector<uint8_t> payload;
  while (reader.next(&step, &record).ok() && step == Step::kRecord) {
    position = record.position;
    header = {record.type, static_cast<uint32_t>(record.payload.size()), 0, record.position.record,
              record.durableBefore};
    payload.assign(record.payload.begin(), record.payload.end());
  }
  if (payload.empty() || header.type != RecordType::kGroup) return false;
  const auto at = lastActionByte(payload, true);
  const auto group = GroupView::parse(payload);
  if (!at || group->treeSize() != leaves.size()) return false;
  payload[*at] ^= 1;
  std::vector<Hash> forged(leaves.begin(), leaves.end());
  forged.back() = leafHash(GroupView::parse(payload)->entry(group->entryCount() - 1));
  const Hash root = treeRoot(forged);
  std::ranges::copy(root, payload.begin() + kRootAt);
  OpenResult opened = storage.open(segment->path(), OpenMode::kReadWrite);
  const std::vector<uint8_t> bytes = encodeRecord(header, payload, segment->header().seed());
  return opened.error == 0 && writeAll(*opened.file, bytes, position.offset) == 0 &&
         opened.file->syncData() == 0;
}

}  // namespace kudurru::sim
