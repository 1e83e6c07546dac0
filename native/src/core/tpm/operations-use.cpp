// What loaded objects are used for: signing, verifying, proving where a key lives, unsealing.
#include "core/tpm/operations.h"

namespace kudurru::tpm {

// Part 3 §20.2: (key, SHA-256 digest) → TPMT_SIGNATURE. ECDSA; for unrestricted keys: the null
// ticket says that the TPM did not hash the data itself.
TSS2_RC sign(Call& call) {
  const ESYS_TR key = call.handle();
  const auto digest = call.sized<TPM2B_DIGEST>();
  TPMT_SIG_SCHEME scheme{};
  scheme.scheme = TPM2_ALG_ECDSA;
  scheme.details.ecdsa.hashAlg = TPM2_ALG_SHA256;
  TPMT_TK_HASHCHECK ticket{};
  ticket.tag = TPM2_ST_HASHCHECK;
  ticket.hierarchy = TPM2_RH_NULL;
  Owned<TPMT_SIGNATURE> signature;
  const TSS2_RC rc = Esys_Sign(call.esys, key, call.authorisation(0), call.session(1),
                               call.session(2), &digest, &scheme, &ticket, signature.out());
  if (rc == TSS2_RC_SUCCESS) {
    call.giveMarshalled(Tss2_MU_TPMT_SIGNATURE_Marshal, *signature.get());
  }
  return rc;
}

// Part 3 §20.1: (key, SHA-256 digest, TPMT_SIGNATURE) → TPMT_TK_VERIFIED: the TPM's own word, for
// PolicyAuthorize, that it has checked the signature.
TSS2_RC verifySignature(Call& call) {
  const ESYS_TR key = call.handle();
  const auto digest = call.sized<TPM2B_DIGEST>();
  const auto signature = call.parse<TPMT_SIGNATURE>(Tss2_MU_TPMT_SIGNATURE_Unmarshal);
  Owned<TPMT_TK_VERIFIED> ticket;
  const TSS2_RC rc = Esys_VerifySignature(call.esys, key, call.session(0), call.session(1),
                                          call.session(2), &digest, &signature, ticket.out());
  if (rc == TSS2_RC_SUCCESS) {
    call.giveMarshalled(Tss2_MU_TPMT_TK_VERIFIED_Marshal, *ticket.get());
  }
  return rc;
}

// Part 3 §12.5: (object named in the credential, key it is encrypted to, TPM2B_ID_OBJECT,
// TPM2B_ENCRYPTED_SECRET) → the secret.
TSS2_RC activateCredential(Call& call) {
  const ESYS_TR object = call.handle();
  const ESYS_TR key = call.handle();
  const auto credential = call.parse<TPM2B_ID_OBJECT>(Tss2_MU_TPM2B_ID_OBJECT_Unmarshal);
  const auto encrypted =
      call.parse<TPM2B_ENCRYPTED_SECRET>(Tss2_MU_TPM2B_ENCRYPTED_SECRET_Unmarshal);
  Owned<TPM2B_DIGEST> secret;
  const TSS2_RC rc =
      Esys_ActivateCredential(call.esys, object, key, call.authorisation(0), call.authorisation(1),
                              call.session(2), &credential, &encrypted, secret.out());
  if (rc == TSS2_RC_SUCCESS) call.giveSized(*secret.get());
  return rc;
}

// Part 3 §12.7: (loaded sealed object) → what was sealed.
TSS2_RC unseal(Call& call) {
  Owned<TPM2B_SENSITIVE_DATA> data;
  const TSS2_RC rc = Esys_Unseal(call.esys, call.handle(), call.authorisation(0), call.session(1),
                                 call.session(2), data.out());
  if (rc == TSS2_RC_SUCCESS) call.giveSized(*data.get());
  return rc;
}

}  // namespace kudurru::tpm
