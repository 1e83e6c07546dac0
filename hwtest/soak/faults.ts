/** The whole table of sites × faults. */
import { readFileSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';

import { allCases, runCases, traceSites, type CaseResult } from '../faults/matrix.ts';
import { formatTable, withTable } from '../faults/table.ts';
import { makeTemplates } from '../faults/templates.ts';
import type { Soak } from './soak.ts';

export const faults: Soak = {
  name: 'faults',
  about: 'every fault at every call that changes the disk; prints the table of outcomes',
  async run({ seed, minutes, folder, tableFile, say }) {
    const templates = await makeTemplates(folder);
    const { sites } = await traceSites(templates, join(folder, 'traces'));
    const cases = allCases(sites, seed);
    const results = await runCases(templates, cases, {
      folder: join(folder, 'runs'),
      lanes: availableParallelism(),
      untilMs: performance.now() + minutes * 60_000,
      onResult: (result, done, of) => {
        say(`${done}/${of} ${lineOf(result)}`);
        for (const problem of result.problems) say(`problem: ${problem}`);
      },
    });
    const table = formatTable(results);
    for (const line of table.split('\n')) say(line);
    const findings = results.flatMap((result) =>
      result.problems.map((problem) => `${lineOf(result)}: ${problem}`),
    );
    const left = cases.length - results.length;
    if (left > 0) findings.push(`the time was over with ${left} of ${cases.length} runs to do`);
    else if (tableFile !== null) {
      writeFileSync(tableFile, withTable(readFileSync(tableFile, 'utf8'), 'faults', table));
    }
    const receipts = results.reduce((sum, result) => sum + result.receipts, 0);
    return { counts: { sites: sites.length, runs: results.length, receipts }, findings };
  },
};

function lineOf({ case: { site, fault, start, nth }, end, receipts }: CaseResult): string {
  return `${site.name}, ${fault} at passage ${nth} from "${start}": ${end}, ${receipts} receipts`;
}
