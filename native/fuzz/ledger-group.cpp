// Any bytes as the payload of a group record: parsing and walking it stay inside the bytes; what is
// accepted is written again to the same bytes; entries that decode are encoded to the same bytes.
#include <cstdlib>

#include "core/entry/entry-fields.h"
#include "core/ledger/group.h"

namespace {

using namespace kudurru;

void require(bool condition) {
  if (!condition) std::abort();
}

bool isSame(Bytes left, Bytes right) {
  return std::equal(left.begin(), left.end(), right.begin(), right.end());
}

void checkEntry(Bytes entry) {
  const auto view = decodeEntry(entry);
  if (!view) return;
  (void)readCommitments(*view);
  (void)readProvisioningRecord(view->fields);
  (void)readAgentEnrol(view->fields);
  (void)readSessionOpen(view->fields);
  (void)readSessionClose(view->fields);
  (void)readStatementFields(view->fields);
  (void)readActionFields(view->fields);
  const auto shape = shapeOf(static_cast<uint8_t>(view->head.kind));
  std::vector<uint8_t> again;
  encodeEntry(view->head, shape->fieldCount, view->fields, again);
  require(isSame(again, entry));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const Bytes payload(data, size);
  checkEntry(payload);
  const auto group = GroupView::parse(payload);
  if (!group) return 0;
  GroupBuilder builder;
  builder.begin(group->firstIndex());
  uint32_t place = 0;
  group->forEachEntry([&](Bytes entry) {
    checkEntry(entry);
    require(isSame(group->entry(place++), entry));
    builder.addEntry(
        [&](std::vector<uint8_t>& out) { out.insert(out.end(), entry.begin(), entry.end()); });
    return true;
  });
  group->forEachBody([&](const SealedBody& body) {
    const MutableBytes room = builder.addBody(body, body.sealed.size());
    std::copy(body.sealed.begin(), body.sealed.end(), room.begin());
    return true;
  });
  std::vector<uint8_t> again;
  for (const Bytes part : builder.finish(group->root())) {
    again.insert(again.end(), part.begin(), part.end());
  }
  require(isSame(again, payload));
  return 0;
}
