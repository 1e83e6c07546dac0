/**
 * Anchors (SPEC.md §9): what the TPM is asked to attest, so that a checkpoint, a moment of the
 * TPM's clock and a value of its counter are bound together in one order.
 */
import { concatBytes, encodeU64, encodeUtf8 } from './bytes.ts';
import { agentIdText } from './identifier.ts';
import type { ShapeType } from './schema.ts';
import { decodeWith, encodeWith, h32, index, INDEX_MAX, Place, record, uint } from './schema.ts';
import { sha256, ZERO_HASH } from './sha256.ts';

const DOMAIN = {
  anchor: encodeUtf8('kudurru/anchor/1\0'),
  left: encodeUtf8('kudurru/L/1\0'),
  right: encodeUtf8('kudurru/R/1\0'),
  counter: encodeUtf8('kudurru/N/1\0'),
  quote: encodeUtf8('kudurru/Q/1\0'),
  extend: encodeUtf8('kudurru/E/1\0'),
  extendMark: encodeUtf8('kudurru/extend/1\0'),
  boot: encodeUtf8('kudurru/B/1\0'),
};

const digestShape = {
  ledgerId: h32,
  applianceId: h32,
  anchorSequence: index,
  previousAnchorLeafHash: h32,
  size: index,
  root: h32,
  agentHeadsRoot: h32,
  evidenceHash: h32,
  counterExpected: index,
};
const agentHeadShape = {
  agentId: agentIdText,
  sessionNumber: uint(0, INDEX_MAX),
  lastSequence: index,
  lastIndex: index,
};
const digestInput = record(digestShape);
const agentHeadCodec = record(agentHeadShape);
const digestPlace = new Place('entry-invalid', 'anchor digest');
const agentHeadPlace = new Place('bundle-invalid', 'agent head');

/** What D commits to; `evidenceHash` is SHA-256 of the time evidence. */
export type AnchorDigestInput = ShapeType<typeof digestShape>;

/** A leaf of agentHeadsRoot: how far an agent's log goes. */
export type AgentHead = ShapeType<typeof agentHeadShape>;

/** D. @throws ProofError `entry-invalid` */
export function anchorDigest(input: AnchorDigestInput): Uint8Array {
  return sha256(DOMAIN.anchor, encodeWith(digestInput, input, digestPlace));
}

/** extraData of L, the TPM's time before the evidence is collected. */
export function leftQualifier(
  head: Pick<AnchorDigestInput, 'previousAnchorLeafHash' | 'size' | 'root'>,
): Uint8Array {
  const preimage = concatBytes(head.previousAnchorLeafHash, encodeU64(head.size), head.root);
  return sha256(DOMAIN.left, preimage);
}

/** extraData of R, the TPM's time after it. */
export function rightQualifier(leftAttest: Uint8Array, digest: Uint8Array): Uint8Array {
  return sha256(DOMAIN.right, leftAttest, digest);
}

/** extraData of N, the certified counter. */
export function counterQualifier(rightAttest: Uint8Array): Uint8Array {
  return sha256(DOMAIN.counter, rightAttest);
}

/** extraData of the quote of the extended PCR. */
export function quoteQualifier(counterAttest: Uint8Array): Uint8Array {
  return sha256(DOMAIN.quote, counterAttest);
}

/** extraData of the certified extend index. */
export function extendQualifier(counterAttest: Uint8Array): Uint8Array {
  return sha256(DOMAIN.extend, counterAttest);
}

/** The value of a PCR or an extend index after it was extended with `data` (Part 1 §11, §37). */
export function extended(from: Uint8Array, data: Uint8Array): Uint8Array {
  return sha256(from, data);
}

/** What the extend index is extended with at the increment to `counterExpected`. */
export function extendData(counterExpected: bigint, digest: Uint8Array): Uint8Array {
  return sha256(encodeU64(counterExpected), digest);
}

/** What an extend index is extended with when it is made: its first write. */
export function extendMark(ledgerId: Uint8Array): Uint8Array {
  return sha256(DOMAIN.extendMark, ledgerId);
}

/** The value of an extend index before any anchor. */
export function extendBase(ledgerId: Uint8Array): Uint8Array {
  return extended(ZERO_HASH, extendMark(ledgerId));
}

export interface BootIdentity {
  readonly ledgerId: Uint8Array;
  readonly applianceId: Uint8Array;
  readonly bootNumber: number;
  /** 16 bytes. */
  readonly kernelBootId: Uint8Array;
}

/** extraData of the quote in a boot entry. */
export function bootQualifier(boot: BootIdentity): Uint8Array {
  const { ledgerId, applianceId, bootNumber, kernelBootId } = boot;
  const number = encodeU64(BigInt(bootNumber));
  return sha256(DOMAIN.boot, ledgerId, applianceId, number, kernelBootId);
}

/** What a quote attests of the values of its PCRs, in ascending order. */
export function pcrDigest(values: readonly Uint8Array[]): Uint8Array {
  return sha256(...values);
}

/** @throws ProofError `bundle-invalid`, `cbor-malformed` */
export function decodeAgentHead(bytes: Uint8Array): AgentHead {
  return decodeWith(agentHeadCodec, bytes, agentHeadPlace);
}

/** @throws ProofError `bundle-invalid` */
export function encodeAgentHead(head: AgentHead): Uint8Array {
  return encodeWith(agentHeadCodec, head, agentHeadPlace);
}
