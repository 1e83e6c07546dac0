/**
 * A process that owns devices, for tests that end it the hard way. Told over IPC what to start: a
 * device helper for given settings, or the emulators of a folder. Answers with the pid and waits.
 */
import { startDeviceHelper } from '../../daemon/devices/client.ts';
import type { DeviceSettings } from '../../daemon/src/hardware/device-settings.ts';
import { startSwtpm } from '../backends/swtpm.ts';

export type OwnerOrder = { readonly helper: DeviceSettings } | { readonly swtpm: string };

// A listener that stays keeps the channel, and so this process, alive until it is killed.
process.on('message', (order: OwnerOrder) => {
  void start(order).then((pid) => process.send?.(pid));
});

async function start(order: OwnerOrder): Promise<number> {
  if ('swtpm' in order) return (await startSwtpm(order.swtpm)).pid;
  const helper = startDeviceHelper(order.helper);
  await helper.attestationDevice.describe(20_000);
  return helper.pid;
}
