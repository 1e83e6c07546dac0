/**
 * TPMS_ATTEST (TPM 2.0 Library Part 2 §10.12) of the five commands whose results are evidence, and
 * TPMT_SIGNATURE. Parsing proves nothing: `verifyAttestation` checks the AK's signature.
 */
import { concatBytes } from './bytes.ts';
import { verifyEs256 } from './es256.ts';
import { TpmReader } from './tpm-reader.ts';

const GENERATED_MAGIC = 0xff544347;
const TYPE = {
  nv: 0x8014,
  certify: 0x8017,
  quote: 0x8018,
  time: 0x8019,
  creation: 0x801a,
} as const;
const ALG_SHA256 = 0x000b;
const ALG_ECDSA = 0x0018;

/** nameAlg and a digest of at most 64 bytes. */
const NAME_SIZE_BYTES_MAX = 66;
const DIGEST_SIZE_BYTES_MAX = 64;
/** TPM2B_DATA holds at most a TPMT_HA. */
const DATA_SIZE_BYTES_MAX = 66;
/** MAX_NV_BUFFER_SIZE of the PC Client profile is larger; the indexes used here hold 8 or 32. */
const NV_CONTENTS_SIZE_BYTES_MAX = 2048;
const PCR_BANKS_MAX = 16;
const PCR_SELECT_SIZE_BYTES_MAX = 4;
const COORDINATE_SIZE_BYTES = 32;

/** TPMS_CLOCK_INFO. */
export interface TpmClockInfo {
  /** Milliseconds for which the TPM has been powered. */
  readonly clockMs: bigint;
  readonly resetCount: number;
  readonly restartCount: number;
  readonly safe: boolean;
}

/** TPMS_PCR_SELECTION: which PCRs of one bank. */
export interface PcrSelection {
  /** TPM_ALG_ID of the bank. */
  readonly hashAlgorithm: number;
  /** PCR numbers, ascending. */
  readonly pcrs: readonly number[];
}

/** What a command attested. */
export type Attested =
  | {
      readonly type: 'nv';
      readonly indexName: Uint8Array;
      readonly offset: number;
      readonly contents: Uint8Array;
    }
  | { readonly type: 'certify'; readonly name: Uint8Array; readonly qualifiedName: Uint8Array }
  | {
      readonly type: 'quote';
      readonly selections: readonly PcrSelection[];
      readonly pcrDigest: Uint8Array;
    }
  | {
      readonly type: 'time';
      /** Milliseconds since the TPM's last reset. */
      readonly timeMs: bigint;
      readonly clock: TpmClockInfo;
      readonly firmwareVersion: bigint;
    }
  | {
      readonly type: 'creation';
      readonly objectName: Uint8Array;
      readonly creationHash: Uint8Array;
    };

export type AttestedType = Attested['type'];

/** TPMS_ATTEST. */
export interface Attest {
  readonly qualifiedSigner: Uint8Array;
  readonly extraData: Uint8Array;
  readonly clock: TpmClockInfo;
  readonly firmwareVersion: bigint;
  readonly attested: Attested;
}

/** @throws ProofError `tpm-malformed` */
export function parseAttest(bytes: Uint8Array): Attest {
  const reader = new TpmReader('TPMS_ATTEST', bytes);
  if (reader.u32() !== GENERATED_MAGIC) throw reader.malformed('does not begin with ff544347');
  const type = reader.u16();
  const head = {
    qualifiedSigner: reader.sized(NAME_SIZE_BYTES_MAX),
    extraData: reader.sized(DATA_SIZE_BYTES_MAX),
    clock: readClockInfo(reader),
    firmwareVersion: reader.u64(),
  };
  const attested = readAttested(reader, type);
  reader.end();
  return { ...head, attested };
}

/** The P1363 form of a TPMT_SIGNATURE of ECDSA with SHA-256. @throws ProofError `tpm-malformed` */
export function p1363OfTpmtSignature(bytes: Uint8Array): Uint8Array {
  const reader = new TpmReader('TPMT_SIGNATURE', bytes);
  if (reader.u16() !== ALG_ECDSA) throw reader.malformed('not ECDSA');
  if (reader.u16() !== ALG_SHA256) throw reader.malformed('not over SHA-256');
  const r = leftPad(reader.sized(COORDINATE_SIZE_BYTES));
  const s = leftPad(reader.sized(COORDINATE_SIZE_BYTES));
  reader.end();
  return concatBytes(r, s);
}

/** Whether `signature` (r ‖ s) over the bytes of an attest is by the key at `point`. */
export function verifyAttestation(
  point: Uint8Array,
  attest: Uint8Array,
  signature: Uint8Array,
): boolean {
  return verifyEs256(point, attest, signature);
}

/** TPML_PCR_SELECTION. */
export function readPcrSelections(reader: TpmReader): PcrSelection[] {
  const count = reader.u32();
  if (count > PCR_BANKS_MAX) throw reader.malformed(`${count} PCR banks`);
  const selections: PcrSelection[] = [];
  for (let i = 0; i < count; i++) {
    const hashAlgorithm = reader.u16();
    const size = reader.u8();
    if (size > PCR_SELECT_SIZE_BYTES_MAX) throw reader.malformed(`PCR bitmap of ${size} bytes`);
    const bitmap = reader.bytes(size);
    const pcrs: number[] = [];
    for (let pcr = 0; pcr < size * 8; pcr++) {
      if ((((bitmap[pcr >> 3] ?? 0) >> (pcr & 7)) & 1) === 1) pcrs.push(pcr);
    }
    selections.push({ hashAlgorithm, pcrs });
  }
  return selections;
}

/** TPM2B_DIGEST. */
export function readDigest(reader: TpmReader): Uint8Array {
  return reader.sized(DIGEST_SIZE_BYTES_MAX);
}

/** TPM2B_NAME. */
export function readName(reader: TpmReader): Uint8Array {
  return reader.sized(NAME_SIZE_BYTES_MAX);
}

/** A big-endian number as `sizeBytes`, with the leading zeros that a TPM may leave out. */
export function leftPad(digits: Uint8Array, sizeBytes = COORDINATE_SIZE_BYTES): Uint8Array {
  const padded = new Uint8Array(sizeBytes);
  padded.set(digits, sizeBytes - digits.length);
  return padded;
}

function readClockInfo(reader: TpmReader): TpmClockInfo {
  return {
    clockMs: reader.u64(),
    resetCount: reader.u32(),
    restartCount: reader.u32(),
    safe: reader.yesNo(),
  };
}

function readAttested(reader: TpmReader, type: number): Attested {
  switch (type) {
    case TYPE.nv:
      return {
        type: 'nv',
        indexName: readName(reader),
        offset: reader.u16(),
        contents: reader.sized(NV_CONTENTS_SIZE_BYTES_MAX),
      };
    case TYPE.certify:
      return { type: 'certify', name: readName(reader), qualifiedName: readName(reader) };
    case TYPE.quote:
      return {
        type: 'quote',
        selections: readPcrSelections(reader),
        pcrDigest: readDigest(reader),
      };
    case TYPE.time:
      return {
        type: 'time',
        timeMs: reader.u64(),
        clock: readClockInfo(reader),
        firmwareVersion: reader.u64(),
      };
    case TYPE.creation:
      return { type: 'creation', objectName: readName(reader), creationHash: readDigest(reader) };
    default:
      throw reader.malformed(`type ${type.toString(16)} is not one that is used as evidence`);
  }
}
