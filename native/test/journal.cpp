// The journal over a simulated disk: every byte torn, every byte flipped, the process killed before
// and after every call, every call failing, and a disk that fills up.
#include "core/journal/journal.h"

#include <gtest/gtest.h>

#include "core/journal/crc32c.h"
#include "core/journal/state-lock.h"
#include "simulated-storage.h"

namespace kudurru {
namespace {

using test::Crash;
using test::SimulatedDisk;
using test::SimulatedStorage;

constexpr const char* kFolder = "/state/journal";

std::vector<uint8_t> payloadOf(uint64_t number) {
  std::vector<uint8_t> payload(1 + number * 37 % 200);
  for (size_t at = 0; at < payload.size(); ++at) payload[at] = static_cast<uint8_t>(number + at);
  return payload;
}

JournalOptions smallSegments() {
  JournalOptions options;
  options.folder = kFolder;
  options.ledgerId.fill(7);
  options.segmentBytes = kSegmentHeaderBytes + 2048;
  options.reserveBytes = 256;
  return options;
}

class JournalTest : public testing::Test {
 protected:
  JournalTest() { disk_.folders = {"/state", kFolder}; }

  Status open() {
    journal_.reset();
    return Journal::open(storage_, smallSegments(), &journal_, &report_);
  }

  Status append(uint64_t number, bool fromReserve = false) {
    const std::vector<uint8_t> payload = payloadOf(number);
    const Bytes parts[] = {Bytes(payload)};
    return journal_->append({RecordType::kGroup, parts, fromReserve});
  }

  void appendDurably(uint64_t first, uint64_t count) {
    for (uint64_t number = first; number < first + count; ++number) {
      ASSERT_EQ(append(number).message, "");
      ASSERT_EQ(journal_->sync().message, "");
    }
  }

  // Reads all from disk and checks each payload; the count of groups.
  uint64_t countGroups() {
    JournalReader reader(storage_, kFolder, smallSegments().ledgerId);
    EXPECT_EQ(reader.rewind().message, "");
    uint64_t groups = 0;
    for (Step step = Step::kRecord; step == Step::kRecord;) {
      Record record;
      EXPECT_EQ(reader.next(&step, &record).message, "");
      if (step != Step::kRecord || record.type != RecordType::kGroup) continue;
      const std::vector<uint8_t> expected = payloadOf(groups++);
      EXPECT_TRUE(std::equal(record.payload.begin(), record.payload.end(), expected.begin(),
                             expected.end()));
    }
    return groups;
  }

  std::vector<uint8_t>& bytesOfSegment(uint32_t segment) {
    return disk_.names.at(std::string(kFolder) + "/" + segmentName(segment))->current;
  }

  SimulatedDisk disk_;
  SimulatedStorage storage_{disk_};
  std::unique_ptr<Journal> journal_;
  JournalReport report_;
};

TEST(Crc32c, MatchesThePublishedVectorAndThePortableCode) {
  const std::string digits = "123456789";
  const Bytes bytes(reinterpret_cast<const uint8_t*>(digits.data()), digits.size());
  EXPECT_EQ(crc32c(bytes), 0xe3069283u);
  std::vector<uint8_t> data(300);
  for (size_t at = 0; at < data.size(); ++at) data[at] = static_cast<uint8_t>(at * 31);
  for (size_t size = 0; size <= data.size(); ++size) {
    const Bytes view = Bytes(data).first(size);
    EXPECT_EQ(crc32c(view, 99), crc32cPortable(view, 99));
    EXPECT_EQ(crc32c(view.subspan(size / 3), crc32c(view.first(size / 3))), crc32c(view));
  }
}

TEST_F(JournalTest, GivesBackWhatWasAppendedOverManySegments) {
  ASSERT_EQ(open().message, "");
  EXPECT_TRUE(report_.created);
  appendDurably(0, 100);
  EXPECT_EQ(countGroups(), 100u);
  ASSERT_EQ(open().message, "");
  EXPECT_EQ(report_.nextRecord, 100u);
  EXPECT_FALSE(report_.stoppedCleanly);
  EXPECT_EQ(report_.tornBytes, 0u);
  ASSERT_EQ(journal_->stop().message, "");
  EXPECT_EQ(append(100).code, Code::kClosed);
  ASSERT_EQ(open().message, "");
  EXPECT_TRUE(report_.stoppedCleanly);
  EXPECT_EQ(report_.nextRecord, 101u);
  appendDurably(100, 20);
  EXPECT_EQ(countGroups(), 120u);
}

TEST_F(JournalTest, ReaderFollowsTheWriterAcrossSegmentsAndStopsAtTheLimit) {
  ASSERT_EQ(open().message, "");
  JournalReader reader(storage_, kFolder, smallSegments().ledgerId);
  ASSERT_EQ(reader.rewind().message, "");
  Record record;
  Step step = Step::kRecord;
  for (uint64_t number = 0; number < 60; ++number) {
    ASSERT_EQ(append(number).message, "");
    reader.limit(journal_->durableBefore());
    ASSERT_EQ(reader.next(&step, &record).message, "");
    EXPECT_EQ(step, Step::kEnd);
    ASSERT_EQ(journal_->sync().message, "");
    reader.limit(journal_->durableBefore());
    ASSERT_EQ(reader.next(&step, &record).message, "");
    ASSERT_EQ(step, Step::kRecord);
    EXPECT_EQ(record.position.record, number);
    EXPECT_EQ(record.payload.size(), payloadOf(number).size());
  }
}

TEST_F(JournalTest, CutsATailTornAtAnyByte) {
  ASSERT_EQ(open().message, "");
  appendDurably(0, 3);
  const std::vector<uint8_t> before = bytesOfSegment(0);
  ASSERT_EQ(append(3).message, "");
  const std::vector<uint8_t> after = bytesOfSegment(0);
  size_t first = 0;
  while (before[first] == after[first]) ++first;
  const size_t size = recordBytes(payloadOf(3).size());
  for (size_t written = 0; written < size; ++written) {
    std::vector<uint8_t>& bytes = bytesOfSegment(0);
    bytes = before;
    std::copy_n(after.begin() + static_cast<ptrdiff_t>(first), written,
                bytes.begin() + static_cast<ptrdiff_t>(first));
    const bool isWhole = bytes == after;  // only padding was left out
    disk_.names.at(std::string(kFolder) + "/" + segmentName(0))->durable = bytes;
    ASSERT_EQ(open().message, "") << written;
    EXPECT_EQ(report_.nextRecord, isWhole ? 4u : 3u) << written;
    EXPECT_EQ(report_.tornBytes != 0, written != 0 && !isWhole) << written;
    disk_.powerCut(SimulatedDisk::Keep::kNothing, 0);
    ASSERT_EQ(open().message, "") << written;
    EXPECT_EQ(report_.tornBytes, 0u) << "the cut was not durable";
    ASSERT_EQ(append(report_.nextRecord).message, "");
    ASSERT_EQ(journal_->sync().message, "");
    EXPECT_EQ(countGroups(), report_.nextRecord + 1);
  }
}

// A killed process leaves its last writes in the page cache: what recovery counts, it makes
// durable.
TEST_F(JournalTest, WhatRecoveryFindsInThePageCacheIsDurableAfterwards) {
  ASSERT_EQ(open().message, "");
  appendDurably(0, 2);
  ASSERT_EQ(append(2).message, "");
  ASSERT_EQ(open().message, "");
  EXPECT_EQ(report_.nextRecord, 3u);
  disk_.powerCut(SimulatedDisk::Keep::kNothing, 0);
  ASSERT_EQ(open().message, "");
  EXPECT_EQ(report_.nextRecord, 3u);
}

// After a failed sync the cache shows records that are on no platter, and calls them clean.
TEST_F(JournalTest, RecoveryCountsWhatThePlatterHasAndNamesHowItRead) {
  for (const bool isDirect : {true, false}) {
    disk_ = SimulatedDisk();
    disk_.folders = {"/state", kFolder};
    disk_.hasDirectReads = isDirect;
    disk_.dropsCache = !isDirect;
    ASSERT_EQ(open().message, "");
    appendDurably(0, 3);
    ASSERT_EQ(append(3).message, "");
    disk_.faultAt = disk_.operation + 1;
    disk_.fault = SimulatedDisk::Fault::kError;
    EXPECT_EQ(journal_->sync().code, Code::kIoFailed);
    disk_.fault = SimulatedDisk::Fault::kNone;
    ASSERT_EQ(open().message, "");
    EXPECT_EQ(report_.nextRecord, 3u);
    EXPECT_EQ(tailReadName(report_.tailRead), isDirect ? "direct" : "dropped-cache");
  }
}

TEST_F(JournalTest, NoticesEachFlippedByteOfADurableRecord) {
  ASSERT_EQ(open().message, "");
  appendDurably(0, 4);
  const std::vector<uint8_t> good = bytesOfSegment(0);
  const size_t end = kSegmentHeaderBytes + recordBytes(payloadOf(0).size()) +
                     recordBytes(payloadOf(1).size()) + recordBytes(payloadOf(2).size());
  for (size_t at = 0; at < end; ++at) {
    bytesOfSegment(0) = good;
    bytesOfSegment(0)[at] ^= 0x10;
    const Status status = open();
    const Code expected = at < 8 ? Code::kUnknownFormat : Code::kCorrupt;
    EXPECT_EQ(status.code, expected) << "offset " << at << ": " << status.message;
  }
}

TEST_F(JournalTest, NoticesEachFlippedByteOfASealedSegmentAndOfACleanlyStoppedOne) {
  ASSERT_EQ(open().message, "");
  appendDurably(0, 30);
  ASSERT_TRUE(disk_.names.contains(std::string(kFolder) + "/" + segmentName(1)));
  ASSERT_EQ(journal_->stop().message, "");
  journal_.reset();
  uint32_t last = 0;
  while (disk_.names.contains(std::string(kFolder) + "/" + segmentName(last + 1))) ++last;
  const auto readAllRecords = [&] {
    JournalReader reader(storage_, kFolder, smallSegments().ledgerId);
    Status status = reader.rewind();
    Step step = Step::kRecord;
    Record record;
    while (status.ok() && step == Step::kRecord) status = reader.next(&step, &record);
    return status;
  };
  const std::vector<uint8_t> sealed = bytesOfSegment(0);
  for (size_t at = 0; at < sealed.size(); ++at) {
    bytesOfSegment(0)[at] ^= 0x01;
    EXPECT_FALSE(readAllRecords().ok()) << at;
    bytesOfSegment(0)[at] ^= 0x01;
  }
  const std::vector<uint8_t> stopped = bytesOfSegment(last);
  size_t stopEnd = stopped.size();
  while (stopped[stopEnd - 1] == 0) --stopEnd;
  for (size_t at = stopEnd + 8; at < stopped.size(); ++at) {
    bytesOfSegment(last) = stopped;
    bytesOfSegment(last)[at] ^= 0x01;
    EXPECT_EQ(open().code, Code::kCorrupt) << at;
  }
}

TEST_F(JournalTest, AMissingSegmentAndAnotherLedgerAreRefused) {
  ASSERT_EQ(open().message, "");
  appendDurably(0, 60);
  const std::string middle = std::string(kFolder) + "/" + segmentName(1);
  const auto kept = disk_.names.at(middle);
  disk_.names.erase(middle);
  EXPECT_EQ(open().code, Code::kCorrupt);
  disk_.names[middle] = kept;
  JournalOptions other = smallSegments();
  other.ledgerId.fill(8);
  EXPECT_EQ(Journal::open(storage_, other, &journal_, &report_).code, Code::kWrongLedger);
}

// An agent that guesses all but the salt cannot make its bytes pass for a later record.
TEST_F(JournalTest, SubmittedBytesNeverPassForARecord) {
  ASSERT_EQ(open().message, "");
  appendDurably(0, 1);
  RecordHeader forged;
  forged.number = 5;
  forged.durableBefore = 5;
  const RecordHeaderBytes bytes = encodeRecordHeader(forged, 0);
  const std::vector<uint8_t> before = bytesOfSegment(0);
  const Bytes parts[] = {Bytes(bytes), Bytes(bytes)};
  ASSERT_EQ(journal_->append({RecordType::kGroup, parts, false}).message, "");
  bytesOfSegment(0)[kSegmentHeaderBytes + recordBytes(payloadOf(0).size())] = 0;  // torn
  ASSERT_EQ(open().message, "");
  EXPECT_EQ(report_.nextRecord, 1u);
  EXPECT_NE(report_.tornBytes, 0u);
}

TEST_F(JournalTest, RefusesBeforeWritingWhenTheDiskIsFullAndKeepsRoomForTheStop) {
  disk_.freeBytes = smallSegments().segmentBytes * 2 + 100;
  ASSERT_EQ(open().message, "");
  uint64_t appended = 0;
  Status status = append(0);
  for (; status.ok(); status = append(appended)) {
    ++appended;
    ASSERT_EQ(journal_->sync().message, "");
    ASSERT_EQ(journal_->durableBefore(), appended);
    ASSERT_LT(appended, 1000u);
  }
  EXPECT_EQ(status.code, Code::kDiskFull);
  EXPECT_EQ(codeRetry(status.code), Retry::kLater);
  const uint64_t operations = disk_.operation;
  EXPECT_EQ(append(appended).code, Code::kDiskFull);
  for (uint64_t at = operations; at < disk_.operation; ++at) {
    EXPECT_FALSE(disk_.trace[at].starts_with("write")) << disk_.trace[at];
  }
  disk_.freeBytes = smallSegments().segmentBytes * 2;
  ASSERT_EQ(append(appended).message, "");
  disk_.freeBytes = 0;
  ASSERT_EQ(journal_->sync().message, "");
  ASSERT_EQ(journal_->stop().message, "");
  disk_.freeBytes = UINT64_MAX;
  ASSERT_EQ(open().message, "");
  EXPECT_TRUE(report_.stoppedCleanly);
  EXPECT_EQ(countGroups(), appended + 1);
}

TEST_F(JournalTest, StopsOnAFullDiskFromTheReserve) {
  disk_.freeBytes = smallSegments().segmentBytes + 100;
  ASSERT_EQ(open().message, "");
  uint64_t appended = 0;
  while (append(appended).ok()) ++appended;
  ASSERT_EQ(append(appended, true).message, "");
  ASSERT_EQ(journal_->stop().message, "");
  disk_.freeBytes = UINT64_MAX;
  ASSERT_EQ(open().message, "");
  EXPECT_EQ(countGroups(), appended + 1);
}

TEST_F(JournalTest, RefusesARecordOverTheLimitAndTakesOneAtIt) {
  ASSERT_EQ(open().message, "");
  std::vector<uint8_t> payload(journal_->payloadBytesMax() + 1);
  Bytes parts[] = {Bytes(payload)};
  EXPECT_EQ(journal_->append({RecordType::kGroup, parts, false}).code, Code::kTooLarge);
  parts[0] = Bytes(payload).first(payload.size() - 1);
  EXPECT_EQ(journal_->append({RecordType::kGroup, parts, false}).message, "");
  EXPECT_EQ(journal_->append({RecordType::kGroup, parts, false}).message, "");
}

// A run of the workload: `acknowledged` counts what sync has vouched for before the end.
struct Progress {
  uint64_t appended = 0;
  uint64_t acknowledged = 0;
};

class JournalFaultTest : public JournalTest {
 protected:
  static constexpr uint64_t kRecords = 24;

  Status work(Progress* run) {
    Status status = open();
    for (uint64_t number = 0; status.ok() && number < kRecords; ++number) {
      ++run->appended;
      status = append(number);
      if (status.ok() && number % 3 == 2) {
        status = journal_->sync();
        if (status.ok()) run->acknowledged = number + 1;
      }
    }
    if (status.ok()) status = journal_->stop();
    return status;
  }

  void reset() {
    journal_.reset();
    disk_ = SimulatedDisk();
    disk_.folders = {"/state", kFolder};
  }

  void checkAfter(const Progress& run, const std::string& where) {
    ASSERT_EQ(open().message, "") << where;
    const uint64_t groups = countGroups();
    EXPECT_GE(groups, run.acknowledged) << where;
    EXPECT_LE(groups, run.appended) << where;
    appendDurably(groups, 30);
    ASSERT_EQ(open().message, "") << where;
    EXPECT_EQ(countGroups(), groups + 30) << where;
  }

  uint64_t operationsOfACleanRun() {
    Progress run;
    EXPECT_EQ(work(&run).message, "");
    return disk_.operation;
  }
};

TEST_F(JournalFaultTest, LosesNothingAcknowledgedWhenKilledAroundAnyCall) {
  const uint64_t operations = operationsOfACleanRun();
  using Fault = SimulatedDisk::Fault;
  using Keep = SimulatedDisk::Keep;
  for (uint64_t at = 1; at <= operations; ++at) {
    for (const Fault fault : {Fault::kCrashBefore, Fault::kCrashAfter}) {
      for (uint64_t seed = 0; seed < 6; ++seed) {
        reset();
        disk_.faultAt = at;
        disk_.fault = fault;
        Progress run;
        EXPECT_THROW((void)work(&run), Crash);
        const Keep keep = seed == 0 ? Keep::kNothing : seed == 1 ? Keep::kAll : Keep::kSome;
        disk_.powerCut(keep, seed);
        checkAfter(run, disk_.trace.back() + ", call " + std::to_string(at) + ", seed " +
                            std::to_string(seed));
        if (HasFatalFailure()) return;
      }
    }
  }
}

// Recovery itself is killed around any of its calls.
TEST_F(JournalFaultTest, RecoveryCanBeKilledAndRunAgain) {
  using Fault = SimulatedDisk::Fault;
  using Keep = SimulatedDisk::Keep;
  for (const Fault fault : {Fault::kCrashBefore, Fault::kCrashAfter}) {
    for (uint64_t at = 1; at < 12; ++at) {
      reset();
      ASSERT_EQ(open().message, "");
      appendDurably(0, 5);
      ASSERT_EQ(append(5).message, "");
      disk_.powerCut(Keep::kAll, 0);
      bytesOfSegment(0)[kSegmentHeaderBytes + 5 * kRecordHeaderBytes + 1000] ^= 0xff;
      disk_.faultAt = disk_.operation + at;
      disk_.fault = fault;
      try {
        const Status status = open();
        EXPECT_EQ(status.message, "");
      } catch (const Crash&) {
        disk_.powerCut(Keep::kSome, at);
      }
      disk_.fault = Fault::kNone;
      checkAfter({6, 5}, "call " + std::to_string(at));
      if (HasFatalFailure()) return;
    }
  }
}

TEST_F(JournalFaultTest, EndsForGoodAtAnyErrorAndRecoversAfterwards) {
  const uint64_t operations = operationsOfACleanRun();
  using Fault = SimulatedDisk::Fault;
  for (uint64_t at = 1; at <= operations; ++at) {
    reset();
    disk_.faultAt = at;
    disk_.fault = Fault::kError;
    Progress run;
    const Status status = work(&run);
    EXPECT_EQ(status.code, Code::kIoFailed) << disk_.trace[at - 1];
    if (journal_) {
      EXPECT_EQ(append(999).code, Code::kClosed) << disk_.trace[at - 1];
      EXPECT_EQ(journal_->sync().code, Code::kClosed) << disk_.trace[at - 1];
    }
    disk_.powerCut(SimulatedDisk::Keep::kSome, at);
    checkAfter(run, disk_.trace[at - 1]);
    if (HasFatalFailure()) return;
  }
}

TEST_F(JournalFaultTest, GoesOnAfterAShortOrInterruptedWrite) {
  const uint64_t operations = operationsOfACleanRun();
  using Fault = SimulatedDisk::Fault;
  for (const Fault fault : {Fault::kShortWrite, Fault::kInterrupted}) {
    for (uint64_t at = 1; at <= operations; ++at) {
      reset();
      disk_.faultAt = at;
      disk_.fault = fault;
      Progress run;
      EXPECT_EQ(work(&run).message, "") << at;
      EXPECT_EQ(countGroups(), run.appended);
    }
  }
}

TEST(StateLock, NamesTheOwnerToTheSecond) {
  SimulatedDisk disk;
  SimulatedStorage storage(disk);
  std::unique_ptr<StateLock> first;
  std::unique_ptr<StateLock> second;
  ASSERT_EQ(StateLock::acquire(storage, "/state", 4711, &first).message, "");
  const Status status = StateLock::acquire(storage, "/state", 4712, &second);
  EXPECT_EQ(status.code, Code::kFolderLocked);
  EXPECT_NE(status.message.find("process 4711"), std::string::npos) << status.message;
}

}  // namespace
}  // namespace kudurru
