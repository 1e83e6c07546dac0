/** A part of the table of sites × faults; all of it is `npm run soak -- faults`. */
import assert from 'node:assert/strict';
import { randomInt } from 'node:crypto';
import { readFileSync, rmSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';

import { after, before, describe, it } from 'mocha';

import { makeScratchFolder } from '../scenarios/scenario.ts';
import { runCases, someCases, traceSites, type TracedSite } from './matrix.ts';
import { sitesInTable } from './table.ts';
import { makeTemplates, type Templates } from './templates.ts';

const document = new URL('../README.md', import.meta.url);

describe('faults at each call that changes the disk', function () {
  this.timeout(900_000);
  let folder: string;
  let templates: Templates;
  let sites: readonly TracedSite[];

  before(async () => {
    folder = makeScratchFolder();
    templates = await makeTemplates(folder);
    sites = await traceSites(templates, join(folder, 'traces'));
  });
  after(() => rmSync(folder, { recursive: true }));

  it('are tabled for every site that a normal run passes', () => {
    const tabled = sitesInTable(readFileSync(document, 'utf8'));
    const passed = sites.map(({ name }) => name);
    const unknown = passed.filter((name) => !tabled.includes(name));
    assert.deepEqual(unknown, [], 'write the table anew: npm run soak -- --help');
    assert.deepEqual(
      passed.filter((name) => name.includes('?') || name.includes(' other ')),
      [],
    );
  });

  it('lose nothing that was acknowledged: one at each site', async () => {
    const seed = randomInt(2 ** 31);
    const cases = someCases(sites, seed);
    const lanes = availableParallelism();
    const results = await runCases(templates, cases, { folder: join(folder, 'runs'), lanes });
    const broken = results.flatMap(({ case: { site, fault, start, nth }, problems }) =>
      problems.map((problem) => `${site.name}, ${fault} at ${nth} from ${start}: ${problem}`),
    );
    assert.deepEqual(broken, [], `seed ${seed}`);
    assert.equal(results.length, sites.length);
  });
});
