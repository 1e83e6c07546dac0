/**
 * What an attacker without the ledger's keys can do to a bundle: change an entry, mend the chain,
 * grow a new tree around it, and sign its checkpoint with a key of its own in the log key's name.
 */
import type { Bundle, LocatedEntry } from '../../src/bundle.ts';
import { decodeBundle, encodeBundle } from '../../src/bundle.ts';
import { encodeUtf8 } from '../../src/bytes.ts';
import { formatCheckpoint, formatTreeHead } from '../../src/checkpoint.ts';
import type { Entry } from '../../src/entry.ts';
import { decodeEntry, encodeEntry } from '../../src/entry.ts';
import { inclusionProof } from '../../src/merkle-proof.ts';
import { MerkleTree } from '../../src/merkle-tree.ts';
import { leafHash } from '../../src/merkle.ts';
import { parseVerifierKey, verifierKeyId } from '../../src/note.ts';
import { formatTlogProof, parseTlogProof } from '../../src/tlog-proof.ts';
import type { Signer } from './keys.ts';
import { seed } from './keys.ts';
import type { Exhibit } from './scenario.ts';

/** `original` with one entry changed, and all that needs no key of the ledger's made to fit. */
export function forge(
  original: Exhibit,
  attacker: Signer,
  change: { readonly index: bigint; readonly entry: Entry },
): Exhibit {
  const bundle = decodeBundle(original.bytes);
  const { index: subject, checkpoint } = parseTlogProof(bundle.proof);
  const entries = mendChain(entriesOf(bundle, subject), change);
  const nodes = new Map<string, Uint8Array>();
  const tree = new MerkleTree((level, index, hash) => nodes.set(`${level}/${index}`, hash));
  for (let index = 0n; index < checkpoint.size; index += 1n) {
    const entry = entries.get(index);
    tree.appendHash(entry === undefined ? seed(`unknown ${index}`) : leafHash(entry));
  }
  const pathOf = (index: bigint): Uint8Array[] =>
    inclusionProof(index, tree.size, (l, i) => nodes.get(`${l}/${i}`) as Uint8Array);
  const head = { origin: checkpoint.origin, size: tree.size, root: tree.root() };
  const { name, key } = parseVerifierKey(original.policy.logKey);
  const signature = attacker.sign(encodeUtf8(formatTreeHead(head)));
  const line = { name, keyId: verifierKeyId({ name, key }), signature };
  const proof = {
    index: subject,
    path: pathOf(subject),
    checkpointBytes: formatCheckpoint(head, [line]),
  };
  const others: LocatedEntry[] = bundle.others.map(({ index }) => ({
    index,
    entry: entries.get(index) as Uint8Array,
    path: pathOf(index),
  }));
  const entry = entries.get(subject) as Uint8Array;
  const bytes = encodeBundle({ ...bundle, proof: formatTlogProof(proof), entry, others });
  return { bytes, policy: original.policy };
}

/** The entries of a bundle by index, the subject's too. */
export function entriesOf(bundle: Bundle, subject: bigint): Map<bigint, Uint8Array> {
  const located = bundle.others.map(({ index, entry }) => [index, entry] as const);
  return new Map(
    [...located, [subject, bundle.entry] as const].sort(([a], [b]) => (a < b ? -1 : 1)),
  );
}

function mendChain(
  entries: ReadonlyMap<bigint, Uint8Array>,
  change: { readonly index: bigint; readonly entry: Entry },
): Map<bigint, Uint8Array> {
  const mended = new Map<bigint, Uint8Array>();
  for (const [index, bytes] of entries) {
    const entry = index === change.index ? change.entry : decodeEntry(bytes);
    const before = mended.get(index - 1n);
    const link = before === undefined ? {} : { previousLeafHash: leafHash(before) };
    mended.set(index, encodeEntry({ ...entry, ...link }));
  }
  return mended;
}
