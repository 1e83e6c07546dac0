/**
 * C2SP transparency log proofs (c2sp.org/tlog-proof): index, inclusion path and checkpoint in one
 * text. The optional extra line is refused, being the one part of it that nothing authenticates.
 */
import { concatBytes, decodeBase64, decodeUtf8, encodeBase64, encodeUtf8 } from './bytes.ts';
import type { Checkpoint } from './checkpoint.ts';
import { parseCheckpoint } from './checkpoint.ts';
import { PROOF_HASHES_MAX } from './merkle.ts';
import { ProofError } from './proof-error.ts';
import { HASH_SIZE_BYTES } from './sha256.ts';

const FIRST_LINE = 'c2sp.org/tlog-proof@v1';
const INDEX_PATTERN = /^index (0|[1-9][0-9]{0,15})$/;
/** Two lines and 64 hashes are below this; the rest is the checkpoint, which has its own limit. */
const HEAD_SIZE_BYTES_MAX = 4096;

export interface TlogProof {
  /** Index of the entry in the log. */
  readonly index: bigint;
  readonly path: readonly Uint8Array[];
  /** The checkpoint's signed note, verbatim. */
  readonly checkpointBytes: Uint8Array;
  readonly checkpoint: Checkpoint;
}

/** @throws ProofError `note-malformed`, `limit-exceeded` */
export function parseTlogProof(bytes: Uint8Array): TlogProof {
  const headEnd = findBlankLine(bytes);
  const head = decodeHead(bytes.subarray(0, headEnd));
  const [first, index = '', ...hashes] = head.split('\n');
  if (first !== FIRST_LINE) throw malformed(`does not begin with '${FIRST_LINE}'`);
  const [, digits] = INDEX_PATTERN.exec(index) ?? [];
  if (digits === undefined) throw malformed("the second line is not 'index' and a decimal number");
  if (hashes.length > PROOF_HASHES_MAX) throw malformed(`more than ${PROOF_HASHES_MAX} hashes`);
  const checkpointBytes = bytes.subarray(headEnd + 2);
  return {
    index: BigInt(digits),
    path: hashes.map(decodeHash),
    checkpointBytes,
    checkpoint: parseCheckpoint(checkpointBytes),
  };
}

/** The text of a proof. @throws ProofError `note-malformed` */
export function formatTlogProof(
  proof: Pick<TlogProof, 'index' | 'path' | 'checkpointBytes'>,
): Uint8Array {
  const lines = [FIRST_LINE, `index ${proof.index}`, ...proof.path.map(encodeBase64)];
  const bytes = concatBytes(encodeUtf8(`${lines.join('\n')}\n\n`), proof.checkpointBytes);
  parseTlogProof(bytes);
  return bytes;
}

/** Offset of the first empty line's preceding newline. */
function findBlankLine(bytes: Uint8Array): number {
  const end = Math.min(bytes.length - 1, HEAD_SIZE_BYTES_MAX);
  for (let i = 0; i < end; i++) if (bytes[i] === 10 && bytes[i + 1] === 10) return i;
  throw malformed('no empty line before the checkpoint');
}

function decodeHead(bytes: Uint8Array): string {
  try {
    return decodeUtf8(bytes);
  } catch (cause) {
    throw new ProofError('note-malformed', 'tlog-proof: invalid utf-8', { cause });
  }
}

function decodeHash(line: string): Uint8Array {
  let hash: Uint8Array;
  try {
    hash = decodeBase64(line);
  } catch (cause) {
    throw new ProofError('note-malformed', 'tlog-proof: bad base64 of a hash', { cause });
  }
  if (hash.length !== HASH_SIZE_BYTES) throw malformed('a hash does not have 32 bytes');
  return hash;
}

function malformed(reason: string): ProofError {
  return new ProofError('note-malformed', `tlog-proof: ${reason}`);
}
