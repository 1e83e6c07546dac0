// What a check of a state folder found wrong, and where.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/journal/segment-file.h"

namespace kudurru::fsck {

enum class Weight : uint8_t {
  kDamage,       // of what cannot be made again
  kRebuildable,  // of a derived file
};

struct Finding {
  Weight weight = Weight::kDamage;
  const char* code = "";
  std::string file;  // relative to the state folder
  uint64_t offset = 0;
  std::optional<uint64_t> record;
  std::optional<uint64_t> entry;
  std::string message;
};

// Named in full up to this many; the rest is counted.
constexpr size_t kFindingsMax = 256;

class Findings {
 public:
  void add(Finding finding);
  void addAll(std::vector<Finding> findings);

  const std::vector<Finding>& list() const { return list_; }
  uint64_t damages() const { return damages_; }
  uint64_t rebuildables() const { return rebuildables_; }
  // Puts back what a report of an earlier part of the same check held.
  void restore(std::vector<Finding> list, uint64_t damages, uint64_t rebuildables);

 private:
  std::vector<Finding> list_;
  uint64_t damages_ = 0;
  uint64_t rebuildables_ = 0;
};

// Damage of the record at this position.
Finding damageAt(const Position& position, const char* code, std::string message);

std::string segmentPath(uint32_t segment);  // relative to the state folder

}  // namespace kudurru::fsck
