// Policy sessions: each command adds one condition, in the order in which the policy has them.
#include "core/tpm/operations.h"

namespace kudurru::tpm {

// Part 3 §23.4: (authorising object, policy session). Without nonce, expiry or ticket.
TSS2_RC policySecret(Call& call) {
  const ESYS_TR object = call.handle();
  const ESYS_TR session = call.handle();
  return Esys_PolicySecret(call.esys, object, session, call.authorisation(0), call.session(1),
                           call.session(2), nullptr, nullptr, nullptr, 0, nullptr, nullptr);
}

// Part 3 §23.7: (policy session, digest of the PCRs' values or nothing, TPML_PCR_SELECTION).
// Without a digest: the values that they have now.
TSS2_RC policyPcr(Call& call) {
  const ESYS_TR session = call.handle();
  const auto digest = call.sized<TPM2B_DIGEST>();
  const auto selection = call.parse<TPML_PCR_SELECTION>(Tss2_MU_TPML_PCR_SELECTION_Unmarshal);
  return Esys_PolicyPCR(call.esys, session, call.session(0), call.session(1), call.session(2),
                        &digest, &selection);
}

// Part 3 §23.16: (policy session, approved policy, policy reference, Name of the approving key,
// TPMT_TK_VERIFIED).
TSS2_RC policyAuthorize(Call& call) {
  const ESYS_TR session = call.handle();
  const auto approved = call.sized<TPM2B_DIGEST>();
  const auto reference = call.sized<TPM2B_NONCE>();
  const auto key = call.sizedName();
  const auto ticket = call.parse<TPMT_TK_VERIFIED>(Tss2_MU_TPMT_TK_VERIFIED_Unmarshal);
  return Esys_PolicyAuthorize(call.esys, session, call.session(0), call.session(1), call.session(2),
                              &approved, &reference, &key, &ticket);
}

// Part 3 §23.10: (policy session, operand, offset into TPMS_TIME_INFO, TPM_EO).
TSS2_RC policyCounterTimer(Call& call) {
  const ESYS_TR session = call.handle();
  const auto operand = call.sized<TPM2B_OPERAND>();
  const auto offset = static_cast<UINT16>(call.number());
  return Esys_PolicyCounterTimer(call.esys, session, call.session(0), call.session(1),
                                 call.session(2), &operand, offset,
                                 static_cast<TPM2_EO>(call.number()));
}

// Part 3 §23.3: (signer's key, policy session, nonce of the session or nothing, policy reference,
// expiration in seconds, TPMT_SIGNATURE). Gives no ticket: that needs a negative expiration.
TSS2_RC policySigned(Call& call) {
  const ESYS_TR key = call.handle();
  const ESYS_TR session = call.handle();
  const auto nonce = call.sized<TPM2B_NONCE>();
  const auto reference = call.sized<TPM2B_NONCE>();
  const auto expiration = static_cast<INT32>(call.number());
  const auto signature = call.parse<TPMT_SIGNATURE>(Tss2_MU_TPMT_SIGNATURE_Unmarshal);
  return Esys_PolicySigned(call.esys, key, session, call.session(0), call.session(1),
                           call.session(2), &nonce, nullptr, &reference, expiration, &signature,
                           nullptr, nullptr);
}

// Part 3 §23.19: (policy session) → the policy's digest so far.
TSS2_RC policyGetDigest(Call& call) {
  Owned<TPM2B_DIGEST> digest;
  const TSS2_RC rc = Esys_PolicyGetDigest(call.esys, call.handle(), call.session(0),
                                          call.session(1), call.session(2), digest.out());
  if (rc == TSS2_RC_SUCCESS) call.giveSized(*digest.get());
  return rc;
}

}  // namespace kudurru::tpm
