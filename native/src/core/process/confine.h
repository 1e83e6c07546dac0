// What a small program gives up before it does its work. Each is 0 or an errno.
#pragma once

#include <sys/types.h>

namespace kudurru::process {

// The kernel kills this process when the one that started it ends. `isParent`: whether that was
// `parent` and is there still.
int dieWith(pid_t parent, bool& isParent);

// Gives up every capability for good, also for what this thread executes. Other threads keep theirs
// until then: a program that has some executes itself after this.
int dropCapabilities();

}  // namespace kudurru::process
