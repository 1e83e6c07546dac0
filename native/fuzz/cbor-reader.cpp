// Any bytes as CBOR: the check ends without harm, and what it accepts comes out of the writer as
// the same bytes.
#include <algorithm>
#include <cstdlib>

#include "core/cbor/writer.h"

namespace {

using namespace kudurru;
using cbor::Reader;
using cbor::Type;
using cbor::Writer;

constexpr cbor::Bounds kAny = {0, UINT64_MAX};

void copyItem(Reader& reader, Writer& writer);

void copyItems(uint64_t count, Reader& reader, Writer& writer) {
  for (uint64_t i = 0; i < count && reader.ok(); ++i) copyItem(reader, writer);
}

void copySimple(Reader& reader, Writer& writer) {
  if (reader.takeNull()) {
    writer.writeNull();
  } else {
    writer.writeBool(reader.readItem()[0] == 0xf5);
  }
}

// Text goes by its bytes: the schema reader refuses control characters, which the check does not.
void copyText(Reader& reader, Writer& writer) {
  const Bytes item = reader.readItem();
  const size_t head = item[0] < 0x78 ? 1 : 1 + (size_t{1} << (item[0] - 0x78));
  const Bytes text = item.subspan(head);
  writer.writeText({reinterpret_cast<const char*>(text.data()), text.size()});
}

// A negative number below −2^63 has no type to be read into; its bytes are copied.
void copyNegative(Reader& reader, Writer& writer) {
  Reader ahead = reader;
  const int64_t value = ahead.readInteger();
  const Bytes item = reader.readItem();
  if (ahead.ok()) {
    writer.writeInteger(value);
  } else {
    writer.writeRaw(item);
  }
}

void copyItem(Reader& reader, Writer& writer) {
  switch (reader.peek()) {
    case Type::kUnsigned:
      writer.writeUnsigned(reader.readUnsigned(kAny));
      return;
    case Type::kNegative:
      return copyNegative(reader, writer);
    case Type::kBytes:
      writer.writeBytes(reader.readBytes(kAny));
      return;
    case Type::kText:
      return copyText(reader, writer);
    case Type::kArray: {
      const uint64_t count = reader.readArray(kAny);
      writer.writeArray(count);
      return copyItems(count, reader, writer);
    }
    case Type::kMap: {
      const uint64_t pairs = reader.readMap(kAny);
      writer.writeMap(pairs);
      return copyItems(2 * pairs, reader, writer);
    }
    case Type::kTag:
      reader.readTag(cbor::kTagCoseSign1);
      writer.writeTag(cbor::kTagCoseSign1);
      return copyItem(reader, writer);
    default:
      return copySimple(reader, writer);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t sizeBytes) {
  const Bytes input(data, sizeBytes);
  if (cbor::check(input) != cbor::Error::kNone) return 0;
  std::vector<uint8_t> out;
  Writer writer(out);
  Reader reader(input);
  copyItem(reader, writer);
  reader.finish();
  if (!reader.ok() || !std::equal(out.begin(), out.end(), input.begin(), input.end())) std::abort();
  return 0;
}
