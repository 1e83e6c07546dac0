/**
 * Runs kill cycles by themselves: a line a cycle, a summary, exit code 1 where anything that was
 * acknowledged is not there. `--ignore-sync` takes the disk's syncs away: then it must be 1.
 */
import { existsSync } from 'node:fs';
import { parseArgs } from 'node:util';

import { runKillCycles } from './kill-cycles.ts';

const { values } = parseArgs({
  options: {
    cycles: { type: 'string', default: '200' },
    agents: { type: 'string', default: '4' },
    state: { type: 'string' },
    'ignore-sync': { type: 'boolean', default: false },
  },
});

async function main(): Promise<number> {
  const { state: folder } = values;
  const [cycles, agents] = [Number(values.cycles), Number(values.agents)];
  const isUsable = folder !== undefined && !existsSync(folder);
  if (!isUsable || !(cycles >= 1) || !(agents >= 1)) {
    process.stderr.write('use: run-kill-cycles --state NEW_FOLDER [--cycles N] [--agents N]\n');
    return 2;
  }
  const result = await runKillCycles({
    folder,
    cycles,
    agents,
    ignoreSync: values['ignore-sync'],
    onCycle: (line) => process.stdout.write(`${line}\n`),
  });
  const { receipts, actions, entries, contradictions } = result;
  process.stdout.write(
    `${result.kills} kills, ${receipts} receipts for ${actions} actions, ${entries} entries, ` +
      `contradictions: ${contradictions.length}\n`,
  );
  for (const contradiction of contradictions) process.stdout.write(`  ${contradiction}\n`);
  return contradictions.length === 0 ? 0 : 1;
}

process.exitCode = await main();
