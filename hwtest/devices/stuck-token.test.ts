/** A token whose calls do not return: the helper gives the caller an answer, and itself up. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { after, afterEach, before, describe, it } from 'mocha';

import { startDeviceHelper, type DeviceHelper } from '../../daemon/devices/client.ts';
import { DeviceError } from '../../daemon/src/hardware/device-error.ts';
import type { DeviceSettings } from '../../daemon/src/hardware/device-settings.ts';
import { buildGatedToken, type GatedCall, type GatedToken } from '../backends/gated-token.ts';
import { prepareSofthsm } from '../backends/softhsm.ts';

const timeoutMs = 20_000;
const shortMs = 500;
const ledgerId = new Uint8Array(32).fill(3);

describe('token whose calls do not return', function () {
  this.timeout(120_000);
  let folder: string;
  let gates: GatedToken;
  let settings: DeviceSettings;
  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'kudurru-'));
    const { module, tokenLabel, pinFile, environment } = await prepareSofthsm(folder, 'stuck');
    gates = buildGatedToken(folder, module);
    const none = { label: 'emulated', tcti: 'none', folder: '/none', soleUser: true } as const;
    settings = {
      tpm: { ...none, counterIndex: 0, extendIndex: 0, anchorPcr: 14 },
      token: { label: 'emulated', module: gates.module, tokenLabel, pinFile },
      environment,
    };
    const helper = startDeviceHelper(settings);
    await helper.signingToken.provision(ledgerId, timeoutMs);
    await helper.close();
  });
  afterEach(() => gates.clear());
  after(() => rmSync(folder, { recursive: true }));

  it('ends the call at its deadline, then the helper; the next one signs', async () => {
    await requireGivenUp('C_Sign');
    await requireSigns();
  });

  it('does so where the call holds up the helper itself', async () => {
    await requireGivenUp('C_SignInit');
    await requireSigns();
  });

  async function requireGivenUp(call: GatedCall): Promise<void> {
    const helper = startDeviceHelper(settings);
    await helper.signingToken.describe(timeoutMs);
    gates.stop(call, 'before');
    await assert.rejects(helper.signingToken.sign(ledgerId, shortMs), isLate);
    const end = await helper.ended;
    assert.equal(end?.code, 'device-helper-lost');
    assert.match(end?.message ?? '', /it ended with SIGKILL/u);
  }

  async function requireSigns(): Promise<void> {
    const helper: DeviceHelper = startDeviceHelper(settings);
    assert.equal((await helper.signingToken.sign(ledgerId, timeoutMs)).length, 64);
    await helper.close();
  }
});

function isLate(error: unknown): boolean {
  return (
    error instanceof DeviceError &&
    error.code === 'device-deadline-exceeded' &&
    !error.deviceMayHaveChanged
  );
}
