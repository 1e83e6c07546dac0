#include "core/tpm/deadline-tcti.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <system_error>

namespace kudurru::tpm {

namespace {

constexpr uint64_t kMagic = 0x4b55445552525531;  // "KUDURRU1"
constexpr size_t kPollHandlesMax = 4;

int millisecondsUntil(Deadline deadline) {
  const auto left =
      std::chrono::ceil<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now());
  return static_cast<int>(std::clamp<int64_t>(left.count(), 0, 24 * 3600 * 1000));
}

}  // namespace

DeadlineTcti::DeadlineTcti(TSS2_TCTI_CONTEXT* inner)
    : face_{}, inner_(inner), wake_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  if (wake_ < 0) throw std::system_error(errno, std::generic_category(), "eventfd");
  auto& v1 = face_.common.v1;
  v1.magic = kMagic;
  v1.version = 2;
  v1.transmit = transmit;
  v1.receive = receive;
  v1.finalize = finalize;
  v1.cancel = cancel;
  v1.getPollHandles = getPollHandles;
  v1.setLocality = setLocality;
  face_.self = this;
}

DeadlineTcti::~DeadlineTcti() { close(wake_); }

void DeadlineTcti::begin(Deadline deadline) {
  deadline_ = deadline;
  sent_ = answered_ = timedOut_ = false;
}

void DeadlineTcti::interrupt() {
  const uint64_t one = 1;
  // An eventfd refuses a write only when its counter is full: then it is readable already.
  [[maybe_unused]] const ssize_t written = write(wake_, &one, sizeof one);
}

TSS2_RC DeadlineTcti::transmit(TSS2_TCTI_CONTEXT* context, size_t size, const uint8_t* command) {
  auto& self = from(context);
  // Set first: a transmit that fails half-way may still have reached the TPM.
  self.sent_ = true;
  self.answered_ = false;
  return Tss2_Tcti_Transmit(self.inner_, size, command);
}

TSS2_RC DeadlineTcti::receive(TSS2_TCTI_CONTEXT* context, size_t* size, uint8_t* response,
                              int32_t /* timeoutMs: ESYS always waits; the deadline rules */) {
  auto& self = from(context);
  if (const TSS2_RC rc = self.waitForAnswer(); rc != TSS2_RC_SUCCESS) return rc;
  const TSS2_RC rc = Tss2_Tcti_Receive(self.inner_, size, response, TSS2_TCTI_TIMEOUT_BLOCK);
  if (rc == TSS2_RC_SUCCESS) self.answered_ = true;
  return rc;
}

// Returns success too where the transport has no descriptor to wait on: then it waits itself.
TSS2_RC DeadlineTcti::waitForAnswer() {
  std::array<TSS2_TCTI_POLL_HANDLE, kPollHandlesMax> handles{};
  size_t count = 0;
  if (Tss2_Tcti_GetPollHandles(inner_, nullptr, &count) != TSS2_RC_SUCCESS) return TSS2_RC_SUCCESS;
  if (count == 0 || count > kPollHandlesMax) return TSS2_RC_SUCCESS;
  if (Tss2_Tcti_GetPollHandles(inner_, handles.data(), &count) != TSS2_RC_SUCCESS) {
    return TSS2_RC_SUCCESS;
  }
  std::array<pollfd, kPollHandlesMax + 1> waits{};
  for (size_t i = 0; i < count; ++i) waits[i] = {handles[i].fd, POLLIN, 0};
  waits[count] = {wake_, POLLIN, 0};
  for (;;) {
    const int ready = poll(waits.data(), count + 1, millisecondsUntil(deadline_));
    if (ready < 0 && errno == EINTR) continue;
    if (ready > 0 && waits[count].revents == 0) return TSS2_RC_SUCCESS;
    timedOut_ = ready == 0;
    return TSS2_TCTI_RC_IO_ERROR;
  }
}

TSS2_RC DeadlineTcti::cancel(TSS2_TCTI_CONTEXT* context) {
  return Tss2_Tcti_Cancel(from(context).inner_);
}

TSS2_RC DeadlineTcti::setLocality(TSS2_TCTI_CONTEXT* context, uint8_t locality) {
  return Tss2_Tcti_SetLocality(from(context).inner_, locality);
}

TSS2_RC DeadlineTcti::getPollHandles(TSS2_TCTI_CONTEXT* context, TSS2_TCTI_POLL_HANDLE* handles,
                                     size_t* count) {
  return Tss2_Tcti_GetPollHandles(from(context).inner_, handles, count);
}

// The inner transport belongs to whoever opened it.
void DeadlineTcti::finalize(TSS2_TCTI_CONTEXT*) {}

}  // namespace kudurru::tpm
