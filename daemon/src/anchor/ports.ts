/** What anchoring needs of the ledger, as values; compose.ts connects the two. */
import { parseAttest } from '@kudurru/proof';

import { treeSize, type LeafIndex, type TreeSize } from '../base/units.ts';
import type { Attestation } from '../hardware/attestation.ts';
import type { AnchorPlan } from './plan.ts';
import type { TpmMoment } from './tpm-boot.ts';

export interface Head {
  readonly size: TreeSize;
  /** RFC 6962 root, 32 bytes. */
  readonly root: Uint8Array;
}

/** Where an appended entry stands. */
export interface Placed {
  readonly index: LeafIndex;
  readonly leafHash: Uint8Array;
}

/** All that an anchor entry says (SPEC.md §9). */
export interface AnchorContent extends AnchorPlan {
  readonly evidence: Uint8Array;
  /** What it was computed of, the private body of field 34; null where there is nothing. */
  readonly rawEvidence: Uint8Array | null;
  /** Signed note of `size` and `root`, with the lines of the log key and of the TPM. */
  readonly checkpoint: Uint8Array;
  readonly left: Attestation;
  readonly right: Attestation;
  readonly counter: Attestation;
  /** Null where the appliance extends no PCR. */
  readonly quote: Attestation | null;
  /** Null where it extends no index, and in an anchor that does not count. */
  readonly extend: Attestation | null;
}

export interface AnchorLedger {
  /** The newest durable tree. */
  head(): Head;
  /** The same, with the root over the agents' heads: of one moment. */
  snapshot(): Promise<Head & { readonly agentHeadsRoot: Uint8Array }>;
  /** Durable when the promise resolves. */
  recordCheckpoint(note: Uint8Array): Promise<void>;
  /** Either prepare record of an anchor. */
  recordPlan(plan: Uint8Array): Promise<void>;
  appendAnchor(content: AnchorContent): Promise<Placed>;
  readEntry(index: LeafIndex): Promise<Uint8Array>;
  inclusionPath(index: LeafIndex, size: TreeSize): Promise<readonly Uint8Array[]>;
  consistencyPath(from: TreeSize, to: TreeSize): Promise<readonly Uint8Array[]>;
}

/** The last anchor of the ledger. */
export interface LastAnchor extends Placed {
  readonly anchorSequence: bigint;
  readonly size: TreeSize;
  readonly counterExpected: bigint;
  /** Of the last of its attestations. */
  readonly moment: TpmMoment;
  /** What its quote attests of the anchor PCR; null where it has none. */
  readonly pcrDigest: Uint8Array | null;
}

/** What later anchors and the next start need of one. @throws ProofError of an attest of no form */
export function lastAnchorOf(
  placed: Placed,
  anchor: Pick<
    AnchorContent,
    'anchorSequence' | 'counterExpected' | 'counter' | 'quote' | 'extend'
  > & { readonly size: bigint },
): LastAnchor {
  const { anchorSequence, counterExpected, counter, quote, extend } = anchor;
  const attested = quote === null ? null : parseAttest(quote.attest).attested;
  return {
    ...placed,
    anchorSequence,
    size: treeSize(anchor.size),
    counterExpected,
    moment: parseAttest((extend ?? quote ?? counter).attest).clock,
    pcrDigest: attested?.type === 'quote' ? attested.pcrDigest : null,
  };
}
