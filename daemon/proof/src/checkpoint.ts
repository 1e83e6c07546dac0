/**
 * C2SP checkpoints (c2sp.org/tlog-checkpoint): the signed note of a tree head. Extension lines are
 * refused: our logs have none, and a cosignature need not cover them.
 */
import { decodeBase64, encodeBase64 } from './bytes.ts';
import type { NoteSignature, SignedNote } from './note.ts';
import { formatNote, parseNote } from './note.ts';
import { ProofError } from './proof-error.ts';
import { HASH_SIZE_BYTES } from './sha256.ts';

const TREE_SIZE_PATTERN = /^(?:0|[1-9][0-9]{0,19})$/;
const TREE_SIZE_MAX = 0xffff_ffff_ffff_ffffn;

/** A tree head of the log named `origin`. */
export interface TreeHead {
  readonly origin: string;
  readonly size: bigint;
  /** 32 bytes. */
  readonly root: Uint8Array;
}

export interface Checkpoint extends TreeHead {
  readonly note: SignedNote;
}

/** The text that signatures cover. @throws ProofError `note-malformed` */
export function formatTreeHead(head: TreeHead): string {
  const text = `${head.origin}\n${head.size}\n${encodeBase64(head.root)}\n`;
  parseTreeHead(text);
  return text;
}

/** @throws ProofError `note-malformed` */
export function parseTreeHead(text: string): TreeHead {
  const [origin = '', size = '', root = '', end, ...rest] = text.split('\n');
  if (end !== '' || rest.length > 0) {
    throw malformed('expected exactly three lines: origin, tree size, root hash');
  }
  if (origin === '') throw malformed('empty origin');
  if (!TREE_SIZE_PATTERN.test(size) || BigInt(size) > TREE_SIZE_MAX) {
    throw malformed(`tree size '${size}' is not a decimal number of 64 bits`);
  }
  return { origin, size: BigInt(size), root: parseHash(root) };
}

/** The signed note of `head`. @throws ProofError `note-malformed` */
export function formatCheckpoint(head: TreeHead, signatures: readonly NoteSignature[]): Uint8Array {
  return formatNote({ text: formatTreeHead(head), signatures });
}

/** @throws ProofError `note-malformed`, `limit-exceeded`. No signature has been checked. */
export function parseCheckpoint(bytes: Uint8Array): Checkpoint {
  const note = parseNote(bytes);
  return { ...parseTreeHead(note.text), note };
}

function parseHash(text: string): Uint8Array {
  let hash: Uint8Array;
  try {
    hash = decodeBase64(text);
  } catch (cause) {
    throw new ProofError('note-malformed', 'checkpoint: bad base64 of the root hash', { cause });
  }
  if (hash.length !== HASH_SIZE_BYTES) throw malformed('the root hash does not have 32 bytes');
  return hash;
}

function malformed(reason: string): ProofError {
  return new ProofError('note-malformed', `checkpoint: ${reason}`);
}
