/** A log for tests of the index: entries made from one seed, and published as entry bundles. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

import {
  encodeEntry,
  encodeEnvelope,
  formatEntryBundle,
  formatTilePath,
  leafHash,
  TILE_WIDTH,
  ZERO_HASH,
  type Entry,
  type Envelope,
} from '@kudurru/proof';

export const TOOLS: readonly string[] = ['write_file', 'read_file', 'größe', 'a'.repeat(256)];
export const OPERATIONS: readonly string[] = ['tools/call', 'tools/list', 'weigh'];
/** Their enrolments are the first entries. */
export const AGENTS = 3;
export const agentIdOf = (name: string): string => `spiffe://ledger.example/agent/${name}`;
const STATUSES = ['success', 'failure', 'denied'] as const;
const KINDS = ['intent', 'outcome', 'observation'] as const;

/** Numbers that look drawn and are the same each time (xorshift32). */
export function numbersFrom(seed: number): (below: number) => number {
  let state = seed | 1;
  return (below) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % below;
  };
}

export const traceOf = (number: number): Uint8Array => new Uint8Array(16).fill(1).with(15, number);

interface Made {
  readonly entries: Uint8Array[];
  readonly sessions: { readonly index: number; readonly id: Uint8Array; next: number }[];
  readonly draw: (below: number) => number;
  taiNs: bigint;
}

/** Enrolments, then sessions, anchors, actions of all kinds, and entries without any row. */
export function madeLog(count: number, seed: number): Uint8Array[] {
  const made: Made = { entries: [], sessions: [], draw: numbersFrom(seed), taiNs: 1_000n };
  while (made.entries.length < count) made.entries.push(nextEntry(made));
  return made.entries;
}

function nextEntry(made: Made): Uint8Array {
  const { draw, entries, sessions } = made;
  made.taiNs += BigInt(draw(3));
  if (entries.length < AGENTS) return encodeEntry(enrolmentOf(made));
  const which = draw(100);
  if (sessions.length === 0 || which === 0) {
    const bytes = encodeEntry({
      ...headOf(made),
      kind: 'session.open',
      agentIndex: BigInt(draw(AGENTS)),
      sessionNumber: 0,
      request: new Uint8Array(16),
      writerLevel: 'pidfd',
      commitments: [],
    });
    sessions.push({ index: entries.length, id: leafHash(bytes), next: 0 });
    return bytes;
  }
  if (which === 1) return encodeEntry(anchorOf(made));
  if (which < 6) return encodeEntry({ ...headOf(made), kind: 'alarm', code: 'a', message: 'b' });
  return encodeEntry(actionOf(made));
}

function headOf({ taiNs }: Made): Pick<Entry, 'previousLeafHash' | 'time' | 'appliance'> {
  const time = {
    taiNs,
    monotonicRawNs: 1n,
    bootIndex: 1n,
    statisticalNs: null,
    adversarialNs: null,
    level: 'UNKNOWN',
    timeEvidenceIndex: null,
  } as const;
  return { previousLeafHash: ZERO_HASH, time, appliance: 0 };
}

function enrolmentOf(made: Made): Entry {
  return {
    ...headOf(made),
    kind: 'agent.enrol',
    agentId: agentIdOf(`agent-${made.entries.length}`),
    owner: 'tests',
    purpose: 'is found',
    key: new Uint8Array(40),
    proofOfPossession: new Uint8Array(9),
    enrolledBy: { uid: 0, via: 'control' },
    commitments: [],
    authorisations: [],
  };
}

function anchorOf(made: Made): Entry {
  const attestation = { attest: new Uint8Array(3), signature: new Uint8Array(64) };
  return {
    ...headOf(made),
    kind: made.draw(2) === 0 ? 'anchor' : 'counter-anchor',
    anchorSequence: 0n,
    previousAnchorIndex: made.draw(2) === 0 ? null : 1n,
    previousAnchorLeafHash: ZERO_HASH,
    size: BigInt(made.entries.length),
    root: ZERO_HASH,
    agentHeadsRoot: ZERO_HASH,
    evidence: new Uint8Array(2),
    counterExpected: 7n,
    checkpoint: new Uint8Array(4),
    left: attestation,
    right: attestation,
    counter: attestation,
    quote: null,
    extend: null,
    commitments: [],
  } as unknown as Entry;
}

function actionOf(made: Made): Entry {
  const { draw, sessions } = made;
  const session = sessions[draw(sessions.length)] ?? sessions[0];
  if (session === undefined) throw new Error('no session is open');
  const sequence = BigInt(session.next++);
  return {
    ...headOf(made),
    kind: 'action',
    sessionIndex: BigInt(session.index),
    sequence,
    envelope: encodeEnvelope(envelopeOf(made)),
    ruleSetIndex: null,
    decision: { verdict: 'none', determining: [], errors: [] },
    writerLevel: 'pidfd',
  };
}

function envelopeOf({ draw, sessions }: Made): Envelope {
  const kind = KINDS[draw(3)] ?? 'intent';
  const named = sessions[draw(sessions.length)];
  const server = draw(2) === 0 ? 'files' : null;
  const optional = {
    ...(draw(4) > 0 && {
      tool: { name: TOOLS[draw(4)], server, schemaDigest: null, protocolVersion: null },
    }),
    ...(draw(2) === 0 && { traceId: traceOf(draw(50)) }),
    ...(draw(2) === 0 && { externalId: { scheme: 'json-rpc', id: `call ${draw(50)}` } }),
    ...(kind === 'outcome' && {
      intent: { session: named?.id, sequence: BigInt(draw((named?.next ?? 0) + 2)) },
    }),
    ...(kind !== 'intent' && { status: STATUSES[draw(3)], observedBy: 'agent' }),
  };
  return {
    version: 1,
    kind,
    actionType: 'tool-call',
    operation: OPERATIONS[draw(3)],
    coverage: 'mediated',
    commitments: [],
    ...optional,
  } as Envelope;
}

/** Full bundles, and the partial one of the tree of all these entries. */
export function publishLog(folder: string, entries: readonly Uint8Array[]): void {
  for (let first = 0; first < entries.length; first += TILE_WIDTH) {
    const bundle = entries.slice(first, first + TILE_WIDTH);
    const index = BigInt(first / TILE_WIDTH);
    const path = join(folder, formatTilePath({ level: 'entries', index, width: bundle.length }));
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, formatEntryBundle(bundle));
  }
}
