#include "core/tpm/context.h"

#include <tss2/tss2_rc.h>
#include <tss2/tss2_tctildr.h>

#include "core/tpm/operations.h"

namespace kudurru::tpm {

namespace {

Reply refused(Reason reason, std::string text) {
  Reply reply;
  reply.reason = reason;
  reply.text = std::move(text);
  return reply;
}

}  // namespace

Context::~Context() {
  // Sends nothing: transient objects stay until flushed, or until the resource manager drops them.
  if (esys_ != nullptr) Esys_Finalize(&esys_);
  if (transport_ != nullptr) Tss2_TctiLdr_Finalize(&transport_);
}

void Context::interrupt() {
  const std::lock_guard lock(interruptMutex_);
  interrupted_ = true;
  if (tcti_) tcti_->interrupt();
}

Reply Context::run(const Request& request) {
  if (std::chrono::steady_clock::now() >= request.deadline) {
    return refused(Reason::kDeadline, "the deadline passed before the call reached the TPM");
  }
  if (request.operation == "open") return open(request);
  if (esys_ == nullptr || lost_) return refused(Reason::kLost, "the TPM connection is lost");
  const Operation operation = findOperation(request.operation);
  if (operation == nullptr) return refused(Reason::kArgument, "unknown operation");
  tcti_->begin(request.deadline);
  Call call(esys_, request.inputs, request.sessions);
  try {
    const TSS2_RC code = operation(call);
    if (code != TSS2_RC_SUCCESS) return failure(code);
  } catch (const ArgumentError& error) {
    return refused(Reason::kArgument, error.what());
  } catch (const std::exception& error) {
    // After the TPM's answer: its results are lost, and with them what the context holds.
    lost_ = true;
    Reply reply = refused(Reason::kLost, error.what());
    reply.effect = tcti_->sent() ? Effect::kUnknown : Effect::kNone;
    return reply;
  }
  Reply reply;
  reply.results = std::move(call.results);
  return reply;
}

Reply Context::open(const Request& request) {
  if (transport_ != nullptr) return refused(Reason::kArgument, "the TPM is open already");
  const Blob* name = request.inputs.empty() ? nullptr : std::get_if<Blob>(&request.inputs[0]);
  if (name == nullptr) return refused(Reason::kArgument, "expected a transport string");
  const std::string tcti(name->begin(), name->end());
  if (const TSS2_RC code = Tss2_TctiLdr_Initialize(tcti.c_str(), &transport_);
      code != TSS2_RC_SUCCESS) {
    return failure(code);
  }
  {
    const std::lock_guard lock(interruptMutex_);
    tcti_ = std::make_unique<DeadlineTcti>(transport_);
    if (interrupted_) tcti_->interrupt();
  }
  tcti_->begin(request.deadline);
  if (const TSS2_RC code = Esys_Initialize(&esys_, tcti_->context(), nullptr);
      code != TSS2_RC_SUCCESS) {
    return failure(code);
  }
  return Reply{};
}

// Layer 0 is the TPM's own answer (Part 2 §6.6.2): it refused, and a refused command changes
// nothing.
Reply Context::failure(TSS2_RC code) {
  const bool fromTpm = (code & TSS2_RC_LAYER_MASK) == TSS2_TPM_RC_LAYER;
  Reply reply;
  reply.code = code;
  reply.text = Tss2_RC_Decode(code);
  const bool sent = tcti_ && tcti_->sent();
  const bool answered = tcti_ && tcti_->answered();
  reply.effect = sent && !(answered && fromTpm) ? Effect::kUnknown : Effect::kNone;
  reply.reason = tcti_ && tcti_->timedOut() ? Reason::kDeadline : Reason::kCode;
  lost_ = lost_ || reply.effect == Effect::kUnknown;
  return reply;
}

}  // namespace kudurru::tpm
