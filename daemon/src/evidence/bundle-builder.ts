/**
 * Evidence bundles (SPEC.md §11): one entry, everything it refers to, and the proofs that put them
 * all in one signed tree. What a bundle claims is checked by its reader; the builder checks only
 * that it hands out nothing it had to guess.
 */
import {
  BODY_SIZE_BYTES_MAX,
  commitmentFieldNumber,
  decodeEntry,
  decodeEnvelope,
  decodeStatement,
  encodeBundle,
  formatTlogProof,
  type Bundle,
  type Commitment,
  type Disclosure,
  type LocatedEntry,
} from '@kudurru/proof';

import { KudurruError } from '../base/errors.ts';
import { leafIndex, treeSize, type LeafIndex } from '../base/units.ts';
import { agentHeadOf } from './agent-head.ts';
import { contradiction } from './contradiction.ts';
import { gather, type Gathered, type Gathering } from './gather.ts';
import type { LedgerReader, OpenedBody, SignedHead } from './ledger-reader.ts';
import type { SearchIndex } from './search-index.ts';
import { SmallTree } from './small-tree.ts';
import { statementOf } from './statement-place.ts';

export interface BundleOptions {
  readonly ledger: LedgerReader;
  readonly places: SearchIndex;
  /** A checkpoint whose tree holds the subject's anchor entry. */
  readonly head: SignedHead;
  /** Open the private bodies of the subject and of its counterpart too. */
  readonly disclose: boolean;
}

/** @throws KudurruError `not-found`, `not-anchored`, `index-contradicts` */
export async function buildBundle(subject: LeafIndex, options: BundleOptions): Promise<Uint8Array> {
  const { ledger, places, head } = options;
  const gathered = await gather(subject, { ledger, places, size: head.size });
  const { anchor, others } = gathered;
  const all = [gathered.subject, ...others];
  const bundle: Bundle = {
    version: 1,
    proof: formatTlogProof({
      index: subject,
      path: await ledger.inclusionPath(subject, head.size),
      checkpointBytes: head.note,
    }),
    entry: gathered.subject.bytes,
    others: await Promise.all(others.map((other) => locate(other, options))),
    consistency: [...(await ledger.consistencyPath(treeSize(anchor.entry.size), head.size))],
    envelopePaths: await Promise.all(
      all.filter(({ entry }) => entry.kind === 'action').map((a) => envelopePath(a, options)),
    ),
    disclosures: await openBodies(gathered, options),
    agentHead: await subjectsAgentHead(gathered, options),
  };
  return encodeBundle(bundle);
}

async function locate({ index, bytes }: Gathered, options: BundleOptions): Promise<LocatedEntry> {
  const path = await options.ledger.inclusionPath(index, options.head.size);
  return { index, entry: bytes, path: [...path] };
}

/**
 * Inclusion of the action's envelope in its statement's root, from the statement's other actions.
 */
async function envelopePath(
  action: Gathered,
  { ledger }: BundleOptions,
): Promise<Bundle['envelopePaths'][number]> {
  if (action.entry.kind !== 'action') throw new Error('an envelope path is of an action');
  const place = await statementOf(action.index, action.entry, ledger);
  const statement = decodeEntry(await ledger.readEntry(place));
  if (statement.kind !== 'statement') throw contradiction(`no statement at ${place}`);
  const { actionCount } = decodeStatement(statement.statement).content;
  const envelopes: Uint8Array[] = [];
  for (let offset = 1n; offset <= actionCount; offset += 1n) {
    const sibling = decodeEntry(await ledger.readEntry(leafIndex(place + offset)));
    if (sibling.kind !== 'action') throw contradiction(`no action at ${place + offset}`);
    envelopes.push(sibling.envelope);
  }
  const path = new SmallTree(envelopes).path(action.index - place - 1n);
  return { index: action.index, path };
}

/**
 * What others committed to, such as how to reach an owner, nobody asked to have opened. A bundle
 * has no room for large bodies (SPEC.md §11): they are handed out by themselves.
 */
async function openBodies(
  { subject, others, timeEvidence }: Gathering,
  { ledger, disclose }: BundleOptions,
): Promise<Disclosure[]> {
  const opened: Disclosure[] = [];
  const asked = disclose ? [subject, ...others.filter(({ entry }) => entry.kind === 'action')] : [];
  // What a time rests on belongs to it: without the raw part nobody could compute it again.
  const all = [...new Set([...asked, ...timeEvidence])];
  for (const found of all.toSorted((a, b) => (a.index < b.index ? -1 : 1))) {
    const { index, entry } = found;
    for (const { field, deposited, length } of commitmentsOf(entry)) {
      if (!deposited || length > BODY_SIZE_BYTES_MAX) continue;
      if (!asked.includes(found) && field !== 'rawTimeEvidence') continue;
      const body = await openIfHeld(ledger, { index, field: commitmentFieldNumber(field) });
      if (body !== null) opened.push({ index, field, ...body });
    }
  }
  return opened;
}

/** Null where it is not held: no key, or its segment was retired. */
async function openIfHeld(
  ledger: LedgerReader,
  { index, field }: { readonly index: LeafIndex; readonly field: number },
): Promise<OpenedBody | null> {
  try {
    return await ledger.openBody(index, field);
  } catch (error) {
    if (error instanceof KudurruError && error.code === 'not-held') return null;
    throw error;
  }
}

function commitmentsOf(entry: Gathered['entry']): readonly Commitment[] {
  if (entry.kind === 'action') return decodeEnvelope(entry.envelope).commitments;
  return 'commitments' in entry ? entry.commitments : [];
}

async function subjectsAgentHead(
  { subject, anchor, others }: Gathering,
  options: BundleOptions,
): Promise<Bundle['agentHead']> {
  const { entry } = subject;
  if (entry.kind !== 'action') return null;
  const session = others.find(({ index }) => index === entry.sessionIndex)?.entry;
  if (session?.kind !== 'session.open') throw contradiction(`no session at ${entry.sessionIndex}`);
  const agent = others.find(({ index }) => index === session.agentIndex)?.entry;
  if (agent?.kind !== 'agent.enrol') throw contradiction(`no agent at ${session.agentIndex}`);
  return agentHeadOf(agent.agentId, anchor.entry, options);
}
