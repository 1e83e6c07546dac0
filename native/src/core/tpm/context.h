// One open TPM: transport, deadline layer, ESYS context. Used by one thread; only interrupt() may
// come from another.
//
// A context whose command may have been lost on the way is finished: ESYS cannot know where its
// command sequence stands. Every later call is refused, and the owner opens a new context.
#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <string>

#include "core/tpm/call.h"
#include "core/tpm/deadline-tcti.h"

namespace kudurru::tpm {

enum class Effect : uint8_t {
  kNone,     // nothing was sent, or the TPM refused: it has not changed
  kUnknown,  // sent, and no usable answer: the TPM may have changed
};

struct Request {
  std::string operation;
  Values inputs;
  Sessions sessions{ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE};
  Deadline deadline;
};

enum class Reason : uint8_t { kDone, kArgument, kLost, kDeadline, kCode };

struct Reply {
  Reason reason = Reason::kDone;
  TSS2_RC code = TSS2_RC_SUCCESS;
  std::string text;
  Effect effect = Effect::kNone;
  Values results;
};

class Context {
 public:
  Context() = default;
  ~Context();
  Context(const Context&) = delete;
  Context& operator=(const Context&) = delete;

  // `open` (transport string) first, then any operation of the table.
  Reply run(const Request& request);

  // From any thread: the call that waits fails now, and so do all later ones.
  void interrupt();

 private:
  Reply open(const Request& request);
  Reply failure(TSS2_RC code);

  TSS2_TCTI_CONTEXT* transport_ = nullptr;
  std::unique_ptr<DeadlineTcti> tcti_;
  ESYS_CONTEXT* esys_ = nullptr;
  bool lost_ = false;
  std::mutex interruptMutex_;  // guards tcti_ being made while another thread interrupts
  bool interrupted_ = false;
};

}  // namespace kudurru::tpm
