/** A part of the table of sites × faults; all of it is `npm run soak -- faults`. */
import assert from 'node:assert/strict';
import { randomInt } from 'node:crypto';
import { readFileSync, rmSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';

import { after, before, describe, it } from 'mocha';

import { makeScratchFolder } from '../scenarios/scenario.ts';
import { deleteSync } from './deletions.ts';
import { runCases, someCases, traceSites, type Traced, type TracedSite } from './matrix.ts';
import { neededSyncs, sitesInTable } from './table.ts';
import { makeTemplates, type Templates } from './templates.ts';

const text = readFileSync(new URL('../README.md', import.meta.url), 'utf8');

describe('faults at each call that changes the disk', function () {
  this.timeout(3_600_000);
  let folder: string;
  let templates: Templates;
  let traced: Traced;
  let sites: readonly TracedSite[];

  before(async () => {
    folder = makeScratchFolder();
    templates = await makeTemplates(folder);
    traced = await traceSites(templates, join(folder, 'traces'));
    sites = traced.sites;
  });
  after(() => rmSync(folder, { recursive: true }));

  it('are tabled for every site that a normal run passes, and every tabled sync is passed', () => {
    const tabled = sitesInTable(text, 'faults');
    const passed = sites.map(({ name }) => name);
    const again = 'write the table anew: npm run soak -- --help';
    assert.deepEqual(without(passed, tabled), [], again);
    const syncs = tabled.filter((name) => name.includes('sync'));
    assert.deepEqual(without(syncs, passed), [], `a sync is gone, or ${again}`);
    const unnamed = passed.filter((name) => name.includes('?') || name.includes(' other '));
    assert.deepEqual(unnamed, []);
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

  it('find the loss where a sync is left out: one of those that are needed', async () => {
    const seed = randomInt(2 ** 31);
    const names = neededSyncs(text);
    const needed = sites.filter(({ name }) => names.includes(name));
    assert.equal(needed.length, names.length);
    const site = needed[seed % needed.length];
    assert.ok(site !== undefined);
    const order = { site, seed, attemptsMax: 20, folder: join(folder, 'deletions') };
    const { found } = await deleteSync(templates, traced.byCaller, order);
    assert.ok(found !== null, `${site.name}, seed ${seed}: everything held without it`);
  });
});

function without(names: readonly string[], others: readonly string[]): string[] {
  return names.filter((name) => !others.includes(name));
}
