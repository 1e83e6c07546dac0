// Any bytes as the record area of a segment: the reader ends without harm, gives only whole records
// in ascending order, and opening the same bytes for writing leaves a journal that reads clean.
// The first byte chooses whether checksums are made right, so that the fuzzer gets past them.
#include <cstdlib>

#include "../test/simulated-storage.h"
#include "core/journal/crc32c.h"
#include "core/journal/journal.h"

namespace {

using namespace kudurru;

constexpr const char* kFolder = "/journal";
constexpr uint64_t kSegmentBytes = kSegmentHeaderBytes + 8192;

void require(bool condition) {
  if (!condition) std::abort();
}

// Gives each thing that looks like a record header the checksums that its bytes ask for.
void makeChecksumsRight(std::vector<uint8_t>& file, uint32_t seed) {
  for (size_t at = kSegmentHeaderBytes; at + kRecordHeaderBytes <= file.size(); at += 8) {
    if (file[at] != 0x4b || file[at + 1] != 0x72) continue;
    RecordHeader header;
    header.type = static_cast<RecordType>(1 + file[at + 4] % 5);
    header.length = static_cast<uint32_t>(file[at + 10] << 8 | file[at + 11]) % 4096;
    header.number = file[at + 23];
    header.durableBefore = file[at + 31];
    const size_t end = at + kRecordHeaderBytes + header.length;
    if (end <= file.size()) {
      header.payloadChecksum =
          crc32c(Bytes(file).subspan(at + kRecordHeaderBytes, header.length), seed);
    }
    const RecordHeaderBytes bytes = encodeRecordHeader(header, seed);
    std::copy(bytes.begin(), bytes.end(), file.begin() + static_cast<ptrdiff_t>(at));
  }
}

Status readThrough(Storage& storage, uint64_t* records, uint64_t* tornBytes) {
  JournalReader reader(storage, kFolder, LedgerId{});
  Status status = reader.rewind();
  *records = 0;
  for (Step step = Step::kRecord; status.ok() && step == Step::kRecord;) {
    Record record;
    status = reader.next(&step, &record);
    if (status.ok() && step == Step::kRecord) require(record.position.record == (*records)++);
  }
  *tornBytes = reader.tornBytes();
  return status;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0 || size > 8193) return 0;
  SegmentHeader header;
  const SegmentHeaderBytes head = encodeSegmentHeader(header);
  std::vector<uint8_t> file(head.begin(), head.end());
  file.insert(file.end(), data + 1, data + size);
  if ((data[0] & 1) != 0) makeChecksumsRight(file, header.seed());

  test::SimulatedDisk disk;
  disk.folders.insert(kFolder);
  const auto inode = std::make_shared<test::SimulatedDisk::Inode>();
  inode->current = inode->durable = file;
  disk.names[std::string(kFolder) + "/" + segmentName(0)] = inode;
  test::SimulatedStorage storage(disk);

  uint64_t records = 0;
  uint64_t tornBytes = 0;
  const Status read = readThrough(storage, &records, &tornBytes);
  JournalOptions options;
  options.folder = kFolder;
  options.segmentBytes = kSegmentBytes;
  options.reserveBytes = 64;
  std::unique_ptr<Journal> journal;
  JournalReport report;
  const Status opened = Journal::open(storage, options, &journal, &report);
  if (!read.ok()) {
    require(!opened.ok());
    return 0;
  }
  if (!opened.ok()) {
    require(opened.code == Code::kCorrupt);  // bytes behind a stop record
    return 0;
  }
  require(report.nextRecord == records && report.tornBytes == tornBytes);
  uint64_t again = 0;
  require(readThrough(storage, &again, &tornBytes).ok() && again == records && tornBytes == 0);
  return 0;
}
