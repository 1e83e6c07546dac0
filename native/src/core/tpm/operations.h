// The table of operations: a name, and the function that makes the ESYS call. Each function reads
// its arguments from the call in order, and gives its results to it. The order of both is written
// at the function; native/tpm2-tss/lib names them.
#pragma once

#include <string_view>

#include "core/tpm/call.h"

namespace kudurru::tpm {

using Operation = TSS2_RC (*)(Call& call);

// nullptr for a name that is not in the table.
Operation findOperation(std::string_view name);

// operations-platform.cpp
TSS2_RC startup(Call& call);
TSS2_RC shutdown(Call& call);
TSS2_RC getTestResult(Call& call);
TSS2_RC getCapability(Call& call);
TSS2_RC getRandom(Call& call);
TSS2_RC readClock(Call& call);
TSS2_RC pcrExtend(Call& call);
TSS2_RC pcrRead(Call& call);
TSS2_RC startAuthSession(Call& call);
TSS2_RC sessionAttributes(Call& call);
TSS2_RC sessionNonce(Call& call);

// operations-policy.cpp
TSS2_RC policySecret(Call& call);
TSS2_RC policyPcr(Call& call);
TSS2_RC policyAuthorize(Call& call);
TSS2_RC policyCounterTimer(Call& call);
TSS2_RC policySigned(Call& call);
TSS2_RC policyGetDigest(Call& call);

// operations-hierarchy.cpp
TSS2_RC hierarchyChangeAuth(Call& call);
TSS2_RC clear(Call& call);
TSS2_RC dictionaryAttackLockReset(Call& call);
TSS2_RC dictionaryAttackParameters(Call& call);

// operations-object.cpp
TSS2_RC fromPublic(Call& call);
TSS2_RC objectName(Call& call);
TSS2_RC setAuth(Call& call);
TSS2_RC closeHandle(Call& call);
TSS2_RC flushContext(Call& call);
TSS2_RC evictControl(Call& call);
TSS2_RC readPublic(Call& call);
TSS2_RC createPrimary(Call& call);
TSS2_RC createKey(Call& call);
TSS2_RC loadKey(Call& call);
TSS2_RC loadExternal(Call& call);

// operations-use.cpp
TSS2_RC sign(Call& call);
TSS2_RC verifySignature(Call& call);
TSS2_RC activateCredential(Call& call);
TSS2_RC unseal(Call& call);

// operations-attest.cpp
TSS2_RC certify(Call& call);
TSS2_RC certifyCreation(Call& call);
TSS2_RC quote(Call& call);
TSS2_RC getTime(Call& call);
TSS2_RC nvCertify(Call& call);

// operations-nv.cpp
TSS2_RC nvDefineSpace(Call& call);
TSS2_RC nvUndefineSpace(Call& call);
TSS2_RC nvReadPublic(Call& call);
TSS2_RC nvRead(Call& call);
TSS2_RC nvIncrement(Call& call);
TSS2_RC nvExtend(Call& call);

}  // namespace kudurru::tpm
