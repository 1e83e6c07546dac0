// Any bytes as an entry bundle: reading the rows stays inside the bytes, and what is read is what
// the index may hold: each row of an entry of the bundle, ascending, every value within its bounds.
#include "core/index-rows/index-rows.h"

#include <cstdlib>

#include "core/cbor/cbor.h"

namespace {

using namespace kudurru;

constexpr uint64_t kFirst = 256;
constexpr size_t kTraceIdBytes = 16;
constexpr size_t kTextBytesMax = 256;

void require(bool condition) {
  if (!condition) std::abort();
}

bool isWithin(Bytes part, Bytes whole) {
  return part.empty() ||
         (part.data() >= whole.data() && part.data() + part.size() <= whole.data() + whole.size());
}

template <class Row>
void checkOrder(const std::vector<Row>& rows, const IndexRows& all) {
  uint64_t least = kFirst;
  for (const Row& row : rows) {
    require(row.index >= least && row.index < kFirst + all.entries);
    least = row.index + 1;
  }
}

void checkAction(const ActionRow& row, Bytes bundle) {
  require(row.kind >= 1 && row.kind <= 3 && row.status <= 6);
  require(row.sequence <= cbor::kSafeIntegerMax && row.sessionIndex <= cbor::kSafeIntegerMax);
  require(!row.operation.empty());
  for (const std::string_view text : {row.operation, row.tool, row.externalId}) {
    require(text.size() <= kTextBytesMax && isWithin(bytesOf(text), bundle));
  }
  require(row.traceId.empty() || row.traceId.size() == kTraceIdBytes);
  require(isWithin(row.traceId, bundle));
  if (row.intent) require(row.intent->session.size() == sizeof(Hash));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static IndexRows rows;
  const Bytes bundle(data, size);
  const Status status = readIndexRows(kFirst, bundle, &rows);
  require(status.ok() || (status.code == Code::kCorrupt && !status.message.empty()));
  if (!status.ok()) return 0;
  checkOrder(rows.actions, rows);
  checkOrder(rows.sessions, rows);
  checkOrder(rows.anchors, rows);
  require(rows.actions.size() + rows.sessions.size() + rows.anchors.size() <= rows.entries);
  for (const ActionRow& row : rows.actions) checkAction(row, bundle);
  return 0;
}
