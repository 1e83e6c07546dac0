// A TCTI in front of another one, so that ESYS's blocking calls end at a deadline.
//
// tpm2-tss waits for an answer without limit. This layer waits on the transport's descriptor
// itself: until the deadline, or until another thread interrupts. A transport that gives no
// descriptor (swtpm's) waits on its own; its caller gives up and leaves the thread behind. The
// layer also remembers whether the last command left the process and whether its answer came back:
// from that follows whether a failed call may have changed the TPM.
#pragma once

#include <tss2/tss2_tcti.h>

#include <chrono>

namespace kudurru::tpm {

using Deadline = std::chrono::steady_clock::time_point;

class DeadlineTcti {
 public:
  explicit DeadlineTcti(TSS2_TCTI_CONTEXT* inner);
  ~DeadlineTcti();
  DeadlineTcti(const DeadlineTcti&) = delete;
  DeadlineTcti& operator=(const DeadlineTcti&) = delete;

  // What ESYS is given.
  TSS2_TCTI_CONTEXT* context() { return reinterpret_cast<TSS2_TCTI_CONTEXT*>(&face_); }

  // Before each operation: its deadline, and nothing sent yet.
  void begin(Deadline deadline);

  // From any thread: whatever waits now, or later, fails at once.
  void interrupt();

  bool sent() const { return sent_; }
  bool answered() const { return answered_; }
  bool timedOut() const { return timedOut_; }

 private:
  // The C face must come first in memory: ESYS hands its address back to us.
  struct Face {
    TSS2_TCTI_CONTEXT_COMMON_V2 common;
    DeadlineTcti* self;
  };

  static DeadlineTcti& from(TSS2_TCTI_CONTEXT* context) {
    return *reinterpret_cast<Face*>(context)->self;
  }
  static TSS2_RC transmit(TSS2_TCTI_CONTEXT* context, size_t size, const uint8_t* command);
  static TSS2_RC receive(TSS2_TCTI_CONTEXT* context, size_t* size, uint8_t* response,
                         int32_t timeoutMs);
  static TSS2_RC cancel(TSS2_TCTI_CONTEXT* context);
  static TSS2_RC setLocality(TSS2_TCTI_CONTEXT* context, uint8_t locality);
  static TSS2_RC getPollHandles(TSS2_TCTI_CONTEXT* context, TSS2_TCTI_POLL_HANDLE* handles,
                                size_t* count);
  static void finalize(TSS2_TCTI_CONTEXT* context);

  TSS2_RC waitForAnswer();

  Face face_;
  TSS2_TCTI_CONTEXT* inner_;
  int wake_;  // eventfd; readable once interrupted
  Deadline deadline_;
  bool sent_ = false;
  bool answered_ = false;
  bool timedOut_ = false;
};

}  // namespace kudurru::tpm
