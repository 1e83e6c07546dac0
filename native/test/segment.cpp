// The segment's arithmetic against the vectors of proof's segment.ts, which made them.
#include "core/clock/segment.h"

#include <gtest/gtest.h>

#include <fstream>
#include <map>
#include <sstream>
#include <string>

namespace kudurru {
namespace {

// The strings of the vectors' JSON, which holds objects, lists, strings and null, in their order;
// null is "null".
class Words {
 public:
  explicit Words(std::string text) : text_(std::move(text)) {}

  // Empty at the end.
  std::string next() {
    while (at_ < text_.size() && text_[at_] != '"' && text_[at_] != 'n') ++at_;
    if (at_ == text_.size()) return "";
    if (text_[at_] == 'n') return at_ += 4, "null";
    const size_t end = text_.find('"', at_ + 1);
    const std::string word = text_.substr(at_ + 1, end - at_ - 1);
    at_ = end + 1;
    return word;
  }

 private:
  std::string text_;
  size_t at_ = 0;
};

uint8_t levelOf(const std::string& name) {
  static const std::map<std::string, uint8_t> kLevels{{"UNKNOWN", 0},  {"DISPUTED", 1},
                                                      {"DEGRADED", 2}, {"HOLDOVER", 3},
                                                      {"LOCKED", 4},   {"ATTESTED", 5}};
  return kLevels.at(name);
}

std::optional<uint64_t> widthOf(const std::string& word) {
  if (word == "null") return std::nullopt;
  return std::stoull(word);
}

void set(clock::Segment& segment, const std::string& name, const std::string& word) {
  if (name == "baseRawNs") segment.baseRawNs = std::stoll(word);
  if (name == "baseTaiNs") segment.baseTaiNs = std::stoll(word);
  if (name == "ratePpb") segment.ratePpb = std::stoll(word);
  if (name == "statisticalNs") segment.statisticalNs = widthOf(word);
  if (name == "adversarialNs") segment.adversarialNs = widthOf(word);
  if (name == "statisticalGrowthPpb") segment.statisticalGrowthPpb = std::stoull(word);
  if (name == "adversarialGrowthPpb") segment.adversarialGrowthPpb = std::stoull(word);
  if (name == "level") segment.level = levelOf(word);
  if (name == "lockedUntilRawNs") segment.lockedUntilRawNs = std::stoll(word);
  if (name == "holdoverUntilRawNs") segment.holdoverUntilRawNs = std::stoll(word);
  if (name == "widthMaxNs") segment.widthMaxNs = std::stoull(word);
}

TEST(Segment, GivesWhatTheVectorsSay) {
  std::ifstream file(KUDURRU_SEGMENT_VECTORS);
  std::stringstream text;
  text << file.rdbuf();
  Words words(text.str());
  clock::Segment segment;
  std::string segmentName;
  size_t readings = 0;
  for (std::string word = words.next(); !word.empty(); word = words.next()) {
    if (word == "name") segmentName = words.next();
    if (word == "segment") {
      segment = {};
      for (std::string name = words.next(); name != "readings"; name = words.next()) {
        set(segment, name, words.next());
      }
    }
    if (word != "rawNs") continue;
    const std::string at = words.next();
    std::map<std::string, std::string> wanted;
    for (const char* name : {"lastTaiNs", "taiNs", "statisticalNs", "adversarialNs", "level"}) {
      ASSERT_EQ(words.next(), name);
      wanted[name] = words.next();
    }
    SCOPED_TRACE(segmentName + " at " + at + " after " + wanted["lastTaiNs"]);
    const clock::SegmentReading reading =
        clock::readingAt(segment, std::stoll(at), std::stoull(wanted["lastTaiNs"]));
    EXPECT_EQ(reading.taiNs, std::stoull(wanted["taiNs"]));
    EXPECT_EQ(reading.statisticalNs, widthOf(wanted["statisticalNs"]));
    EXPECT_EQ(reading.adversarialNs, widthOf(wanted["adversarialNs"]));
    EXPECT_EQ(reading.level, levelOf(wanted["level"]));
    ++readings;
  }
  EXPECT_GT(readings, 100u);
}

}  // namespace
}  // namespace kudurru
