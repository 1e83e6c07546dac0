// @kudurru/tpm2-tss: TPM 2.0 for Node, over the ESYS layer of tpm2-tss.
export { dieWithParent, preloadModule } from './addon.ts';
export type { Attestation, Attestations } from './attestations.ts';
export {
  type CallOptions,
  type ObjectHandle,
  type SessionHandle,
  queuedCallsMax,
} from './connection.ts';
export * as constants from './constants.ts';
export type { Credential, KeyCreation, Keys, KeyTemplate, PublicInfo } from './keys.ts';
export type { NvDefinition, NvIndexes, NvInfo } from './nv-indexes.ts';
export type { Hierarchies, LockoutLimits } from './hierarchies.ts';
export type { Platform, TpmProperties } from './platform.ts';
export type {
  ApprovedPolicy,
  PcrCondition,
  Policies,
  SignedCondition,
  TimeCondition,
} from './policies.ts';
export * as policyDigests from './policy-digests.ts';
export { type SealedDefinition, type SealedObjects, sealedSizeBytesMax } from './sealed-objects.ts';
export type { SaltKey, SessionOptions, Sessions } from './sessions.ts';
export * as structures from './structures.ts';
export * as templates from './templates.ts';
export { Tpm, type TpmOptions } from './tpm.ts';
export { TpmError, type TpmFailure, type TpmLayer, layerOf, unlessTpmCode } from './tpm-error.ts';
