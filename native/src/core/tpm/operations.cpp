#include "core/tpm/operations.h"

#include <array>
#include <utility>

namespace kudurru::tpm {

namespace {

constexpr std::pair<std::string_view, Operation> kOperations[] = {
    {"activateCredential", activateCredential},
    {"certify", certify},
    {"certifyCreation", certifyCreation},
    {"clear", clear},
    {"closeHandle", closeHandle},
    {"create", createKey},
    {"createPrimary", createPrimary},
    {"dictionaryAttackLockReset", dictionaryAttackLockReset},
    {"dictionaryAttackParameters", dictionaryAttackParameters},
    {"evictControl", evictControl},
    {"flushContext", flushContext},
    {"fromPublic", fromPublic},
    {"getCapability", getCapability},
    {"getRandom", getRandom},
    {"getTestResult", getTestResult},
    {"getTime", getTime},
    {"hierarchyChangeAuth", hierarchyChangeAuth},
    {"load", loadKey},
    {"loadExternal", loadExternal},
    {"name", objectName},
    {"nvCertify", nvCertify},
    {"nvDefineSpace", nvDefineSpace},
    {"nvExtend", nvExtend},
    {"nvIncrement", nvIncrement},
    {"nvRead", nvRead},
    {"nvReadPublic", nvReadPublic},
    {"nvUndefineSpace", nvUndefineSpace},
    {"pcrExtend", pcrExtend},
    {"pcrRead", pcrRead},
    {"policyAuthorize", policyAuthorize},
    {"policyCounterTimer", policyCounterTimer},
    {"policyGetDigest", policyGetDigest},
    {"policyPcr", policyPcr},
    {"policySecret", policySecret},
    {"policySigned", policySigned},
    {"quote", quote},
    {"readClock", readClock},
    {"readPublic", readPublic},
    {"sessionAttributes", sessionAttributes},
    {"sessionNonce", sessionNonce},
    {"setAuth", setAuth},
    {"shutdown", shutdown},
    {"sign", sign},
    {"startAuthSession", startAuthSession},
    {"startup", startup},
    {"unseal", unseal},
    {"verifySignature", verifySignature},
};

}  // namespace

Operation findOperation(std::string_view name) {
  for (const auto& [known, operation] : kOperations) {
    if (known == name) return operation;
  }
  return nullptr;
}

ESYS_TR Call::fromTpmHandle(uint32_t handle) {
  switch (handle) {
    case TPM2_RH_OWNER:
      return ESYS_TR_RH_OWNER;
    case TPM2_RH_NULL:
      return ESYS_TR_RH_NULL;
    case TPM2_RH_LOCKOUT:
      return ESYS_TR_RH_LOCKOUT;
    case TPM2_RH_ENDORSEMENT:
      return ESYS_TR_RH_ENDORSEMENT;
    case TPM2_RH_PLATFORM:
      return ESYS_TR_RH_PLATFORM;
    default:
      // PCR 0..31 have the same number in both worlds; all others are ESYS objects already.
      return handle;
  }
}

}  // namespace kudurru::tpm
