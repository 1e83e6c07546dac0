// The TPM structures this package's users read or make, with their place in Part 2. Byte strings go
// to the TPM and into evidence as they are; what is parsed here is for decisions, not for storage.
import { createHash } from 'node:crypto';

import { algorithm, curve, generatedValue } from './constants.ts';
import { WireReader, concat, sized, u16, u32 } from './wire.ts';

/** TPMT_PUBLIC (§12.2.4), as far as the key types used here need it. */
export interface PublicArea {
  readonly type: number;
  readonly nameAlgorithm: number;
  readonly attributes: number;
  readonly authPolicy: Uint8Array;
  readonly key: EccKey | RsaKey;
}

export interface EccKey {
  readonly curve: number;
  readonly x: Uint8Array;
  readonly y: Uint8Array;
}

export interface RsaKey {
  readonly modulus: Uint8Array;
  /** 65,537 where the TPM's field says 0, its default. */
  readonly exponent: number;
}

export function parsePublicArea(bytes: Uint8Array): PublicArea {
  const reader = new WireReader(bytes, 'TPMT_PUBLIC');
  const type = reader.u16();
  const nameAlgorithm = reader.u16();
  const attributes = reader.u32();
  const authPolicy = reader.sized();
  if (type !== algorithm.ecc && type !== algorithm.rsa) {
    throw new RangeError(`unsupported TPMT_PUBLIC: type 0x${type.toString(16)} is not ECC or RSA`);
  }
  skipSymmetric(reader);
  skipScheme(reader);
  const key = type === algorithm.ecc ? readEccKey(reader) : readRsaKey(reader);
  reader.end();
  return { type, nameAlgorithm, attributes, authPolicy, key };
}

function skipSymmetric(reader: WireReader): void {
  if (reader.u16() !== algorithm.null) reader.bytes(4);
}

function skipScheme(reader: WireReader): void {
  if (reader.u16() !== algorithm.null) reader.u16();
}

function readEccKey(reader: WireReader): EccKey {
  const curveId = reader.u16();
  skipScheme(reader);
  return { curve: curveId, x: reader.sized(), y: reader.sized() };
}

function readRsaKey(reader: WireReader): RsaKey {
  reader.u16();
  const exponent = reader.u32();
  return { modulus: reader.sized(), exponent: exponent === 0 ? 65_537 : exponent };
}

/** Bytes of one coordinate or scalar on a curve. */
export function scalarLength(curveId: number): number {
  if (curveId === curve.p256) return 32;
  if (curveId === curve.p384) return 48;
  throw new RangeError(`unsupported curve 0x${curveId.toString(16)}`);
}

/**
 * A TPM integer may come without its leading zero bytes; signatures and points have fixed width.
 */
export function padLeft(bytes: Uint8Array, length: number): Uint8Array {
  if (bytes.length > length) throw new RangeError(`integer longer than ${length} bytes`);
  const padded = new Uint8Array(length);
  padded.set(bytes, length - bytes.length);
  return padded;
}

/** The Name of an object (Part 1 §16): nameAlg ‖ its digest of TPMT_PUBLIC. */
export function nameOf(publicArea: Uint8Array): Uint8Array {
  const reader = new WireReader(publicArea, 'TPMT_PUBLIC');
  reader.u16();
  const nameAlgorithm = reader.u16();
  const hash = hashNames.get(nameAlgorithm);
  if (hash === undefined)
    throw new RangeError(`unsupported nameAlg 0x${nameAlgorithm.toString(16)}`);
  return concat([u16(nameAlgorithm), createHash(hash).update(publicArea).digest()]);
}

const hashNames: ReadonlyMap<number, string> = new Map([
  [algorithm.sha256, 'sha256'],
  [algorithm.sha384, 'sha384'],
]);

/** r ‖ s, 64 bytes → TPMT_SIGNATURE (§11.3.4), ECDSA P-256 over SHA-256. */
export function encodeEcdsaSignature(signature: Uint8Array): Uint8Array {
  if (signature.length !== 64) throw new RangeError('an ECDSA P-256 signature has 64 bytes');
  const [r, s] = [signature.subarray(0, 32), signature.subarray(32)];
  return concat([u16(algorithm.ecdsa), u16(algorithm.sha256), sized(r), sized(s)]);
}

/** TPMT_SIGNATURE (§11.3.4), ECDSA P-256 over SHA-256 → r ‖ s, 32 bytes each. */
export function parseEcdsaSignature(bytes: Uint8Array): Uint8Array {
  const reader = new WireReader(bytes, 'TPMT_SIGNATURE');
  const scheme = reader.u16();
  const hash = reader.u16();
  if (scheme !== algorithm.ecdsa || hash !== algorithm.sha256) {
    throw new RangeError(`unexpected signature scheme 0x${scheme.toString(16)}`);
  }
  const [r, s] = [reader.sized(), reader.sized()];
  reader.end();
  return concat([padLeft(r, 32), padLeft(s, 32)]);
}

/** TPMS_CLOCK_INFO (§10.11.1); the clock is milliseconds of TPM uptime. */
export interface ClockInfo {
  readonly clockMs: bigint;
  readonly resetCount: number;
  readonly restartCount: number;
  /** False: the clock may have gone back since it was last shown. */
  readonly safe: boolean;
}

function readClockInfo(reader: WireReader): ClockInfo {
  return {
    clockMs: reader.u64(),
    resetCount: reader.u32(),
    restartCount: reader.u32(),
    safe: reader.u8() === 1,
  };
}

/** TPMS_TIME_INFO (§10.11.6): `timeMs` since the last reset, and the clock. */
export interface TimeInfo extends ClockInfo {
  readonly timeMs: bigint;
}

export function parseTimeInfo(bytes: Uint8Array): TimeInfo {
  const reader = new WireReader(bytes, 'TPMS_TIME_INFO');
  const info = { timeMs: reader.u64(), ...readClockInfo(reader) };
  reader.end();
  return info;
}

/** TPMS_ATTEST (§10.12.12); `attested` is the part that depends on the type, as marshalled. */
export interface Attest {
  readonly type: number;
  readonly qualifiedSigner: Uint8Array;
  readonly extraData: Uint8Array;
  readonly clockInfo: ClockInfo;
  readonly firmwareVersion: bigint;
  readonly attested: Uint8Array;
}

export function parseAttest(bytes: Uint8Array): Attest {
  const reader = new WireReader(bytes, 'TPMS_ATTEST');
  if (reader.u32() !== generatedValue) throw new RangeError('malformed TPMS_ATTEST: wrong magic');
  return {
    type: reader.u16(),
    qualifiedSigner: reader.sized(),
    extraData: reader.sized(),
    clockInfo: readClockInfo(reader),
    firmwareVersion: reader.u64(),
    attested: reader.rest(),
  };
}

/** TPMS_NV_CERTIFY_INFO (§10.12.8): the index's Name, the offset, the bytes. */
export function parseNvCertifyInfo(attested: Uint8Array): {
  readonly name: Uint8Array;
  readonly offset: number;
  readonly contents: Uint8Array;
} {
  const reader = new WireReader(attested, 'TPMS_NV_CERTIFY_INFO');
  const info = { name: reader.sized(), offset: reader.u16(), contents: reader.sized() };
  reader.end();
  return info;
}

/** TPMS_NV_PUBLIC (§13.5). */
export interface NvPublic {
  readonly index: number;
  readonly nameAlgorithm: number;
  readonly attributes: number;
  readonly authPolicy: Uint8Array;
  readonly dataSize: number;
}

export function parseNvPublic(bytes: Uint8Array): NvPublic {
  const reader = new WireReader(bytes, 'TPMS_NV_PUBLIC');
  const area = {
    index: reader.u32(),
    nameAlgorithm: reader.u16(),
    attributes: reader.u32(),
    authPolicy: reader.sized(),
    dataSize: reader.u16(),
  };
  reader.end();
  return area;
}

export function encodeNvPublic(area: NvPublic): Uint8Array {
  return concat([
    u32(area.index),
    u16(area.nameAlgorithm),
    u32(area.attributes),
    sized(area.authPolicy),
    u16(area.dataSize),
  ]);
}

/** TPML_PCR_SELECTION (§10.9.7): PCRs 0..23 of the SHA-256 bank. */
export function encodePcrSelection(pcrs: readonly number[]): Uint8Array {
  const bits = new Uint8Array(3);
  for (const pcr of pcrs) {
    if (!Number.isInteger(pcr) || pcr < 0 || pcr > 23) throw new RangeError(`no PCR '${pcr}'`);
    bits[pcr >> 3] = (bits[pcr >> 3] ?? 0) | (1 << (pcr & 7));
  }
  return concat([u32(1), u16(algorithm.sha256), Uint8Array.of(3), bits]);
}

/** TPML_DIGEST_VALUES (§10.9.6) with one SHA-256 digest. */
export function encodeDigestValues(digest: Uint8Array): Uint8Array {
  return concat([u32(1), u16(algorithm.sha256), digest]);
}

/** TPML_DIGEST (§10.9.5). */
export function parseDigestList(bytes: Uint8Array): Uint8Array[] {
  const reader = new WireReader(bytes, 'TPML_DIGEST');
  const digests = Array.from({ length: reader.u32() }, () => reader.sized());
  reader.end();
  return digests;
}

/** TPMS_CAPABILITY_DATA (§10.10.2) with handles → the handles. */
export function parseHandles(bytes: Uint8Array): number[] {
  const reader = new WireReader(bytes, 'TPML_HANDLE');
  reader.u32();
  const handles = Array.from({ length: reader.u32() }, () => reader.u32());
  reader.end();
  return handles;
}

/** TPMS_CAPABILITY_DATA (§10.10.2) with curves → the curves. */
export function parseCurves(bytes: Uint8Array): number[] {
  const reader = new WireReader(bytes, 'TPML_ECC_CURVE');
  reader.u32();
  const curves = Array.from({ length: reader.u32() }, () => reader.u16());
  reader.end();
  return curves;
}

/** TPMS_CAPABILITY_DATA (§10.10.2) with PCR banks → hash algorithm and PCRs. */
export function parsePcrBanks(bytes: Uint8Array): Map<number, number[]> {
  const reader = new WireReader(bytes, 'TPML_PCR_SELECTION');
  reader.u32();
  const count = reader.u32();
  const banks = new Map<number, number[]>();
  for (let i = 0; i < count; i += 1) {
    const hash = reader.u16();
    const bits = reader.bytes(reader.u8());
    const pcrs = Array.from({ length: bits.length * 8 }, (_, pcr) => pcr);
    banks.set(
      hash,
      pcrs.filter((pcr) => ((bits[pcr >> 3] ?? 0) & (1 << (pcr & 7))) !== 0),
    );
  }
  reader.end();
  return banks;
}

/** TPMS_CAPABILITY_DATA (§10.10.2) with TPM properties → property and value. */
export function parseProperties(bytes: Uint8Array): Map<number, number> {
  const reader = new WireReader(bytes, 'TPML_TAGGED_TPM_PROPERTY');
  reader.u32();
  const count = reader.u32();
  const properties = new Map<number, number>();
  for (let i = 0; i < count; i += 1) properties.set(reader.u32(), reader.u32());
  reader.end();
  return properties;
}
