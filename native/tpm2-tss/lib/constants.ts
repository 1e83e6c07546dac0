// Numbers of the TPM 2.0 Library Specification, Part 2. Named as there, in our case.
import type { SessionHandle } from './connection.ts';

/** TPM_ALG_ID, §6.3. */
export const algorithm = {
  rsa: 0x0001,
  aes: 0x0006,
  keyedHash: 0x0008,
  sha256: 0x000b,
  sha384: 0x000c,
  null: 0x0010,
  ecdsa: 0x0018,
  ecc: 0x0023,
  cfb: 0x0043,
} as const;

/** TPM_ECC_CURVE, §6.4. */
export const curve = { p256: 0x0003, p384: 0x0004 } as const;

/** TPM_RC, §6.6.3: the codes this package's users tell apart, format-one codes without position. */
export const responseCode = {
  initialize: 0x100,
  failure: 0x101,
  nvUninitialized: 0x14a,
  nvDefined: 0x14c,
  value: 0x84,
  handle: 0x8b,
  size: 0x95,
  integrity: 0x9f,
  eccPoint: 0xa7,
  authFail: 0x8e,
  badAuth: 0xa2,
  policyFail: 0x9d,
  pcrChanged: 0x128,
  nvRate: 0x920,
  lockout: 0x921,
  nvUnavailable: 0x923,
} as const;

/** TPM_CAP, §6.12. */
export const capability = { handles: 1, pcrs: 5, tpmProperties: 6, eccCurves: 8 } as const;

/** TPM_PT, §6.13: the fixed and variable properties that are read by name. */
export const property = {
  revision: 0x102,
  manufacturer: 0x105,
  vendorString1: 0x106,
  firmwareVersion1: 0x10b,
  firmwareVersion2: 0x10c,
  nvCountersMax: 0x116,
  nvIndexSizeMax: 0x117,
  nvBufferMax: 0x12c,
  modes: 0x12d,
  permanent: 0x200,
  nvIndexes: 0x202,
  persistentAvailable: 0x209,
  nvCounters: 0x20a,
  nvCountersAvailable: 0x20b,
  lockoutCounter: 0x20e,
  maxAuthFail: 0x20f,
  lockoutInterval: 0x210,
} as const;

/** TPMA_PERMANENT, §8.6: what `property.permanent` is made of, as far as it is used. */
export const permanentAttribute = {
  ownerAuthSet: 0x1,
  endorsementAuthSet: 0x2,
  lockoutAuthSet: 0x4,
  inLockout: 0x200,
} as const;

/** TPM_SU, §6.10. */
export const startupType = { clear: 0x0000, state: 0x0001 } as const;

/** TPM_SE, §6.11. */
export const sessionType = { hmac: 0x00, policy: 0x01, trial: 0x03 } as const;

/** TPM_EO, §6.8: comparisons of PolicyCounterTimer, as unsigned numbers. */
export const comparison = {
  equal: 0x0000,
  notEqual: 0x0001,
  greater: 0x0003,
  less: 0x0005,
  greaterOrEqual: 0x0007,
  lessOrEqual: 0x0009,
} as const;
export type Comparison = (typeof comparison)[keyof typeof comparison];

/** TPM_CC, §6.5: the commands whose numbers are part of policies. */
export const command = {
  policySigned: 0x0160,
  policyAuthorize: 0x016a,
  policySecret: 0x0151,
  policyCounterTimer: 0x016d,
  policyPcr: 0x017f,
} as const;

/** TPM_RH, §7.4: the hierarchies. */
export const hierarchy = {
  owner: 0x40000001,
  null: 0x40000007,
  lockout: 0x4000000a,
  endorsement: 0x4000000b,
  platform: 0x4000000c,
} as const;
export type Hierarchy = (typeof hierarchy)[keyof typeof hierarchy];

/** TPM_HT, §7.2, as the first handle of each range. */
export const firstHandle = {
  nvIndex: 0x01000000,
  loadedSession: 0x02000000,
  savedSession: 0x03000000,
  transient: 0x80000000,
  persistent: 0x81000000,
} as const;

/** TPMA_SESSION, §8.4. */
export const sessionAttribute = { continueSession: 0x01, decrypt: 0x20, encrypt: 0x40 } as const;

/** TPMA_OBJECT, §8.3. */
export const objectAttribute = {
  fixedTpm: 0x2,
  fixedParent: 0x10,
  sensitiveDataOrigin: 0x20,
  userWithAuth: 0x40,
  adminWithPolicy: 0x80,
  noDictionaryAttack: 0x400,
  restricted: 0x10000,
  decrypt: 0x20000,
  sign: 0x40000,
} as const;

/** TPMA_NV, §13.4; the type of index is in bits 4..7 (TPM_NT, §13.2). */
export const nvAttribute = {
  authWrite: 0x4,
  typeCounter: 0x10,
  typeExtend: 0x40,
  ownerRead: 0x20000,
  authRead: 0x40000,
  noDictionaryAttack: 0x2000000,
  orderly: 0x4000000,
  written: 0x20000000,
} as const;

/** TPM_ST, §6.9: the kinds of attestation. */
export const attestType = {
  nv: 0x8014,
  certify: 0x8017,
  quote: 0x8018,
  time: 0x8019,
  creation: 0x801a,
} as const;

/** TPM_GENERATED_VALUE, §6.2: what every attestation begins with. */
export const generatedValue = 0xff544347;

/** ESYS_TR_NONE: no object, no session. */
export const noHandle = 0xfff;

/**
 * ESYS_TR_PASSWORD: an authorisation by the value given to `setAuth`, in the clear. Written where a
 * later place in `sessions` is meant for a session that encrypts.
 */
export const passwordSession = 0xff as SessionHandle;
