#include "core/fsck/finding.h"

#include <utility>

namespace kudurru::fsck {

void Findings::add(Finding finding) {
  ++(finding.weight == Weight::kDamage ? damages_ : rebuildables_);
  if (list_.size() < kFindingsMax) list_.push_back(std::move(finding));
}

void Findings::addAll(std::vector<Finding> findings) {
  for (Finding& finding : findings) add(std::move(finding));
}

void Findings::restore(std::vector<Finding> list, uint64_t damages, uint64_t rebuildables) {
  list_ = std::move(list);
  damages_ = damages;
  rebuildables_ = rebuildables;
}

Finding damageAt(const Position& position, const char* code, std::string message) {
  Finding finding;
  finding.code = code;
  finding.file = segmentPath(position.segment);
  finding.offset = position.offset;
  finding.record = position.record;
  finding.message = std::move(message);
  return finding;
}

std::string segmentPath(uint32_t segment) { return "journal/" + segmentName(segment); }

}  // namespace kudurru::fsck
