import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { after, before, describe, it } from 'mocha';

import { startDeviceHelper } from '../../daemon/devices/client.ts';
import { type EmulatedDevices, startEmulatedDevices } from '../backends/emulated-devices.ts';
import { softhsmModule } from '../backends/softhsm.ts';
import { linkerTrace, readOpensslBindings } from './openssl-bindings.ts';

const timeoutMs = 20_000;
const ledgerId = new Uint8Array(32);

describe('OpenSSL of the device libraries', function () {
  this.timeout(60_000);
  let folder: string;
  let devices: EmulatedDevices;
  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'kudurru-'));
    devices = await startEmulatedDevices(join(folder, 'devices'));
  });
  after(async () => {
    await devices.stop();
    rmSync(folder, { recursive: true });
  });

  it('is the system’s in the device helper, for every symbol', async () => {
    const trace = join(folder, 'helper');
    mkdirSync(trace);
    const environment = { ...devices.settings.environment, ...linkerTrace(trace) };
    const helper = startDeviceHelper({ ...devices.settings, environment });
    await helper.attestationDevice.provision(ledgerId, timeoutMs);
    await helper.attestationDevice.bracket(ledgerId, timeoutMs);
    await helper.signingToken.provision(ledgerId, timeoutMs);
    await helper.signingToken.sign(ledgerId, timeoutMs);
    await helper.close();
    const { toNode, toSystem } = readOpensslBindings(trace);
    for (const [library, count] of Object.entries(toNode)) {
      assert.equal(count, 0, `${count} symbols of ${library} are node's`);
    }
    for (const [library, count] of Object.entries(toSystem)) {
      assert(
        count > 50,
        `only ${count} symbols of ${library} were seen: the trace is not complete`,
      );
    }
  });

  it('is node’s where they are loaded the plain way: the measurement can fail', () => {
    const trace = join(folder, 'plain');
    mkdirSync(trace);
    const program = fileURLToPath(new URL('plain-load.ts', import.meta.url));
    const env = { ...devices.settings.environment, ...linkerTrace(trace), LD_BIND_NOW: '1' };
    execFileSync(process.execPath, [program, softhsmModule], { env });
    const { toNode } = readOpensslBindings(trace);
    for (const [library, count] of Object.entries(toNode)) {
      assert(count > 0, `no symbol of ${library} was bound to node`);
    }
  });
});
