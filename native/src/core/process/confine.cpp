#include "core/process/confine.h"

#include <errno.h>
#include <linux/capability.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace kudurru::process {
namespace {

// Above every capability that a kernel may know; the kernel says where its own end.
constexpr int kCapabilitiesMax = 64;

}  // namespace

int dieWith(pid_t parent, bool& isParent) {
  if (::prctl(PR_SET_PDEATHSIG, SIGKILL) != 0) return errno;
  isParent = ::getppid() == parent;
  return 0;
}

int dropCapabilities() {
  if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return errno;
  for (int capability = 0; capability < kCapabilitiesMax; ++capability) {
    const int bound = ::prctl(PR_CAPBSET_READ, capability, 0, 0, 0);
    if (bound < 0) break;
    // Without CAP_SETPCAP nothing can be dropped here; nothing can be gained either.
    if (bound == 1 && ::prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) != 0 && errno != EPERM) {
      return errno;
    }
  }
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3]{};
  return ::syscall(SYS_capset, &header, none) == 0 ? 0 : errno;
}

}  // namespace kudurru::process
