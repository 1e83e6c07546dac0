/** Each sync call left out, until something does not hold. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { deleteSync, isDerived, ownSyncs, type Deletion } from '../faults/deletions.ts';
import { traceSites } from '../faults/matrix.ts';
import { formatSyncs, withTable } from '../faults/table.ts';
import { makeTemplates } from '../faults/templates.ts';
import type { Soak } from './soak.ts';

const attemptsMax = 12;

export const syncs: Soak = {
  name: 'syncs',
  about: 'each sync call left out and the power cut; prints what did not hold then',
  async run({ seed, minutes, folder, tableFile, say }) {
    const templates = await makeTemplates(folder);
    const { sites, byCaller } = await traceSites(templates, join(folder, 'traces'));
    const untilMs = performance.now() + minutes * 60_000;
    const deletions: Deletion[] = [];
    for (const site of ownSyncs(sites)) {
      const runs = join(folder, 'runs');
      const order = { site, seed, untilMs, attemptsMax, folder: runs };
      const deletion = await deleteSync(templates, byCaller, order);
      deletions.push(deletion);
      say(`${site.name}, ${deletion.attempts} runs: ${deletion.found ?? 'everything held'}`);
    }
    const table = formatSyncs(deletions);
    for (const line of table.split('\n')) say(line);
    if (tableFile !== null) {
      writeFileSync(tableFile, withTable(readFileSync(tableFile, 'utf8'), 'syncs', table));
    }
    const findings = deletions
      .filter(({ site, found }) => found === null && !isDerived(site))
      .map(({ site }) => `nothing needs ${site.name}`);
    const runs = deletions.reduce((sum, { attempts }) => sum + attempts, 0);
    return { counts: { syncs: deletions.length, runs }, findings };
  },
};
