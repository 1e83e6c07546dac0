// Storage and File of the product over the simulated disk: the calls, their faults, and the places
// where the process may die.
#pragma once

#include "context.h"
#include "core/journal/storage.h"
#include "disk.h"

namespace kudurru::sim {

class StorageTwin final : public Storage {
 public:
  StorageTwin(Context& context, Disk& disk) : context_(context), disk_(disk) {}

  OpenResult open(const std::string& path, OpenMode mode) override;
  ListResult list(const std::string& folder) override;
  int makeFolder(const std::string& folder) override;
  int syncFolder(const std::string& folder) override;
  int syncFileSystem(const std::string& folder) override;
  int removeFolder(const std::string& folder) override;
  int rename(const std::string& from, const std::string& to) override;
  int unlink(const std::string& path) override;
  int fillRandom(MutableBytes bytes) override;

 private:
  Context& context_;
  Disk& disk_;
};

}  // namespace kudurru::sim
