// Objects: handles, names, keys, sealed data; what is done with them is in operations-use.cpp.
#include "core/tpm/operations.h"

namespace kudurru::tpm {

namespace {

// Gives TPMT_PUBLIC: what the object's Name is the digest of (Part 1 §16).
void givePublic(Call& call, const TPM2B_PUBLIC& area) {
  call.giveMarshalled(Tss2_MU_TPMT_PUBLIC_Marshal, area.publicArea);
}

TPM2B_PUBLIC takePublic(Call& call) {
  TPM2B_PUBLIC area{};
  area.publicArea = call.parse<TPMT_PUBLIC>(Tss2_MU_TPMT_PUBLIC_Unmarshal);
  return area;
}

// A secret in our own memory goes with the call that brought it.
class Sensitive {
 public:
  explicit Sensitive(Call& call) { value_.sensitive.userAuth = call.sized<TPM2B_AUTH>(); }
  ~Sensitive() { explicit_bzero(&value_, sizeof value_); }
  Sensitive(const Sensitive&) = delete;
  Sensitive& operator=(const Sensitive&) = delete;

  void takeData(Call& call) { value_.sensitive.data = call.sized<TPM2B_SENSITIVE_DATA>(); }
  const TPM2B_SENSITIVE_CREATE* get() const { return &value_; }

 private:
  TPM2B_SENSITIVE_CREATE value_{};
};

struct Creation {
  Owned<TPM2B_PUBLIC> area;
  Owned<TPM2B_CREATION_DATA> data;
  Owned<TPM2B_DIGEST> hash;
  Owned<TPMT_TK_CREATION> ticket;
};

// TPMT_PUBLIC, TPMS_CREATION_DATA, creation hash, TPMT_TK_CREATION.
void giveCreation(Call& call, const Creation& made) {
  givePublic(call, *made.area.get());
  call.giveMarshalled(Tss2_MU_TPMS_CREATION_DATA_Marshal, made.data->creationData);
  call.giveSized(*made.hash.get());
  call.giveMarshalled(Tss2_MU_TPMT_TK_CREATION_Marshal, *made.ticket.get());
}

}  // namespace

// ESYS's view of an object that is in the TPM: (TPM handle) → ESYS handle. Reads the public area of
// a key (Part 3 §12.4) or an NV index (§31.6).
TSS2_RC fromPublic(Call& call) {
  const uint32_t tpmHandle = call.number();
  ESYS_TR object = ESYS_TR_NONE;
  const TSS2_RC rc = Esys_TR_FromTPMPublic(call.esys, tpmHandle, call.session(0), call.session(1),
                                           call.session(2), &object);
  if (rc == TSS2_RC_SUCCESS) call.give(object);
  return rc;
}

// (object) → Name (Part 1 §16), as ESYS computed it from the public area.
TSS2_RC objectName(Call& call) {
  Owned<TPM2B_NAME> name;
  const TSS2_RC rc = Esys_TR_GetName(call.esys, call.handle(), name.out());
  if (rc == TSS2_RC_SUCCESS) call.give(name->name, name->size);
  return rc;
}

// (object or hierarchy, authorisation value). Local to ESYS: used by every later authorisation.
TSS2_RC setAuth(Call& call) {
  const ESYS_TR object = call.handle();
  const auto value = call.sized<TPM2B_AUTH>();
  return Esys_TR_SetAuth(call.esys, object, &value);
}

// (object): forgets ESYS's view; the object stays in the TPM.
TSS2_RC closeHandle(Call& call) {
  ESYS_TR object = call.handle();
  return Esys_TR_Close(call.esys, &object);
}

// Part 3 §28.4: (transient object or session).
TSS2_RC flushContext(Call& call) { return Esys_FlushContext(call.esys, call.handle()); }

// Part 3 §28.5: (hierarchy, object, persistent handle) → ESYS handle of the persistent object.
TSS2_RC evictControl(Call& call) {
  const ESYS_TR hierarchy = call.handle();
  const ESYS_TR object = call.handle();
  ESYS_TR persistent = ESYS_TR_NONE;
  const TSS2_RC rc =
      Esys_EvictControl(call.esys, hierarchy, object, call.authorisation(0), call.session(1),
                        call.session(2), call.number(), &persistent);
  if (rc == TSS2_RC_SUCCESS) call.give(persistent);
  return rc;
}

// Part 3 §12.4: (object) → TPMT_PUBLIC, Name, qualified Name.
TSS2_RC readPublic(Call& call) {
  Owned<TPM2B_PUBLIC> area;
  Owned<TPM2B_NAME> name;
  Owned<TPM2B_NAME> qualifiedName;
  const TSS2_RC rc = Esys_ReadPublic(call.esys, call.handle(), call.session(0), call.session(1),
                                     call.session(2), area.out(), name.out(), qualifiedName.out());
  if (rc != TSS2_RC_SUCCESS) return rc;
  givePublic(call, *area.get());
  call.give(name->name, name->size);
  call.give(qualifiedName->name, qualifiedName->size);
  return rc;
}

// Part 3 §24.1: (hierarchy, user auth, TPMT_PUBLIC, outside info) → handle, then the creation.
TSS2_RC createPrimary(Call& call) {
  const ESYS_TR hierarchy = call.handle();
  const Sensitive sensitive(call);
  const auto area = takePublic(call);
  const auto outside = call.sized<TPM2B_DATA>();
  const TPML_PCR_SELECTION noPcrs{};
  ESYS_TR object = ESYS_TR_NONE;
  Creation made;
  const TSS2_RC rc =
      Esys_CreatePrimary(call.esys, hierarchy, call.authorisation(0), call.session(1),
                         call.session(2), sensitive.get(), &area, &outside, &noPcrs, &object,
                         made.area.out(), made.data.out(), made.hash.out(), made.ticket.out());
  if (rc != TSS2_RC_SUCCESS) return rc;
  call.give(object);
  giveCreation(call, made);
  return rc;
}

// Part 3 §12.1: (parent, user auth, TPMT_PUBLIC, outside info, data to seal) → encrypted private
// part, then the creation. A key has no data.
TSS2_RC createKey(Call& call) {
  const ESYS_TR parent = call.handle();
  Sensitive sensitive(call);
  const auto area = takePublic(call);
  const auto outside = call.sized<TPM2B_DATA>();
  sensitive.takeData(call);
  const TPML_PCR_SELECTION noPcrs{};
  Owned<TPM2B_PRIVATE> secret;
  Creation made;
  const TSS2_RC rc =
      Esys_Create(call.esys, parent, call.authorisation(0), call.session(1), call.session(2),
                  sensitive.get(), &area, &outside, &noPcrs, secret.out(), made.area.out(),
                  made.data.out(), made.hash.out(), made.ticket.out());
  if (rc != TSS2_RC_SUCCESS) return rc;
  call.giveSized(*secret.get());
  giveCreation(call, made);
  return rc;
}

// Part 3 §12.2: (parent, encrypted private part, TPMT_PUBLIC) → handle.
TSS2_RC loadKey(Call& call) {
  const ESYS_TR parent = call.handle();
  const auto secret = call.sized<TPM2B_PRIVATE>();
  const auto area = takePublic(call);
  ESYS_TR object = ESYS_TR_NONE;
  const TSS2_RC rc = Esys_Load(call.esys, parent, call.authorisation(0), call.session(1),
                               call.session(2), &secret, &area, &object);
  if (rc == TSS2_RC_SUCCESS) call.give(object);
  return rc;
}

// Part 3 §12.3: (TPMT_PUBLIC, hierarchy) → handle. The public part alone: what it verifies, and who
// may be named by a policy. A ticket made with it is of that hierarchy.
TSS2_RC loadExternal(Call& call) {
  const auto area = takePublic(call);
  const ESYS_TR hierarchy = call.handle();
  ESYS_TR object = ESYS_TR_NONE;
  const TSS2_RC rc = Esys_LoadExternal(call.esys, call.session(0), call.session(1), call.session(2),
                                       nullptr, &area, hierarchy, &object);
  if (rc == TSS2_RC_SUCCESS) call.give(object);
  return rc;
}

}  // namespace kudurru::tpm
