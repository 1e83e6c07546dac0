// How the journal writes: long records from where they stand, and room before it is needed.
#include <gtest/gtest.h>

#include "core/journal/journal.h"
#include "simulated-storage.h"

namespace kudurru {
namespace {

using test::SimulatedDisk;
using test::SimulatedStorage;

constexpr const char* kFolder = "/state/journal";

std::vector<uint8_t> payloadOf(uint64_t number) {
  return std::vector<uint8_t>(1 + number % 200, static_cast<uint8_t>(number));
}

class JournalWritingTest : public testing::Test {
 protected:
  JournalWritingTest() {
    disk_.folders = {"/state", kFolder};
    options_.folder = kFolder;
    options_.ledgerId.fill(7);
    options_.segmentBytes = 4 << 20;
  }

  void SetUp() override { ASSERT_EQ(open().message, ""); }

  Status open() { return Journal::open(storage_, options_, &journal_, &report_); }

  Status append(const std::vector<uint8_t>& payload, RecordType type = RecordType::kGroup) {
    const Bytes parts[] = {Bytes(payload)};
    return journal_->append({type, parts, false});
  }

  // The next record's payload is this; nothing: the end.
  void expectNext(JournalReader& reader, const std::vector<uint8_t>& payload) {
    Record record;
    Step step = Step::kEnd;
    ASSERT_EQ(reader.next(&step, &record).message, "");
    ASSERT_EQ(step, Step::kRecord);
    EXPECT_TRUE(std::ranges::equal(record.payload, payload));
  }

  JournalOptions options_;
  SimulatedDisk disk_;
  SimulatedStorage storage_{disk_};
  std::unique_ptr<Journal> journal_;
  JournalReport report_;
};

// Parts on both sides of the length from which they are not copied.
TEST_F(JournalWritingTest, APayloadOfManyPartsIsTheirBytesOneAfterTheOther) {
  std::vector<uint8_t> all;
  std::vector<std::vector<uint8_t>> kept;
  const auto add = [&](size_t size) {
    kept.emplace_back(size, static_cast<uint8_t>(kept.size() + 1));
    all.insert(all.end(), kept.back().begin(), kept.back().end());
  };
  for (const size_t size : {56, 16'383, 16'384, 0, 3, 300'001, 9, 16'383, 16'383, 1}) add(size);
  for (int i = 0; i < 20; ++i) add(16'000);
  const std::vector<Bytes> parts(kept.begin(), kept.end());
  Position first;
  ASSERT_EQ(journal_->append({RecordType::kGroup, parts, false}, &first).message, "");
  ASSERT_EQ(append(payloadOf(1)).message, "");
  ASSERT_EQ(journal_->sync().message, "");
  JournalReader reader(storage_, kFolder, options_.ledgerId);
  reader.seek(first);
  expectNext(reader, all);
  expectNext(reader, payloadOf(1));
}

TEST_F(JournalWritingTest, RoomIsWrittenBeforeSmallRecordsAndNothingElse) {
  constexpr uint64_t kRecords = 20'000;
  EXPECT_FALSE(journal_->wantsRoomWritten());  // nothing was written yet
  ASSERT_EQ(append(payloadOf(0)).message, "");
  EXPECT_FALSE(journal_->wantsRoomWritten());  // not synced
  uint64_t rooms = 0;
  for (uint64_t number = 1; number < kRecords; ++number) {
    ASSERT_EQ(journal_->sync().message, "");
    for (; journal_->wantsRoomWritten(); ++rooms) ASSERT_EQ(journal_->writeRoom().message, "");
    ASSERT_EQ(append(payloadOf(number)).message, "");
  }
  ASSERT_EQ(journal_->sync().message, "");
  EXPECT_EQ(rooms, 3u);
  ASSERT_EQ(append(std::vector<uint8_t>(20'000, 7), RecordType::kCheckpoint).message, "");
  ASSERT_EQ(journal_->sync().message, "");
  EXPECT_FALSE(journal_->wantsRoomWritten());
  JournalReader reader(storage_, kFolder, options_.ledgerId);
  ASSERT_EQ(reader.rewind().message, "");
  for (uint64_t number = 0; number < kRecords; ++number) expectNext(reader, payloadOf(number));
  journal_.reset();
  disk_.powerCut(SimulatedDisk::Keep::kNothing, 1);
  ASSERT_EQ(open().message, "");
  EXPECT_EQ(report_.nextRecord, kRecords + 1);
  EXPECT_EQ(report_.tornBytes, 0u);
}

}  // namespace
}  // namespace kudurru
