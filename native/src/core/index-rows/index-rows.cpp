#include "core/index-rows/index-rows.h"

#include <string>

#include "core/cbor/cbor.h"
#include "core/entry/entry-fields.h"
#include "core/entry/entry.h"
#include "core/journal/big-endian.h"
#include "core/tree/merkle.h"

namespace kudurru {
namespace {

using cbor::Reader;

constexpr cbor::Bounds kIndexBounds{0, cbor::kSafeIntegerMax};
constexpr cbor::Bounds kHashBounds{32, 32};
constexpr cbor::Bounds kNameBounds{1, 256};
constexpr size_t kLengthBytes = 2;

// Keys of the envelope (SPEC.md §4).
enum Key : uint64_t {
  kKind = 2,
  kOperation = 4,
  kTool = 5,
  kIntent = 9,
  kStatus = 11,
  kTraceId = 13,
  kExternalId = 15,
  kLast = 27,
};

std::string_view readToolName(Reader& reader) {
  reader.readArray({4, 4});
  const std::string_view name = reader.readText(kNameBounds);
  for (int others = 3; others != 0; --others) reader.readItem();
  return name;
}

submission::Reference readReference(Reader& reader) {
  reader.readArray({2, 2});
  const Bytes session = reader.readBytes(kHashBounds);
  return {session, reader.readUnsigned(kIndexBounds)};
}

std::string_view readExternalId(Reader& reader) {
  reader.readArray({2, 2});
  reader.readUnsigned({1, 3});
  return reader.readText(kNameBounds);
}

void readField(Reader& reader, uint64_t key, ActionRow* row) {
  switch (key) {
    case kKind:
      row->kind = static_cast<uint8_t>(reader.readUnsigned({1, 3}));
      return;
    case kOperation:
      row->operation = reader.readText(kNameBounds);
      return;
    case kTool:
      row->tool = readToolName(reader);
      return;
    case kIntent:
      row->intent = readReference(reader);
      return;
    case kStatus:
      row->status = static_cast<uint8_t>(reader.readUnsigned({1, 6}));
      return;
    case kTraceId:
      row->traceId = reader.readBytes({16, 16});
      return;
    case kExternalId:
      row->externalId = readExternalId(reader);
      return;
    default:
      reader.readItem();
  }
}

bool readEnvelope(Bytes envelope, ActionRow* row) {
  Reader reader(envelope);
  int64_t previous = -1;
  for (uint64_t pairs = reader.readMap({1, kLast}); pairs != 0 && reader.ok(); --pairs) {
    const uint64_t key = reader.readKey(previous);
    previous = static_cast<int64_t>(key);
    readField(reader, key, row);
  }
  reader.finish();
  return reader.ok() && row->kind != 0 && !row->operation.empty();
}

bool takeAction(const EntryView& entry, uint64_t index, IndexRows* out) {
  const auto fields = readActionFields(entry.fields);
  if (!fields) return false;
  ActionRow row;
  row.index = index;
  row.taiNs = entry.head.time.taiNs;
  row.sessionIndex = fields->sessionIndex;
  row.sequence = fields->sequence;
  if (!readEnvelope(fields->envelope, &row)) return false;
  out->actions.push_back(row);
  return true;
}

bool takeAnchor(const EntryView& entry, uint64_t index, IndexRows* out) {
  Reader reader(entry.fields);
  for (int before = 3; before != 0; --before) reader.readItem();
  const uint64_t size = reader.readUnsigned(kIndexBounds);
  if (reader.ok()) out->anchors.push_back({index, size});
  return reader.ok();
}

bool takeEntry(Bytes bytes, uint64_t index, IndexRows* out) {
  const auto entry = decodeEntry(bytes);
  if (!entry) return false;
  switch (entry->head.kind) {
    case EntryKind::kAction:
      return takeAction(*entry, index, out);
    case EntryKind::kSessionOpen: {
      const auto open = readSessionOpen(entry->fields);
      if (open) out->sessions.push_back({index, open->agentIndex, leafHash(bytes)});
      return open.has_value();
    }
    case EntryKind::kAnchor:
    case EntryKind::kCounterAnchor:
      return takeAnchor(*entry, index, out);
    default:
      return true;
  }
}

}  // namespace

Status readIndexRows(uint64_t firstIndex, Bytes bundle, IndexRows* out) {
  *out = {};
  Bytes entry;
  for (size_t at = 0; at < bundle.size(); at += kLengthBytes + entry.size()) {
    const size_t left = bundle.size() - at;
    const size_t size = left < kLengthBytes ? 0 : get16(&bundle[at]);
    const uint64_t index = firstIndex + out->entries;
    if (left < kLengthBytes + size) {
      return failure(Code::kCorrupt, "entry bundle ends within entry " + std::to_string(index));
    }
    entry = bundle.subspan(at + kLengthBytes, size);
    if (!takeEntry(entry, index, out)) {
      return failure(Code::kCorrupt, "entry " + std::to_string(index) + " is none of a known form");
    }
    ++out->entries;
  }
  if (out->entries != 0) out->lastLeafHash = leafHash(entry);
  return {};
}

}  // namespace kudurru
