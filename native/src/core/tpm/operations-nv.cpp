// NV indexes: counters and extend indexes. An increment or extend is sent once and never repeated
// here: a lost answer may have counted.
#include "core/tpm/operations.h"

namespace kudurru::tpm {

// Part 3 §31.3: (hierarchy, authorisation value, TPMS_NV_PUBLIC) → ESYS handle.
TSS2_RC nvDefineSpace(Call& call) {
  const ESYS_TR hierarchy = call.handle();
  const auto value = call.sized<TPM2B_AUTH>();
  TPM2B_NV_PUBLIC area{};
  area.nvPublic = call.parse<TPMS_NV_PUBLIC>(Tss2_MU_TPMS_NV_PUBLIC_Unmarshal);
  ESYS_TR index = ESYS_TR_NONE;
  const TSS2_RC rc = Esys_NV_DefineSpace(call.esys, hierarchy, call.authorisation(0),
                                         call.session(1), call.session(2), &value, &area, &index);
  if (rc == TSS2_RC_SUCCESS) call.give(index);
  return rc;
}

// Part 3 §31.4: (hierarchy, NV index).
TSS2_RC nvUndefineSpace(Call& call) {
  const ESYS_TR hierarchy = call.handle();
  const ESYS_TR index = call.handle();
  return Esys_NV_UndefineSpace(call.esys, hierarchy, index, call.authorisation(0), call.session(1),
                               call.session(2));
}

// Part 3 §31.6: (NV index) → TPMS_NV_PUBLIC, Name.
TSS2_RC nvReadPublic(Call& call) {
  Owned<TPM2B_NV_PUBLIC> area;
  Owned<TPM2B_NAME> name;
  const TSS2_RC rc = Esys_NV_ReadPublic(call.esys, call.handle(), call.session(0), call.session(1),
                                        call.session(2), area.out(), name.out());
  if (rc != TSS2_RC_SUCCESS) return rc;
  call.giveMarshalled(Tss2_MU_TPMS_NV_PUBLIC_Marshal, area->nvPublic);
  call.give(name->name, name->size);
  return rc;
}

// Part 3 §31.13: (authorising handle, NV index, size, offset) → bytes.
TSS2_RC nvRead(Call& call) {
  const ESYS_TR authorising = call.handle();
  const ESYS_TR index = call.handle();
  const auto size = static_cast<UINT16>(call.number());
  const auto offset = static_cast<UINT16>(call.number());
  Owned<TPM2B_MAX_NV_BUFFER> data;
  const TSS2_RC rc = Esys_NV_Read(call.esys, authorising, index, call.authorisation(0),
                                  call.session(1), call.session(2), size, offset, data.out());
  if (rc == TSS2_RC_SUCCESS) call.giveSized(*data.get());
  return rc;
}

// Part 3 §31.8: (authorising handle, NV index).
TSS2_RC nvIncrement(Call& call) {
  const ESYS_TR authorising = call.handle();
  const ESYS_TR index = call.handle();
  return Esys_NV_Increment(call.esys, authorising, index, call.authorisation(0), call.session(1),
                           call.session(2));
}

// Part 3 §31.9: (authorising handle, NV index, bytes).
TSS2_RC nvExtend(Call& call) {
  const ESYS_TR authorising = call.handle();
  const ESYS_TR index = call.handle();
  const auto data = call.sized<TPM2B_MAX_NV_BUFFER>();
  return Esys_NV_Extend(call.esys, authorising, index, call.authorisation(0), call.session(1),
                        call.session(2), &data);
}

}  // namespace kudurru::tpm
