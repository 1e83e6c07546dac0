/** The committed corpus: bundles, their policies, and what their verdicts must be. */
import { readFileSync } from 'node:fs';

import { parseTrustPolicy } from '../../src/policy.ts';
import type { Exhibit } from '../corpus/scenario.ts';
import { readTestdata, testdataPath } from './vectors.ts';

/** One line of `index.json`. */
export interface CommittedCase {
  readonly name: string;
  readonly headline: string;
  /** The checks that do not pass. */
  readonly checks: readonly string[];
}

export function committedCases(folder: 'accept' | 'reject'): readonly CommittedCase[] {
  return readTestdata(`${folder}/index.json`);
}

export function committedExhibit(folder: 'accept' | 'reject', name: string): Exhibit {
  const path = testdataPath(`${folder}/${name}`);
  return {
    bytes: new Uint8Array(readFileSync(`${path}.kudurru`)),
    policy: parseTrustPolicy(readFileSync(`${path}.policy.json`, 'utf8')),
  };
}
