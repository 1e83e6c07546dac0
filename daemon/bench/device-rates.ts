/**
 * How fast the devices are, through the device helper, as the daemon asks them, with nobody else
 * asking: signatures of checkpoints, and each operation that `kudurru tpm doctor` measures.
 */
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';

import { startEmulatedDevices } from '../../hwtest/backends/emulated-devices.ts';
import { startDeviceHelper, type DeviceHelper } from '../devices/client.ts';
import type { TpmLatency } from '../src/hardware/tpm-examination.ts';

export interface DeviceRates {
  readonly tpmSignaturesPerSecond: number;
  readonly tokenSignaturesPerSecond: number;
  readonly operations: readonly TpmLatency[];
}

const signatures = 500;
const runs = 100;
const timeoutMs = 60_000;

/** @throws DeviceError */
export async function measureDevices(folder: string): Promise<DeviceRates> {
  const devices = await startEmulatedDevices(join(folder, 'devices-alone'));
  const helper = startDeviceHelper(devices.settings);
  try {
    const ledgerId = new Uint8Array(randomBytes(32));
    await helper.attestationDevice.provision(ledgerId, timeoutMs);
    await helper.signingToken.provision(ledgerId, timeoutMs);
    return await measure(helper);
  } finally {
    await helper.close();
    await devices.stop();
  }
}

async function measure({ attestationDevice, signingToken }: DeviceHelper): Promise<DeviceRates> {
  const note = new Uint8Array(randomBytes(200));
  return {
    tpmSignaturesPerSecond: await rateOf(() => attestationDevice.signCheckpoint(note, timeoutMs)),
    tokenSignaturesPerSecond: await rateOf(() => signingToken.sign(note, timeoutMs)),
    operations: (await attestationDevice.examine({ runs, wear: true }, timeoutMs)).latencies,
  };
}

async function rateOf(sign: () => Promise<unknown>): Promise<number> {
  await sign();
  const startedMs = performance.now();
  for (let turn = 0; turn < signatures; turn += 1) await sign();
  return (1000 * signatures) / (performance.now() - startedMs);
}
