/**
 * The boots that the token's PIN opens in: what this boot shows, and a newly approved one taken in.
 * With the daemon stopped; neither journal nor devices are changed.
 */
import { equalBytes } from '@kudurru/proof';

import { KudurruError } from '../base/errors.ts';
import type { Log } from '../base/log.ts';
import { beginLedger } from '../compose/begin-ledger.ts';
import { Devices } from '../compose/devices.ts';
import type { Configuration } from '../config/load.ts';
import { prepareStateFolder } from '../config/state-folder.ts';
import type { SealedPin } from '../hardware/token-pin.ts';
import type { ApprovedBoot } from './boot-file.ts';

export interface PinBootOptions {
  readonly configuration: Configuration;
  readonly log: Log;
}

/** @throws KudurruError `pin-not-sealed`, `not-found`, those of the state folder and of devices */
export async function readPinBoot(options: PinBootOptions): Promise<SealedPin> {
  return whileStopped(options, readSealed);
}

/** @throws KudurruError `approval-invalid`, `ledger-mismatch`, and those of `readPinBoot` */
export async function acceptBoot(boot: ApprovedBoot, options: PinBootOptions): Promise<SealedPin> {
  return whileStopped(options, async (devices, timeoutMs) => {
    const { ledgerId } = await readSealed(devices, timeoutMs);
    if (!equalBytes(boot.ledgerId, ledgerId)) {
      throw new KudurruError(
        'ledger-mismatch',
        'boot not approved: the approval is for another ledger',
      );
    }
    const { values, signature } = boot;
    await devices.pin.approveBoot({ values, signature }, timeoutMs);
    return readSealed(devices, timeoutMs);
  });
}

async function readSealed(devices: Devices, timeoutMs: number): Promise<SealedPin> {
  const pin = await devices.pin.describePin(timeoutMs);
  if (pin.kind === 'sealed') return pin;
  throw new KudurruError(
    'pin-not-sealed',
    `no boot to approve: the token's PIN is in '${pin.path}' and not sealed, as where a ledger ` +
      'was founded without "kudurru provision"',
  );
}

async function whileStopped<Value>(
  { configuration, log }: PinBootOptions,
  work: (devices: Devices, timeoutMs: number) => Promise<Value>,
): Promise<Value> {
  prepareStateFolder(configuration.state);
  const { store } = await beginLedger({ configuration, makeRecord: noLedger, log });
  const devices = new Devices(configuration, log);
  try {
    return await work(devices, configuration.settings.deviceTimeoutMs);
  } finally {
    await devices.close();
    await store.leave();
  }
}

function noLedger(): never {
  throw new KudurruError('not-found', 'no boot to approve: the state folder has no ledger yet');
}
