/**
 * The part of a TPM that anchors use, with its keys in the open: it marshals and signs what a TPM
 * would, so that the corpus can also hold what no TPM would. Only tests may use it.
 */
import type { ApplianceDocument } from '../../src/appliance.ts';
import { concatBytes, encodeU64 } from '../../src/bytes.ts';
import { HASH_SIZE_BYTES, sha256 } from '../../src/sha256.ts';
import { parseNvPublic, parseObjectPublic, qualifiedNameUnderEk } from '../../src/tpm-public.ts';
import type { Signer } from './keys.ts';
import { p256Signer } from './keys.ts';

export interface Attestation {
  readonly attest: Uint8Array;
  readonly signature: Uint8Array;
}

/** What a case may make wrong. */
export interface TpmFlaws {
  readonly akAttributes?: number;
  readonly counterAttributes?: number;
  /** Who signs attestations in the AK's place. */
  readonly attestSigner?: Signer;
  readonly creationOutsideInfo?: Uint8Array;
  readonly extendAttributes?: number;
  readonly extendSizeBytes?: number;
  readonly checkpointKeyAttributes?: number;
  readonly ekAttributes?: number;
  /** Bytes of the AK's public area in its own place. */
  readonly akPublic?: (akPublic: Uint8Array) => Uint8Array;
  /** What a TPM would not attest, signed by the AK nonetheless. */
  readonly attest?: Partial<Readonly<Record<AttestName, (fields: AttestFields) => AttestFields>>>;
  /** The AK's signature of an attestation, changed. */
  readonly signature?: Partial<Readonly<Record<AttestName, (made: Signed) => Uint8Array>>>;
}

/** L, R and N of an anchor, what it adds to them, and what a boot and a creation have. */
export type AttestName = 'L' | 'R' | 'N' | 'quote' | 'extend' | 'creation' | 'boot';

/** TPMS_ATTEST before it is marshalled. */
export interface AttestFields {
  readonly magic: number;
  readonly type: number;
  readonly signer: Uint8Array;
  readonly extraData: Uint8Array;
  readonly clockMs: bigint;
  readonly resetCount: number;
  readonly restartCount: number;
  readonly body: Uint8Array;
}

export interface Signed {
  readonly attest: Uint8Array;
  readonly signature: Uint8Array;
  readonly ak: Signer;
}

const AK_ATTRIBUTES = 0x0005_0472;
const CHECKPOINT_KEY_ATTRIBUTES = 0x0004_0472;
const EK_ATTRIBUTES = 0x0003_00b2;
const COUNTER_ATTRIBUTES = 0x2206_0016;
const EXTEND_ATTRIBUTES = 0x2206_0046;
const FIRMWARE_VERSION = 0x20191023_00163636n;
/** TPMI_ST_ATTEST. */
export const TYPE: Readonly<Record<AttestName | 'certify' | 'nv-digest', number>> = {
  L: 0x8019,
  R: 0x8019,
  N: 0x8014,
  extend: 0x8014,
  quote: 0x8018,
  boot: 0x8018,
  creation: 0x801a,
  certify: 0x8017,
  'nv-digest': 0x801c,
};
/** The PCR that anchors extend, where the document names one. */
export const ANCHOR_PCR = 14;

export class SoftwareTpm {
  readonly ekPublic: Uint8Array;
  readonly akPublic: Uint8Array;
  readonly checkpointKeyPublic: Uint8Array;
  readonly counterPublic: Uint8Array;
  /** Of an extend index; a case puts it into the document. */
  readonly extendPublic: Uint8Array;
  readonly checkpointKey: Signer;
  readonly firmwareVersion = encodeU64(FIRMWARE_VERSION);
  readonly #ak: Signer;
  readonly #flaws: TpmFlaws;
  clockMs = 1_000n;
  resetCount = 2;
  counter = 7n;
  /** Zero but for what the founding did. */
  extendValue: Uint8Array = new Uint8Array(HASH_SIZE_BYTES);
  readonly pcrs = new Map<number, Uint8Array>();

  constructor(label: string, flaws: TpmFlaws = {}) {
    this.#flaws = flaws;
    this.#ak = p256Signer(`${label} ak`);
    this.checkpointKey = p256Signer(`${label} checkpoint key`);
    const ek = p256Signer(`${label} ek`);
    this.ekPublic = eccPublic(ek, flaws.ekAttributes ?? EK_ATTRIBUTES, 'storage');
    const akPublic = eccPublic(this.#ak, flaws.akAttributes ?? AK_ATTRIBUTES, 'ecdsa');
    this.akPublic = flaws.akPublic?.(akPublic) ?? akPublic;
    const keyAttributes = flaws.checkpointKeyAttributes ?? CHECKPOINT_KEY_ATTRIBUTES;
    this.checkpointKeyPublic = eccPublic(this.checkpointKey, keyAttributes, 'ecdsa');
    this.counterPublic = nvPublic(0x0150_0010, flaws.counterAttributes ?? COUNTER_ATTRIBUTES, 8);
    const extendAttributes = flaws.extendAttributes ?? EXTEND_ATTRIBUTES;
    this.extendPublic = nvPublic(0x0150_0011, extendAttributes, flaws.extendSizeBytes ?? 32);
  }

  /** TPM2_GetTime. */
  getTime(extraData: Uint8Array, name: 'L' | 'R' = 'L'): Attestation {
    this.clockMs += 5n;
    const time = concatBytes(encodeU64(this.clockMs), this.#clockInfo(), this.firmwareVersion);
    return this.#attest(name, extraData, time);
  }

  /** TPM2_NV_Certify of the counter. */
  certifyCounter(extraData: Uint8Array): Attestation {
    this.clockMs += 5n;
    return this.#attest('N', extraData, nvBody(this.counterPublic, encodeU64(this.counter)));
  }

  /** TPM2_NV_Certify of the first `sizeBytes` of the extend index. */
  certifyExtend(extraData: Uint8Array, sizeBytes = HASH_SIZE_BYTES): Attestation {
    this.clockMs += 5n;
    const contents = this.extendValue.subarray(0, sizeBytes);
    return this.#attest('extend', extraData, nvBody(this.extendPublic, contents));
  }

  /** TPM2_Quote of some PCRs. */
  quote(
    extraData: Uint8Array,
    pcrs: readonly number[] = [ANCHOR_PCR],
    name: 'quote' | 'boot' = 'quote',
  ): Attestation {
    const digest = sha256(...pcrs.map((pcr) => this.pcrValue(pcr)));
    return this.#attest(name, extraData, quoteBody(pcrs, digest));
  }

  /** What a PCR holds: only the one of the anchors is ever extended here. */
  pcrValue(pcr: number): Uint8Array {
    return this.pcrs.get(pcr) ?? sha256(Uint8Array.of(pcr));
  }

  /** What an anchor whose D is `digest` does to the PCR and, where it counts, to the index. */
  extendBy(digest: Uint8Array, counter: bigint | null): void {
    this.pcrs.set(ANCHOR_PCR, sha256(this.pcrValue(ANCHOR_PCR), digest));
    if (counter === null) return;
    this.extendValue = sha256(this.extendValue, sha256(encodeU64(counter), digest));
  }

  /** TPM2_CertifyCreation of the checkpoint key, made for the ledger `ledgerId`. */
  certifyCreation(ledgerId: Uint8Array): Attestation & { creationData: Uint8Array } {
    const creationData = concatBytes(
      u32(0),
      sized(new Uint8Array(0)),
      Uint8Array.of(1),
      u16(0x000b),
      sized(concatBytes(u16(0x000b), sha256(Uint8Array.of(1)))),
      sized(concatBytes(u16(0x000b), sha256(Uint8Array.of(2)))),
      sized(this.#flaws.creationOutsideInfo ?? ledgerId),
    );
    const { name } = parseObjectPublic(this.checkpointKeyPublic);
    const body = concatBytes(sized(name), sized(sha256(creationData)));
    return { creationData, ...this.#attest('creation', ledgerId, body) };
  }

  #clockInfo(): Uint8Array {
    return concatBytes(encodeU64(this.clockMs), u32(this.resetCount), u32(0), Uint8Array.of(1));
  }

  #attest(name: AttestName, extraData: Uint8Array, body: Uint8Array): Attestation {
    const signer = qualifiedNameUnderEk(
      parseObjectPublic(this.ekPublic),
      parseObjectPublic(this.akPublic),
    );
    const { clockMs, resetCount } = this;
    const [magic, type, restartCount] = [0xff544347, TYPE[name], 0];
    const fields = { magic, type, signer, extraData, clockMs, resetCount, restartCount, body };
    const attest = this.#marshal(this.#flaws.attest?.[name]?.(fields) ?? fields);
    const ak = this.#flaws.attestSigner ?? this.#ak;
    const made = { attest, signature: ak.sign(attest), ak };
    return { attest, signature: this.#flaws.signature?.[name]?.(made) ?? made.signature };
  }

  #marshal(fields: AttestFields): Uint8Array {
    const { clockMs, resetCount, restartCount } = fields;
    return concatBytes(
      u32(fields.magic),
      u16(fields.type),
      sized(fields.signer),
      sized(fields.extraData),
      ...[encodeU64(clockMs), u32(resetCount), u32(restartCount), Uint8Array.of(1)],
      this.firmwareVersion,
      fields.body,
    );
  }
}

/** TPMS_NV_CERTIFY_INFO. */
export function nvBody(nvPublicBytes: Uint8Array, contents: Uint8Array, offset = 0): Uint8Array {
  return concatBytes(sized(parseNvPublic(nvPublicBytes).name), u16(offset), sized(contents));
}

/** TPMS_QUOTE_INFO of one bank. */
export function quoteBody(pcrs: readonly number[], digest: Uint8Array, bank = 0x000b): Uint8Array {
  const bitmap = new Uint8Array(3);
  for (const pcr of pcrs) bitmap[pcr >> 3] = (bitmap[pcr >> 3] ?? 0) | (1 << (pcr & 7));
  return concatBytes(u32(1), u16(bank), Uint8Array.of(3), bitmap, sized(digest));
}

/** The appliance document of a box with `tpm`, made for the ledger `ledgerId`. */
export function describeAppliance(tpm: SoftwareTpm, ledgerId: Uint8Array): ApplianceDocument {
  const { creationData, attest, signature } = tpm.certifyCreation(ledgerId);
  return {
    version: 1,
    label: 'emulated',
    manufacturer: 'IBM',
    firmwareVersion: tpm.firmwareVersion,
    ekPublic: tpm.ekPublic,
    ekCertificates: [],
    akPublic: tpm.akPublic,
    checkpointKeyPublic: tpm.checkpointKeyPublic,
    checkpointKeyCreation: { creationData, attest, signature },
    counterPublic: tpm.counterPublic,
    counterBase: Number(tpm.counter),
    extendPublic: null,
    pcrIndex: null,
    tokenLabel: 'emulated',
    token: { manufacturer: 'SoftHSM project', model: 'SoftHSM v2', serial: '0001' },
  };
}

/** TPMS_NV_PUBLIC. */
function nvPublic(handle: number, attributes: number, sizeBytes: number): Uint8Array {
  const policy = sized(new Uint8Array(0));
  return concatBytes(u32(handle), u16(0x000b), u32(attributes), policy, u16(sizeBytes));
}

/** TPMT_PUBLIC of an ECC key on P-256. */
function eccPublic(signer: Signer, attributes: number, use: 'ecdsa' | 'storage'): Uint8Array {
  const { bytes } = signer.publicKey;
  const none = u16(0x0010);
  const symmetric = use === 'storage' ? concatBytes(u16(0x0006), u16(128), u16(0x0043)) : none;
  const scheme = use === 'ecdsa' ? concatBytes(u16(0x0018), u16(0x000b)) : none;
  return concatBytes(
    u16(0x0023),
    u16(0x000b),
    u32(attributes),
    sized(new Uint8Array(0)),
    symmetric,
    scheme,
    u16(0x0003),
    none,
    sized(bytes.subarray(1, 33)),
    sized(bytes.subarray(33)),
  );
}

export function sized(bytes: Uint8Array): Uint8Array {
  return concatBytes(u16(bytes.length), bytes);
}

export function u16(value: number): Uint8Array {
  return Uint8Array.of(value >> 8, value & 255);
}

export function u32(value: number): Uint8Array {
  return encodeU64(BigInt(value)).subarray(4);
}
