// One connection of the simulated network: bytes under way, each direction in order, cut anywhere.
#pragma once

#include <vector>

#include "core/bytes.h"
#include "core/intake/writer.h"

namespace kudurru::sim {

struct Line {
  uint64_t connection = 0;  // the daemon's id of it
  intake::Writer writer;
  std::vector<uint8_t> toDaemon;
  std::vector<uint8_t> toAgent;
  bool agentLeft = false;
  bool daemonLeft = false;
};

}  // namespace kudurru::sim
