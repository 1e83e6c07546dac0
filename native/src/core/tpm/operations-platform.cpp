// The TPM as a whole: start and stop, capabilities, random numbers, clock, PCRs, TPM sessions.
#include "core/tpm/operations.h"

namespace kudurru::tpm {

// Part 3 §9.3: (startupType). A TPM that is started already answers TPM_RC_INITIALIZE.
TSS2_RC startup(Call& call) { return Esys_Startup(call.esys, static_cast<TPM2_SU>(call.number())); }

// Part 3 §9.4: (shutdownType).
TSS2_RC shutdown(Call& call) {
  return Esys_Shutdown(call.esys, call.session(0), call.session(1), call.session(2),
                       static_cast<TPM2_SU>(call.number()));
}

// Part 3 §30.2: (capability, property, count) → more data, TPMS_CAPABILITY_DATA.
TSS2_RC getCapability(Call& call) {
  const uint32_t capability = call.number();
  const uint32_t property = call.number();
  const uint32_t count = call.number();
  TPMI_YES_NO more = TPM2_NO;
  Owned<TPMS_CAPABILITY_DATA> data;
  const TSS2_RC rc =
      Esys_GetCapability(call.esys, call.session(0), call.session(1), call.session(2), capability,
                         property, count, &more, data.out());
  if (rc != TSS2_RC_SUCCESS) return rc;
  call.give(more);
  call.giveMarshalled(Tss2_MU_TPMS_CAPABILITY_DATA_Marshal, *data.get());
  return rc;
}

// Part 3 §16.1: (count) → bytes, at most as many as the largest digest.
TSS2_RC getRandom(Call& call) {
  Owned<TPM2B_DIGEST> random;
  const TSS2_RC rc = Esys_GetRandom(call.esys, call.session(0), call.session(1), call.session(2),
                                    static_cast<UINT16>(call.number()), random.out());
  if (rc == TSS2_RC_SUCCESS) call.giveSized(*random.get());
  return rc;
}

// Part 3 §29.1: () → TPMS_TIME_INFO.
TSS2_RC readClock(Call& call) {
  Owned<TPMS_TIME_INFO> time;
  const TSS2_RC rc =
      Esys_ReadClock(call.esys, call.session(0), call.session(1), call.session(2), time.out());
  if (rc == TSS2_RC_SUCCESS) call.giveMarshalled(Tss2_MU_TPMS_TIME_INFO_Marshal, *time.get());
  return rc;
}

// Part 3 §22.2: (PCR, TPML_DIGEST_VALUES).
TSS2_RC pcrExtend(Call& call) {
  const ESYS_TR pcr = call.handle();
  const auto digests = call.parse<TPML_DIGEST_VALUES>(Tss2_MU_TPML_DIGEST_VALUES_Unmarshal);
  return Esys_PCR_Extend(call.esys, pcr, call.authorisation(0), call.session(1), call.session(2),
                         &digests);
}

// Part 3 §22.4: (TPML_PCR_SELECTION) → update counter, TPML_PCR_SELECTION, TPML_DIGEST.
TSS2_RC pcrRead(Call& call) {
  const auto selection = call.parse<TPML_PCR_SELECTION>(Tss2_MU_TPML_PCR_SELECTION_Unmarshal);
  UINT32 updateCounter = 0;
  Owned<TPML_PCR_SELECTION> selected;
  Owned<TPML_DIGEST> values;
  const TSS2_RC rc = Esys_PCR_Read(call.esys, call.session(0), call.session(1), call.session(2),
                                   &selection, &updateCounter, selected.out(), values.out());
  if (rc != TSS2_RC_SUCCESS) return rc;
  call.give(updateCounter);
  call.giveMarshalled(Tss2_MU_TPML_PCR_SELECTION_Marshal, *selected.get());
  call.giveMarshalled(Tss2_MU_TPML_DIGEST_Marshal, *values.get());
  return rc;
}

// Part 3 §11.1: (salt key or ESYS_TR_NONE, session type) → session. SHA-256, AES-128-CFB, unbound.
TSS2_RC startAuthSession(Call& call) {
  const ESYS_TR saltKey = call.handle();
  const auto type = static_cast<TPM2_SE>(call.number());
  TPMT_SYM_DEF symmetric{};
  symmetric.algorithm = TPM2_ALG_AES;
  symmetric.keyBits.aes = 128;
  symmetric.mode.aes = TPM2_ALG_CFB;
  ESYS_TR session = ESYS_TR_NONE;
  const TSS2_RC rc =
      Esys_StartAuthSession(call.esys, saltKey, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE,
                            ESYS_TR_NONE, nullptr, type, &symmetric, TPM2_ALG_SHA256, &session);
  if (rc == TSS2_RC_SUCCESS) call.give(session);
  return rc;
}

// Part 2 §8.4 TPMA_SESSION: (session, flags, mask). Local to ESYS.
TSS2_RC sessionAttributes(Call& call) {
  const ESYS_TR session = call.handle();
  const auto flags = static_cast<TPMA_SESSION>(call.number());
  return Esys_TRSess_SetAttributes(call.esys, session, flags,
                                   static_cast<TPMA_SESSION>(call.number()));
}

// Local to ESYS: (session) → the nonce that the TPM gave last (Part 1 §17.6).
TSS2_RC sessionNonce(Call& call) {
  Owned<TPM2B_NONCE> nonce;
  const TSS2_RC rc = Esys_TRSess_GetNonceTPM(call.esys, call.handle(), nonce.out());
  if (rc == TSS2_RC_SUCCESS) call.giveSized(*nonce.get());
  return rc;
}

// Part 3 §10.4: () → vendor's bytes, TPM_RC of the TPM's tests of itself.
TSS2_RC getTestResult(Call& call) {
  Owned<TPM2B_MAX_BUFFER> data;
  TPM2_RC result = TPM2_RC_SUCCESS;
  const TSS2_RC rc = Esys_GetTestResult(call.esys, call.session(0), call.session(1),
                                        call.session(2), data.out(), &result);
  if (rc != TSS2_RC_SUCCESS) return rc;
  call.giveSized(*data.get());
  call.give(result);
  return rc;
}

}  // namespace kudurru::tpm
