/**
 * Consistency of two checkpoints, and the file in which its proof travels: the body of a C2SP
 * tlog-witness add-checkpoint request (c2sp.org/tlog-witness), which a witness would take as it is.
 */
import {
  decodeBase64,
  encodeBase64,
  encodeUtf8,
  decodeUtf8,
  parseCheckpoint,
  parseVerifierKey,
  ProofError,
  verifyConsistency,
  verifyNote,
  type Checkpoint,
  type TrustPolicy,
} from '@kudurru/proof';

/** RFC 6962 proofs have at most 64 hashes, and one more where the old root is among them. */
const PROOF_LINES_MAX = 65;

export interface Grown {
  readonly oldSize: bigint;
  readonly path: readonly Uint8Array[];
  /** The signed note. */
  readonly checkpoint: Uint8Array;
}

export function formatGrown({ oldSize, path, checkpoint }: Grown): Uint8Array {
  const lines = [`old ${oldSize}`, ...path.map(encodeBase64), '', ''];
  return new Uint8Array(Buffer.concat([encodeUtf8(lines.join('\n')), checkpoint]));
}

/** Null for bytes that are a bare checkpoint. @throws ProofError `note-malformed` */
export function parseGrown(bytes: Uint8Array): Grown | null {
  const text = decodeUtf8(bytes);
  const size = /^old (0|[1-9][0-9]{0,15})\n/u.exec(text)?.[1];
  if (size === undefined) return null;
  const end = text.indexOf('\n\n');
  const lines = text
    .slice(text.indexOf('\n') + 1, end + 1)
    .split('\n')
    .slice(0, -1);
  if (end < 0 || lines.length > PROOF_LINES_MAX) {
    throw new ProofError(
      'note-malformed',
      'consistency proof: not lines of hashes and a checkpoint',
    );
  }
  return {
    oldSize: BigInt(size),
    path: lines.map(decodeBase64),
    checkpoint: encodeUtf8(text.slice(end + 2)),
  };
}

export interface Comparison {
  readonly overall: 'VALID' | 'INVALID' | 'UNVERIFIABLE';
  readonly text: string;
  readonly oldSize: bigint | null;
  readonly newSize: bigint | null;
}

export interface ComparedFiles {
  readonly older: Uint8Array;
  readonly newer: Uint8Array;
  readonly proof: Uint8Array | null;
}

/** Never throws for bad files: what cannot be read is INVALID and says why. */
export function checkConsistency(policy: TrustPolicy, files: ComparedFiles): Comparison {
  try {
    return compare(policy, files);
  } catch (error) {
    if (!(error instanceof ProofError)) throw error;
    return { overall: 'INVALID', text: error.message, oldSize: null, newSize: null };
  }
}

function compare(policy: TrustPolicy, files: ComparedFiles): Comparison {
  const newerFile = parseGrown(files.newer);
  const older = parseCheckpoint(parseGrown(files.older)?.checkpoint ?? files.older);
  const newer = parseCheckpoint(newerFile?.checkpoint ?? files.newer);
  const sizes = { oldSize: older.size, newSize: newer.size };
  const problem = problemOf(policy, older, 'OLD') ?? problemOf(policy, newer, 'NEW');
  if (problem !== null) return { ...problem, ...sizes };
  const shown = files.proof === null ? newerFile : parseGrown(files.proof);
  const invalid = (text: string): Comparison => ({ overall: 'INVALID', text, ...sizes });
  if (newer.size < older.size) {
    return invalid(`NEW has ${newer.size} entries and OLD ${older.size}: are they exchanged?`);
  }
  const isSameSize = newer.size === older.size;
  if (!isSameSize && shown === null) {
    const text =
      `no proof that the log of ${newer.size} entries grew from that of ${older.size}: ` +
      `make NEW with "kudurru log checkpoint --since OLD"`;
    return { overall: 'UNVERIFIABLE', text, ...sizes };
  }
  if (!isSameSize && shown?.oldSize !== older.size) {
    return invalid(`the proof is from size ${shown?.oldSize}, and OLD has ${older.size} entries`);
  }
  const claim = { ...sizes, oldRoot: older.root, newRoot: newer.root };
  if (!verifyConsistency(claim, isSameSize ? [] : (shown?.path ?? []))) {
    return invalid(`the log of ${newer.size} entries is not the one of ${older.size} grown`);
  }
  const text = `the log of ${newer.size} entries holds that of ${older.size} unchanged`;
  return { overall: 'VALID', text, ...sizes };
}

/** Both must be of the log that the policy names, signed by its key. */
function problemOf(
  { origin, logKey }: TrustPolicy,
  checkpoint: Checkpoint,
  name: string,
): Pick<Comparison, 'overall' | 'text'> | null {
  if (checkpoint.origin !== origin) {
    const text = `${name} is of the log "${checkpoint.origin}", the policy names "${origin}"`;
    return { overall: 'UNVERIFIABLE', text };
  }
  const state = verifyNote(checkpoint.note, parseVerifierKey(logKey));
  if (state === 'valid') return null;
  const text = `the signature of the log key on ${name} is ${state}`;
  return { overall: state === 'invalid' ? 'INVALID' : 'UNVERIFIABLE', text };
}
