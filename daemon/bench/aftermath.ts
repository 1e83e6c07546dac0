/** What must hold once the load is over; anything that does not fails the run. */
import { execFile } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { join } from 'node:path';
import { promisify } from 'node:util';

import { parseTrustPolicy, verify, type TrustPolicy } from '@kudurru/proof';

import type { House } from './house.ts';
import { proveReceipts, type ProvenReceipts } from './proofs.ts';
import { drawReceipts } from './receipts.ts';

const RECEIPTS_PROVEN = 1000;
const BUNDLES_VERIFIED = 5;
const commandProgram = join(import.meta.dirname, '..', 'cli', 'kudurru.ts');

/** Evidence bundles of actions drawn at random, made by the daemon and verified. @throws Error */
export async function verifyBundles(
  { control }: House,
  receiptFiles: readonly string[],
): Promise<number> {
  const asExported = parseTrustPolicy(JSON.stringify(await control.get('/v1/trust-policy')));
  // What the emulated devices and a clock that nothing checks can show, and no less.
  const policy: TrustPolicy = {
    ...asExported,
    acceptLabels: ['emulated'],
    minimumTimeLevel: 'UNKNOWN',
  };
  const receipts = drawReceipts(receiptFiles, BUNDLES_VERIFIED);
  for (const { firstIndex, count } of receipts) {
    const index = Number(firstIndex) + 1 + randomInt(count);
    const bundle = await control.postForBytes('/v1/bundles', { index, disclose: true });
    const { overall, checks } = await verify(bundle, policy);
    if (overall === 'VALID') continue;
    const failed = checks.filter(({ outcome }) => outcome !== 'pass').map(({ text }) => text);
    throw new Error(`bundle of entry ${index} is ${overall}: ${failed.join('; ')}`);
  }
  return receipts.length;
}

/** A thousand receipts against the published files. The daemon has stopped. @throws Error */
export async function proveAfterwards(
  state: string,
  receiptFiles: readonly string[],
  stop: AbortSignal,
): Promise<ProvenReceipts> {
  return proveReceipts(state, drawReceipts(receiptFiles, RECEIPTS_PROVEN), stop);
}

/** `kudurru fsck` over the whole state, search index included. @throws Error with what it found */
export async function checkState(state: string, stop: AbortSignal): Promise<void> {
  await promisify(execFile)(
    process.execPath,
    [commandProgram, 'fsck', '--state', state, '--strict', '--json'],
    { signal: stop, maxBuffer: 2 ** 24 },
  );
}
