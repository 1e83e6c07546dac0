/**
 * The part of a TPM that anchors use, with its keys in the open: it marshals and signs what a TPM
 * would, so that the corpus can also hold what no TPM would. Only tests may use it.
 */
import type { ApplianceDocument } from '../../src/appliance.ts';
import { concatBytes, decodeHex, encodeU64 } from '../../src/bytes.ts';
import { sha256 } from '../../src/sha256.ts';
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
}

const AK_ATTRIBUTES = 0x0005_0472;
const CHECKPOINT_KEY_ATTRIBUTES = 0x0004_0472;
const EK_ATTRIBUTES = 0x0003_00b2;
const COUNTER_ATTRIBUTES = 0x2206_0016;
const EXTEND_ATTRIBUTES = 0x2206_0046;
const FIRMWARE_VERSION = 0x20191023_00163636n;
const TYPE = { nv: 0x8014, time: 0x8019, creation: 0x801a, quote: 0x8018 };

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

  constructor(label: string, flaws: TpmFlaws = {}) {
    this.#flaws = flaws;
    this.#ak = p256Signer(`${label} ak`);
    this.checkpointKey = p256Signer(`${label} checkpoint key`);
    this.ekPublic = eccPublic(p256Signer(`${label} ek`), EK_ATTRIBUTES, 'storage');
    this.akPublic = eccPublic(this.#ak, flaws.akAttributes ?? AK_ATTRIBUTES, 'ecdsa');
    this.checkpointKeyPublic = eccPublic(this.checkpointKey, CHECKPOINT_KEY_ATTRIBUTES, 'ecdsa');
    this.counterPublic = nvPublic(0x0150_0010, flaws.counterAttributes ?? COUNTER_ATTRIBUTES, 8);
    this.extendPublic = nvPublic(0x0150_0011, EXTEND_ATTRIBUTES, 32);
  }

  /** TPM2_GetTime. */
  getTime(extraData: Uint8Array): Attestation {
    this.clockMs += 5n;
    const time = concatBytes(encodeU64(this.clockMs), this.#clockInfo(), this.firmwareVersion);
    return this.#attest(TYPE.time, extraData, time);
  }

  /** TPM2_NV_Certify of the counter. */
  certifyCounter(extraData: Uint8Array): Attestation {
    this.clockMs += 5n;
    const { name } = parseNvPublic(this.counterPublic);
    const body = concatBytes(sized(name), u16(0), sized(encodeU64(this.counter)));
    return this.#attest(TYPE.nv, extraData, body);
  }

  /** TPM2_NV_Certify of the first `sizeBytes` of the extend index. */
  certifyExtend(extraData: Uint8Array, sizeBytes: number): Attestation {
    this.clockMs += 5n;
    const { name } = parseNvPublic(this.extendPublic);
    const contents = sha256(extraData).subarray(0, sizeBytes);
    return this.#attest(TYPE.nv, extraData, concatBytes(sized(name), u16(0), sized(contents)));
  }

  /** TPM2_Quote of one PCR. */
  quote(extraData: Uint8Array, pcr: number): Attestation {
    const bitmap = new Uint8Array(3);
    bitmap[pcr >> 3] = 1 << (pcr & 7);
    const selection = concatBytes(u32(1), u16(0x000b), Uint8Array.of(3), bitmap);
    return this.#attest(TYPE.quote, extraData, concatBytes(selection, sized(sha256(bitmap))));
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
    return { creationData, ...this.#attest(TYPE.creation, ledgerId, body) };
  }

  #clockInfo(): Uint8Array {
    return concatBytes(encodeU64(this.clockMs), u32(this.resetCount), u32(0), Uint8Array.of(1));
  }

  #attest(type: number, extraData: Uint8Array, body: Uint8Array): Attestation {
    const signer = qualifiedNameUnderEk(
      parseObjectPublic(this.ekPublic),
      parseObjectPublic(this.akPublic),
    );
    const attest = concatBytes(
      decodeHex('ff544347'),
      u16(type),
      sized(signer),
      sized(extraData),
      this.#clockInfo(),
      this.firmwareVersion,
      body,
    );
    return { attest, signature: (this.#flaws.attestSigner ?? this.#ak).sign(attest) };
  }
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

function sized(bytes: Uint8Array): Uint8Array {
  return concatBytes(u16(bytes.length), bytes);
}

function u16(value: number): Uint8Array {
  return Uint8Array.of(value >> 8, value & 255);
}

function u32(value: number): Uint8Array {
  return encodeU64(BigInt(value)).subarray(4);
}
