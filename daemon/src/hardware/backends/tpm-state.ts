/**
 * What is kept beside a provisioned TPM: the keys' blobs (encrypted by the TPM), the authorisation
 * value of keys and counter, and what evidence says about them. One JSON file, bytes in base64.
 *
 * It is written twice: `prepared`, before the TPM is touched, so that a crash cannot leave a
 * counter that nobody knows; `provisioned`, when everything is made. Each write is a new file,
 * fsynced, then renamed over the old one. The parser is strict: an unknown or missing field is an
 * error, and so is any byte that changed.
 */
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

import { checkedJson, checkedJsonText } from '../../base/checked-json.ts';
import { makeFolder, syncFolder } from '../../base/make-folder.ts';
import { reasonOf } from '../../base/errors.ts';
import { writeDurably } from '../../base/write-durably.ts';
import { DeviceError } from '../device-error.ts';

/** Byte fields of each stage, in the order they are written. */
const preparedFields = ['ledgerId', 'authValue'] as const;
const provisionedFields = [
  ...preparedFields,
  'ekPublic',
  'akPublic',
  'akPrivate',
  'checkpointKeyPublic',
  'checkpointKeyPrivate',
  'creationData',
  'creationHash',
  'creationAttest',
  'creationSignature',
  'counterPublic',
] as const;

type ByteFields<Names extends readonly string[]> = Readonly<Record<Names[number], Uint8Array>>;

export type PreparedTpm = ByteFields<typeof preparedFields> & { readonly stage: 'prepared' };
export type ProvisionedTpm = ByteFields<typeof provisionedFields> & {
  readonly stage: 'provisioned';
  /** Name of the endorsement key's profile in @kudurru/tpm2-tss. */
  readonly ekProfile: string;
  readonly ekCertificates: readonly Uint8Array[];
  readonly counterBase: bigint;
  /** What anchors extend; null where it was provisioned by a version that extended nothing. */
  readonly anchoring: AnchoringState | null;
};
export interface AnchoringState {
  /** TPMS_NV_PUBLIC of the extend index. */
  readonly extendPublic: Uint8Array;
  readonly pcrIndex: number;
}
export type TpmState = PreparedTpm | ProvisionedTpm;

/** Version 1 is the same without what anchors extend. */
const versions: readonly unknown[] = [1, 2];
const pcrIndexMax = 15;
const fileName = 'tpm.json';

/**
 * The stored state, or undefined where there is none. @throws DeviceError `device-state-unreadable`
 */
export function readTpmState(folder: string): TpmState | undefined {
  const path = join(folder, fileName);
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw unreadable(path, error);
  }
  try {
    return parseTpmState(text);
  } catch (error) {
    throw unreadable(path, error);
  }
}

/**
 * What is stored keeps its name. A run that was killed may have named it and not come to that, and
 * what is built on it must not be older than it. @throws DeviceError `device-state-unreadable`
 */
export function settleTpmState(folder: string): void {
  try {
    syncFolder(folder);
  } catch (error) {
    throw unreadable(folder, error);
  }
}

/** @throws DeviceError `device-state-unreadable` where the folder cannot be written */
export function writeTpmState(folder: string, state: TpmState): void {
  const path = join(folder, fileName);
  try {
    makeFolder(folder, 0o700);
    // A run that was killed may have made it, and not made its name durable.
    syncFolder(dirname(folder));
    writeDurably(path, encodeTpmState(state));
  } catch (error) {
    throw unreadable(path, error);
  }
}

export function encodeTpmState(state: TpmState): string {
  const bytes: Record<string, Uint8Array> = { ...(state as ByteFields<typeof preparedFields>) };
  const names = state.stage === 'prepared' ? preparedFields : provisionedFields;
  const anchoring = state.stage === 'prepared' ? undefined : state.anchoring;
  const version = anchoring === null ? 1 : 2;
  const fields: Record<string, unknown> = { version, stage: state.stage };
  for (const name of names) fields[name] = toBase64(bytes[name] ?? new Uint8Array(0));
  if (state.stage === 'provisioned') {
    fields['ekProfile'] = state.ekProfile;
    fields['ekCertificates'] = state.ekCertificates.map(toBase64);
    fields['counterBase'] = state.counterBase.toString();
    if (state.anchoring !== null) {
      fields['extendPublic'] = toBase64(state.anchoring.extendPublic);
      fields['pcrIndex'] = state.anchoring.pcrIndex;
    }
  }
  return checkedJsonText(fields);
}

/** Throws a plain Error that says which field is wrong. */
export function parseTpmState(text: string): TpmState {
  const left = new Map(Object.entries(checkedJson(text)));
  const take = (name: string): unknown => {
    const value: unknown = left.get(name);
    if (!left.delete(name)) throw new Error(`field '${name}' is missing`);
    return value;
  };
  const version = take('version');
  if (!versions.includes(version)) throw new Error('it is of an unknown version');
  const stage = take('stage');
  if (stage !== 'prepared' && stage !== 'provisioned') throw new Error('its stage is unknown');
  const names = stage === 'prepared' ? preparedFields : provisionedFields;
  const bytes = Object.fromEntries(names.map((name) => [name, fromBase64(name, take(name))]));
  const state =
    stage === 'prepared'
      ? { ...bytes, stage }
      : {
          ...bytes,
          stage,
          ekProfile: asText('ekProfile', take('ekProfile')),
          ekCertificates: certificatesFrom(take('ekCertificates')),
          counterBase: asCount('counterBase', take('counterBase')),
          anchoring: version === 1 ? null : anchoringFrom(take),
        };
  const unknown = [...left.keys()][0];
  if (unknown !== undefined) throw new Error(`field '${unknown}' is unknown`);
  // Every byte field of the stage was taken above.
  return state as TpmState;
}

function toBase64(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('base64');
}

function fromBase64(name: string, value: unknown): Uint8Array {
  const bytes = Buffer.from(asText(name, value), 'base64');
  if (bytes.toString('base64') !== value) throw new Error(`field '${name}' is not base64`);
  return Uint8Array.from(bytes);
}

function asText(name: string, value: unknown): string {
  if (typeof value !== 'string') throw new Error(`field '${name}' is not text`);
  return value;
}

function asCount(name: string, value: unknown): bigint {
  const text = asText(name, value);
  if (!/^(0|[1-9][0-9]{0,19})$/.test(text)) throw new Error(`field '${name}' is not a count`);
  return BigInt(text);
}

function anchoringFrom(take: (name: string) => unknown): AnchoringState {
  const extendPublic = fromBase64('extendPublic', take('extendPublic'));
  const pcrIndex = take('pcrIndex');
  if (typeof pcrIndex === 'number' && Number.isInteger(pcrIndex)) {
    if (pcrIndex >= 0 && pcrIndex <= pcrIndexMax) return { extendPublic, pcrIndex };
  }
  throw new Error("field 'pcrIndex' is not the number of a PCR that only a reset takes back");
}

function certificatesFrom(value: unknown): Uint8Array[] {
  if (!Array.isArray(value)) throw new Error("field 'ekCertificates' is not a list");
  return value.map((item) => fromBase64('ekCertificates', item));
}

function unreadable(path: string, error: unknown): DeviceError {
  return new DeviceError(
    'device-state-unreadable',
    `stored TPM keys '${path}' not usable: ${reasonOf(error)}`,
    { cause: error },
  );
}
