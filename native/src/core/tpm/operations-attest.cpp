// Attestations. Each gives TPMS_ATTEST as the TPM signed it, and TPMT_SIGNATURE (ECDSA, SHA-256).
#include "core/tpm/operations.h"

namespace kudurru::tpm {

namespace {

constexpr TPMT_SIG_SCHEME kEcdsaSha256 = {TPM2_ALG_ECDSA, {.ecdsa = {TPM2_ALG_SHA256}}};

class Attestation {
 public:
  TPM2B_ATTEST** attest() { return attest_.out(); }
  TPMT_SIGNATURE** signature() { return signature_.out(); }

  TSS2_RC giveTo(Call& call, TSS2_RC rc) const {
    if (rc != TSS2_RC_SUCCESS) return rc;
    call.give(attest_->attestationData, attest_->size);
    call.giveMarshalled(Tss2_MU_TPMT_SIGNATURE_Marshal, *signature_.get());
    return rc;
  }

 private:
  Owned<TPM2B_ATTEST> attest_;
  Owned<TPMT_SIGNATURE> signature_;
};

}  // namespace

// Part 3 §18.2: (object, signing key, qualifying data).
TSS2_RC certify(Call& call) {
  const ESYS_TR object = call.handle();
  const ESYS_TR key = call.handle();
  const auto qualifying = call.sized<TPM2B_DATA>();
  Attestation made;
  return made.giveTo(call, Esys_Certify(call.esys, object, key, call.authorisation(0),
                                        call.authorisation(1), call.session(2), &qualifying,
                                        &kEcdsaSha256, made.attest(), made.signature()));
}

// Part 3 §18.3: (signing key, object, qualifying data, creation hash, TPMT_TK_CREATION).
TSS2_RC certifyCreation(Call& call) {
  const ESYS_TR key = call.handle();
  const ESYS_TR object = call.handle();
  const auto qualifying = call.sized<TPM2B_DATA>();
  const auto hash = call.sized<TPM2B_DIGEST>();
  const auto ticket = call.parse<TPMT_TK_CREATION>(Tss2_MU_TPMT_TK_CREATION_Unmarshal);
  Attestation made;
  return made.giveTo(
      call, Esys_CertifyCreation(call.esys, key, object, call.authorisation(0), call.session(1),
                                 call.session(2), &qualifying, &hash, &kEcdsaSha256, &ticket,
                                 made.attest(), made.signature()));
}

// Part 3 §18.4: (signing key, qualifying data, TPML_PCR_SELECTION).
TSS2_RC quote(Call& call) {
  const ESYS_TR key = call.handle();
  const auto qualifying = call.sized<TPM2B_DATA>();
  const auto selection = call.parse<TPML_PCR_SELECTION>(Tss2_MU_TPML_PCR_SELECTION_Unmarshal);
  Attestation made;
  return made.giveTo(
      call, Esys_Quote(call.esys, key, call.authorisation(0), call.session(1), call.session(2),
                       &qualifying, &kEcdsaSha256, &selection, made.attest(), made.signature()));
}

// Part 3 §18.7: (signing key, qualifying data). The privacy administrator is the endorsement
// hierarchy.
TSS2_RC getTime(Call& call) {
  const ESYS_TR key = call.handle();
  const auto qualifying = call.sized<TPM2B_DATA>();
  Attestation made;
  return made.giveTo(
      call, Esys_GetTime(call.esys, ESYS_TR_RH_ENDORSEMENT, key, call.authorisation(0),
                         call.authorisation(1), call.session(2), &qualifying, &kEcdsaSha256,
                         made.attest(), made.signature()));
}

// Part 3 §31.16: (signing key, authorising handle, NV index, qualifying data, size, offset).
TSS2_RC nvCertify(Call& call) {
  const ESYS_TR key = call.handle();
  const ESYS_TR authorising = call.handle();
  const ESYS_TR index = call.handle();
  const auto qualifying = call.sized<TPM2B_DATA>();
  const auto size = static_cast<UINT16>(call.number());
  const auto offset = static_cast<UINT16>(call.number());
  Attestation made;
  return made.giveTo(
      call, Esys_NV_Certify(call.esys, key, authorising, index, call.authorisation(0),
                            call.authorisation(1), call.session(2), &qualifying, &kEcdsaSha256,
                            size, offset, made.attest(), made.signature()));
}

}  // namespace kudurru::tpm
