// Intake's surroundings on a running Linux.
#pragma once

#include "core/intake/intake.h"

namespace kudurru::intake {

class LinuxEnvironment final : public Environment {
 public:
  // Throws std::system_error if the kernel gives none: nothing can be opened then.
  void fillRandom(MutableBytes bytes) override;
  // From /proc. A fact stands only if the process that wrote was still there after it was read;
  // its program and cgroup are those of that moment.
  WriterFacts lookAt(const Writer& writer, WriterLevel level) override;
};

// CLOCK_REALTIME and CLOCK_MONOTONIC_RAW, one after the other.
Stamp now();

}  // namespace kudurru::intake
