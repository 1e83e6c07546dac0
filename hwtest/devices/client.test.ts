import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { after, before, describe, it } from 'mocha';

import { startDeviceHelper } from '../../daemon/devices/client.ts';
import { DeviceError } from '../../daemon/src/hardware/device-error.ts';
import { type EmulatedDevices, startEmulatedDevices } from '../backends/emulated-devices.ts';
import { isGone, resumeProcess, suspendProcess } from '../backends/process-state.ts';
import { killOwner, startOwner } from './owned-process.ts';

const timeoutMs = 20_000;
const ledgerId = new Uint8Array(32);

function lost(mayHaveChanged: boolean): (error: unknown) => boolean {
  return (error) => {
    assert(error instanceof DeviceError, String(error));
    assert.equal(error.code, 'device-helper-lost', error.message);
    assert.equal(error.deviceMayHaveChanged, mayHaveChanged, error.message);
    return true;
  };
}

describe('device helper', function () {
  this.timeout(60_000);
  let folder: string;
  let devices: EmulatedDevices;
  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'kudurru-'));
    devices = await startEmulatedDevices(folder);
    const helper = startDeviceHelper(devices.settings);
    await helper.attestationDevice.provision(ledgerId, timeoutMs);
    await helper.signingToken.provision(ledgerId, timeoutMs);
    await helper.close();
    assert.equal(await helper.ended, undefined);
  });
  after(async () => {
    await devices.stop();
    rmSync(folder, { recursive: true });
  });

  it('ends every pending and later call when it is killed', async () => {
    const helper = startDeviceHelper(devices.settings);
    await helper.attestationDevice.describe(timeoutMs);
    // Stopped first, so that no answer can come before its end.
    await suspendProcess(helper.pid);
    const pending = [
      assert.rejects(helper.attestationDevice.incrementCounter(timeoutMs), lost(true)),
      assert.rejects(helper.attestationDevice.bracket(ledgerId, timeoutMs), lost(false)),
      assert.rejects(helper.signingToken.sign(ledgerId, timeoutMs), lost(false)),
    ];
    process.kill(helper.pid, 'SIGKILL');
    await Promise.all(pending);
    await assert.rejects(helper.signingToken.sign(ledgerId, timeoutMs), lost(false));
    assert.equal((await helper.ended)?.code, 'device-helper-lost');
    await helper.close();
  });

  it('ends a call at its deadline when it does not answer', async () => {
    const helper = startDeviceHelper(devices.settings);
    await suspendProcess(helper.pid);
    const check = (error: unknown): boolean =>
      error instanceof DeviceError &&
      error.code === 'device-deadline-exceeded' &&
      error.deviceMayHaveChanged;
    await assert.rejects(helper.attestationDevice.incrementCounter(50), check);
    resumeProcess(helper.pid);
    await helper.close();
  });

  it('dies with a daemon that is killed, even while it is stuck; the TPM lives on', async () => {
    const owned = await startOwner({ helper: devices.settings });
    // A stopped process runs no code of its own: only the kernel can end it.
    await suspendProcess(owned.pid);
    await killOwner(owned);
    assert(await isGone(owned.pid));
    const helper = startDeviceHelper(devices.settings);
    const { clock } = await helper.attestationDevice.describe(timeoutMs);
    assert(clock.safe);
    await helper.close();
  });

  it('leaves nothing loaded in the TPM that keeps out its successors', async () => {
    for (let i = 0; i < 5; i += 1) {
      const helper = startDeviceHelper(devices.settings);
      await helper.attestationDevice.bracket(ledgerId, timeoutMs);
      process.kill(helper.pid, 'SIGKILL');
      await helper.ended;
    }
  });

  it('closes twice, and refuses calls after it', async () => {
    const helper = startDeviceHelper(devices.settings);
    await Promise.all([helper.close(), helper.close()]);
    await assert.rejects(helper.attestationDevice.describe(timeoutMs), lost(false));
  });

  it('is not started by hand', () => {
    const program = fileURLToPath(new URL('../../daemon/devices/main.ts', import.meta.url));
    const { status, stderr } = spawnSync(process.execPath, [program], { encoding: 'utf8' });
    assert.equal(status, 2);
    assert.match(stderr, /started by kudurrud/);
  });
});
