/**
 * The steps of provisioning, in the order in which a run passes each first: of a box whose token is
 * blank, and of one whose token somebody has initialised. `compareSteps` holds a list against what
 * a run has passed; one that is not in the list is a step without a case.
 */
import { reading } from '../faults/step-names.ts';

export const TOKEN_KINDS = ['blank', 'initialised'] as const;
export type TokenKind = (typeof TOKEN_KINDS)[number];

/** The journal is begun, and the TPM made the ledger's. */
const ledgerAndTpm = [
  ...['mkdir of journal-folder', 'fsync of state-folder', 'fdatasync of next-segment'],
  ...['segment named', 'fsync of journal-folder', 'prepare record', 'Startup', reading],
  ...['mkdir of tpm-keys', 'fsync of devices', 'fsync of tpm.json.new, prepared'],
  ...['rename of tpm.json, prepared', 'fsync of tpm-keys', 'DictionaryAttackParameters'],
  ...['Create, of the attestation key', 'Load, of the attestation key'],
  ...['CreatePrimary, under the owner', 'EvictControl, of the storage root key', 'FlushContext'],
  ...['Create, of the checkpoint key', 'Load, of the checkpoint key'],
  ...['CertifyCreation, of the checkpoint key', 'NV_DefineSpace, of the counter', 'NV_Increment'],
  ...['NV_DefineSpace, of the extend index', 'NV_Extend', 'fsync of tpm.json.new, provisioned'],
  'rename of tpm.json, provisioned',
];

/** A key that approves boots is handed over, and a PIN sealed under it. */
const sealing = [
  ...['mkdir of handover', 'fsync of boot-approval.age.new', 'rename of boot-approval.age'],
  ...['fsync of handover', 'Quote, of the boot', 'StartAuthSession', 'Create, of a sealed PIN'],
];

const keysOfToken = ['C_GenerateKeyPair, of the token', 'C_GenerateKey, of the token'];

/** C_InitToken with a PIN that is sealed first, and opened again. */
const blankToken = [
  ...sealing,
  ...['fsync of token-pin.json.new, prepared', 'rename of token-pin.json, prepared'],
  ...['LoadExternal, of the approving key', 'VerifySignature, of an approval'],
  ...['StartAuthSession, of a policy', 'Load, of a sealed PIN', 'PolicyPCR', 'PolicyAuthorize'],
  ...['Unseal, of a PIN', 'fsync of token-officer.age.new', 'rename of token-officer.age'],
  ...['C_InitToken, of the token', 'C_InitPIN, of the token'],
  ...['fsync of token-pin.json.new, finished', 'rename of token-pin.json, finished'],
  ...keysOfToken,
];

/** The PIN of the file is sealed, and the file removed. */
const takenOverToken = [
  ...keysOfToken,
  ...sealing,
  ...['fsync of token-pin.json.new, finished', 'rename of token-pin.json, finished'],
  'unlink of token-pin',
];

const custodyAndGenesis = [
  ...['fsync of owner.age.new', 'rename of owner.age', 'HierarchyChangeAuth, of the owner'],
  ...['fsync of lockout.age.new', 'rename of lockout.age', 'HierarchyChangeAuth, of the lockout'],
  'group of entries',
];

export const PROVISION_STEPS: Readonly<Record<TokenKind, readonly string[]>> = {
  blank: [...ledgerAndTpm, ...blankToken, ...custodyAndGenesis],
  initialised: [...ledgerAndTpm, ...takenOverToken, ...custodyAndGenesis],
};

/** What only the taking over of a token passes, or passes otherwise. */
export const TAKE_OVER_STEPS: readonly string[] = takenOverToken;

/** Passed or not as it happens: a sync of the journal that has nothing new to make durable. */
const atTimes: ReadonlySet<string> = new Set(['sync without a record']);

/** Differences between a list and the names that a run without a mishap passed, in words. */
export function compareSteps(listed: readonly string[], traced: ReadonlySet<string>): string[] {
  const passed = [...traced].filter((name) => !atTimes.has(name));
  const unlisted = passed.filter((name) => !listed.includes(name));
  const unpassed = listed.filter((name) => !traced.has(name));
  const differences = [
    ...unlisted.map((name) => `"${name}" is a step without a case`),
    ...unpassed.map((name) => `"${name}" is not passed`),
  ];
  const early = passed.find((name, place) => name !== listed[place]);
  if (differences.length > 0 || early === undefined) return differences;
  return [`"${early}" is passed first in another place than the list has it`];
}
