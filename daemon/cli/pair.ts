/**
 * Two files of evidence against each other. A checkpoint may come with the consistency proof that
 * leads to it (`consistency.ts`), and the proof may come in a file of its own.
 */
import { ProofError, verifyPair } from '@kudurru/proof';
import type { PairVerdict, TrustPolicy } from '@kudurru/proof';

import { parseGrown, type Grown } from './consistency.ts';

export interface PairFiles {
  readonly a: Uint8Array;
  readonly b: Uint8Array;
  readonly proof: Uint8Array | null;
}

/** Never throws for bad evidence. @throws ProofError for a file of `--proof` that is none */
export function verifyTwo(policy: TrustPolicy, files: PairFiles): Promise<PairVerdict> {
  const [grownA, grownB] = [grownOf(files.a), grownOf(files.b)];
  const shown = files.proof === null ? null : parseGrown(files.proof);
  if (files.proof !== null && shown === null) {
    throw new ProofError('note-malformed', 'consistency proof: does not begin with "old SIZE"');
  }
  const consistency = shown ?? grownA ?? grownB;
  return verifyPair(
    grownA?.checkpoint ?? files.a,
    grownB?.checkpoint ?? files.b,
    policy,
    consistency === null ? {} : { consistency },
  );
}

/** Null for everything but a checkpoint with its proof. */
function grownOf(bytes: Uint8Array): Grown | null {
  try {
    return parseGrown(bytes);
  } catch (error) {
    if (error instanceof ProofError) return null; // evidence of another form says so itself
    throw error;
  }
}
