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
export type { KeyCreation, Keys, KeyTemplate, PublicInfo } from './keys.ts';
export type { NvDefinition, NvIndexes, NvInfo } from './nv-indexes.ts';
export type { HmacSessionOptions, LockoutLimits, Platform, TpmProperties } from './platform.ts';
export * as structures from './structures.ts';
export * as templates from './templates.ts';
export { Tpm, type TpmOptions } from './tpm.ts';
export { TpmError, type TpmFailure, type TpmLayer, layerOf, unlessTpmCode } from './tpm-error.ts';
