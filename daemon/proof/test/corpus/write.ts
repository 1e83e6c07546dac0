/**
 * Writes the corpus into testdata: `node daemon/proof/test/corpus/write.ts`. Each case is a bundle
 * and the policy under which it is judged; `index.json` says what the verdict must be. Run it after
 * a change of the formats; tests compare what is committed with what the encoders make.
 */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { formatTrustPolicy } from '../../src/policy.ts';
import type { CommittedCase } from '../support/committed-corpus.ts';
import { makeSegmentVectors } from '../support/segment-vectors.ts';
import { testdataPath } from '../support/vectors.ts';
import { ACCEPT_CASES } from './accept.ts';
import { REJECT_CASES } from './reject.ts';
import type { Exhibit } from './scenario.ts';

const accepted = ACCEPT_CASES.map(({ name, headline, make }) => ({
  expected: { name, headline, checks: [] },
  make,
}));
const rejected = REJECT_CASES.map(({ name, overall, check, also = [], make }) => ({
  expected: { name, headline: overall, checks: [check, ...also] },
  make,
}));

await write('accept', accepted);
await write('reject', rejected);
writeJson(testdataPath('time/segment.json'), makeSegmentVectors());

async function write(
  folder: 'accept' | 'reject',
  cases: readonly { expected: CommittedCase; make: () => Promise<Exhibit> }[],
): Promise<void> {
  const path = testdataPath(folder);
  rmSync(path, { recursive: true, force: true });
  mkdirSync(path, { recursive: true });
  for (const { expected, make } of cases) {
    const { bytes, policy } = await make();
    writeFileSync(join(path, `${expected.name}.kudurru`), bytes);
    writeFileSync(join(path, `${expected.name}.policy.json`), formatTrustPolicy(policy));
  }
  const index = cases.map(({ expected }) => expected);
  writeJson(join(path, 'index.json'), index);
}

function writeJson(path: string, value: unknown): void {
  writeFileSync(path, `${JSON.stringify(value, null, 2)}\n`);
}
