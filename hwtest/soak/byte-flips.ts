/** Bytes flipped in every file of a real ledger, other ones each time round. */
import { join } from 'node:path';

import { flipBytes, flipTable, makeStoppedLedger } from '../scenarios/byte-flips.ts';
import type { Soak, SoakOptions, SoakResult } from './soak.ts';

const bytesOfLargeFile = 2000;
const msPerMinute = 60_000;

export const byteFlips: Soak = {
  name: 'byte-flips',
  about: 'flips bytes in each file of a stopped ledger; fsck names each',
  run,
};

async function run({ minutes, seed, folder, say }: SoakOptions): Promise<SoakResult> {
  const until = Date.now() + minutes * msPerMinute;
  const copy = join(folder, 'state');
  await makeStoppedLedger(copy);
  const findings: string[] = [];
  let [flipped, rounds] = [0, 0];
  do {
    const flips = await flipBytes(copy, { bytesOfLargeFile, seed: seed + rounds });
    rounds += 1;
    flipped += flips.reduce((sum, file) => sum + file.flipped, 0);
    say(flipTable(flips));
    for (const { file, missed } of flips) {
      findings.push(...missed.map((at) => `${file}: the change of byte ${at} is not found`));
    }
  } while (Date.now() < until);
  return { counts: { rounds, flipped }, findings };
}
