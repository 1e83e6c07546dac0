// Who may do what with the TPM: authorisation values of the hierarchies, limits on guessing, Clear.
#include "core/tpm/operations.h"

namespace kudurru::tpm {

// Part 3 §24.8: (hierarchy, new authorisation value).
TSS2_RC hierarchyChangeAuth(Call& call) {
  const ESYS_TR hierarchy = call.handle();
  const auto value = call.sized<TPM2B_AUTH>();
  return Esys_HierarchyChangeAuth(call.esys, hierarchy, call.authorisation(0), call.session(1),
                                  call.session(2), &value);
}

// Part 3 §24.6: (lockout or platform hierarchy). Every key and index of the owner is gone.
TSS2_RC clear(Call& call) {
  return Esys_Clear(call.esys, call.handle(), call.authorisation(0), call.session(1),
                    call.session(2));
}

// Part 3 §25.2: (lockout hierarchy).
TSS2_RC dictionaryAttackLockReset(Call& call) {
  return Esys_DictionaryAttackLockReset(call.esys, call.handle(), call.authorisation(0),
                                        call.session(1), call.session(2));
}

// Part 3 §25.3: (lockout hierarchy, tries, seconds until one is forgiven, seconds after a wrong
// lockout authorisation).
TSS2_RC dictionaryAttackParameters(Call& call) {
  const ESYS_TR lockout = call.handle();
  const uint32_t tries = call.number();
  const uint32_t recoverySeconds = call.number();
  return Esys_DictionaryAttackParameters(call.esys, lockout, call.authorisation(0), call.session(1),
                                         call.session(2), tries, recoverySeconds, call.number());
}

}  // namespace kudurru::tpm
