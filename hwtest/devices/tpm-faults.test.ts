/** The TPM device behind a proxy that refuses, delays and loses answers. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { makeCredential, parseAttest } from '@kudurru/proof';
import { constants, Tpm, TpmError, templates } from '@kudurru/tpm2-tss';
import { after, afterEach, before, it } from 'mocha';

import { TpmAttestationDevice } from '../../daemon/src/hardware/backends/tpm-attestation-device.ts';
import { DeviceError } from '../../daemon/src/hardware/device-error.ts';
import {
  type TpmSettings,
  defaultCounterIndex,
  defaultExtendIndex,
} from '../../daemon/src/hardware/device-settings.ts';
import type { ErrorCode } from '../../daemon/src/base/errors.ts';
import { type RunningSwtpm, startSwtpm } from '../backends/swtpm.ts';
import { type TpmProxy, commandCode, startTpmProxy } from '../backends/tpm-proxy.ts';
import { ledgerId, nameOf, nonce, sha256, timeoutMs } from '../contract/attestation-checks.ts';
import { describeContract } from '../contract/suite.ts';

const { nvRate, nvUnavailable, lockout } = constants.responseCode;
const retry = 0x922; // TPM_RC_RETRY: ESYS sends it again itself
const handleRefused = 0x18b; // TPM_RC_HANDLE, first handle
const firstCertificates = [0x01c00016, 0x01c0000a];

const deviceError =
  (code: ErrorCode, mayHaveChanged: boolean) =>
  (error: unknown): boolean =>
    error instanceof DeviceError &&
    error.code === code &&
    error.deviceMayHaveChanged === mayHaveChanged;

const backend = {
  name: 'swtpm behind a proxy with faults',
  label: 'emulated',
  missing: undefined,
} as const;

describeContract('TPM device with faults', backend, () => {
  let folder: string;
  let swtpm: RunningSwtpm;
  let proxy: TpmProxy;
  let settings: TpmSettings;
  let device: TpmAttestationDevice;
  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'kudurru-'));
    swtpm = await startSwtpm(folder);
    proxy = await startTpmProxy(folder, swtpm.socketPath);
    settings = {
      label: 'emulated',
      tcti: proxy.tcti,
      folder: join(folder, 'keys'),
      counterIndex: defaultCounterIndex,
      extendIndex: defaultExtendIndex,
      anchorPcr: 14,
      soleUser: true,
    };
    device = new TpmAttestationDevice(settings);
    await device.provision(ledgerId, timeoutMs);
  });
  afterEach(() => proxy.clear());
  after(async () => {
    await device.close(timeoutMs);
    await proxy.stop();
    await swtpm.stop();
    rmSync(folder, { recursive: true });
  });

  for (const [name, code] of Object.entries({ nvRate, nvUnavailable, retry })) {
    it(`does what was refused with ${name} after a pause`, async () => {
      await device.bracket(nonce, timeoutMs);
      proxy.add({ command: commandCode.nvCertify, kind: { answer: code }, times: 2 });
      const sentBefore = proxy.count(commandCode.nvCertify);
      assert.equal((await device.certifyCounter(nonce, timeoutMs)).signature.length, 64);
      assert.equal(proxy.count(commandCode.nvCertify) - sentBefore, 3);
    });
  }

  it('gives up before its deadline where the refusal lasts, and says the TPM’s words', async () => {
    proxy.add({ command: commandCode.getTime, kind: { answer: lockout }, times: 100 });
    await assert.rejects(device.bracket(nonce, 1500), (error) => {
      assert(error instanceof DeviceError);
      assert.equal(error.code, 'device-refused');
      assert.match(error.message, /lockout/i);
      return true;
    });
  });

  it('increments once, whatever a refusal says', async () => {
    const before = (await device.certifyCounter(nonce, timeoutMs)).value;
    proxy.add({ command: commandCode.nvIncrement, kind: { answer: nvRate }, times: 2 });
    assert.equal(await device.incrementCounter(timeoutMs), before + 1n);
    // A TPM that did it and says that it did not.
    const lie = (response: Buffer): Buffer => {
      const changed = Buffer.alloc(10);
      changed.writeUInt16BE(0x8001, 0);
      changed.writeUInt32BE(10, 2);
      changed.writeUInt32BE(response.readUInt32BE(6) === 0 ? nvRate : 0, 6);
      return changed;
    };
    proxy.add({ command: commandCode.nvIncrement, kind: { rewrite: lie } });
    assert.equal(await device.incrementCounter(timeoutMs), before + 2n);
  });

  it('sends no increment again whose answer was lost, and says what may have changed', async () => {
    const before = (await device.certifyCounter(nonce, timeoutMs)).value;
    proxy.add({ command: commandCode.nvIncrement, kind: 'lost-after' });
    const late = device.incrementCounter(700);
    await assert.rejects(late, deviceError('device-deadline-exceeded', true));
    assert.equal((await device.certifyCounter(nonce, timeoutMs)).value, before + 1n);
    proxy.add({ command: commandCode.nvIncrement, kind: 'lost-before' });
    const never = device.incrementCounter(700);
    await assert.rejects(never, deviceError('device-deadline-exceeded', true));
    assert.equal((await device.certifyCounter(nonce, timeoutMs)).value, before + 1n);
  });

  it('refuses a TPM that has found a fault in itself', async () => {
    const failing = new TpmAttestationDevice(settings);
    proxy.add({ command: commandCode.getTestResult, kind: { rewrite: withTestResult(0x101) } });
    const attempt = failing.bracket(nonce, timeoutMs);
    await assert.rejects(attempt, deviceError('device-unfit', false));
    await failing.close(timeoutMs);
  });

  it('refuses a TPM without P-256', async () => {
    const failing = new TpmAttestationDevice(settings);
    proxy.add({
      command: commandCode.getCapability,
      when: (command) => command.readUInt32BE(10) === constants.capability.eccCurves,
      kind: { rewrite: (response) => replaceCurve(response, constants.curve.p256) },
    });
    const attempt = failing.bracket(nonce, timeoutMs);
    await assert.rejects(attempt, deviceError('device-unfit', false));
    await failing.close(timeoutMs);
  });

  it('answers a challenge with an RSA endorsement key, by its policy', async () => {
    const rsa = new TpmAttestationDevice({
      ...settings,
      folder: join(folder, 'rsa-keys'),
      counterIndex: defaultCounterIndex + 16,
      extendIndex: defaultExtendIndex + 16,
    });
    // As if only the RSA key had a certificate.
    proxy.add({
      command: commandCode.nvReadPublic,
      when: (command) => firstCertificates.includes(command.readUInt32BE(10)),
      kind: { answer: handleRefused },
      times: 100,
    });
    await rsa.provision(ledgerId, timeoutMs);
    const { ekPublic, akPublic } = await rsa.describe(timeoutMs);
    const found = await rsa.examine({ runs: 1, wear: false }, timeoutMs);
    assert(found.quirks.some(({ name }) => name === 'rsa-endorsement-only'));
    const secret = sha256('kept by the auditor');
    const randomness = new Uint8Array(96).fill(7);
    const akName = nameOf(akPublic);
    const credential = await makeCredential({ ekPublic, akName, secret, randomness });
    for (let i = 0; i < 4; i += 1) {
      assert.deepEqual(await rsa.activateCredential(credential, timeoutMs), secret);
    }
    await rsa.close(timeoutMs);
  });

  it('signs with its own key where the TPM is reset between the loadings of two', async () => {
    const { akQualifiedName } = await device.describe(timeoutMs);
    await device.close(timeoutMs);
    const reset = async (): Promise<'goes on'> => {
      await swtpm.powerCycle(false);
      return 'goes on';
    };
    proxy.add({ command: commandCode.load, after: 1, kind: { before: reset } });
    const quoted = await device.quote({ pcrs: [14], qualifyingData: nonce }, timeoutMs);
    assert.deepEqual(parseAttest(quoted.attest).qualifiedSigner, akQualifiedName);
  });

  it('certifies its checkpoint key with its own key where the TPM is reset before', async () => {
    const fresh = new TpmAttestationDevice({
      ...settings,
      folder: join(folder, 'reset-keys'),
      counterIndex: defaultCounterIndex + 32,
      extendIndex: defaultExtendIndex + 32,
    });
    const before = async (): Promise<'goes on'> => {
      await swtpm.powerCycle(false);
      return 'goes on';
    };
    proxy.add({ command: commandCode.load, after: 1, kind: { before } });
    await assert.rejects(
      fresh.provision(ledgerId, timeoutMs),
      deviceError('device-refused', false),
    );
    await fresh.provision(ledgerId, timeoutMs);
    const { checkpointKeyCreation, akQualifiedName } = await fresh.describe(timeoutMs);
    const { qualifiedSigner } = parseAttest(checkpointKeyCreation.attest);
    assert.deepEqual(qualifiedSigner, akQualifiedName);
    await fresh.close(timeoutMs);
  });

  it('measures no wear where the owner’s authorisation is with the operators', async () => {
    const { owner } = constants.hierarchy;
    const value = sha256('handed over');
    const tpm = await Tpm.open(proxy.tcti);
    await tpm.hierarchies.changeAuth(owner, value);
    const found = await device.examine({ runs: 1, wear: true }, timeoutMs);
    assert(found.checks.some(({ name, outcome }) => name === 'wear' && outcome === 'poor'));
    assert(!found.latencies.some(({ operation }) => operation === 'NV_Increment'));
    await tpm.hierarchies.changeAuth(owner, new Uint8Array(0));
    const again = await device.examine({ runs: 1, wear: true }, timeoutMs);
    assert(again.latencies.some(({ operation }) => operation === 'NV_Increment'));
    tpm.close();
  });

  it('salts no session to a key that somebody put in place of the known one', async () => {
    const [first, , last] = templates.endorsementKeyProfiles;
    assert(first && last);
    const honest = await Tpm.open(proxy.tcti);
    const known = await honest.keys.find(first.persistentHandle);
    assert(known);
    const { publicArea } = await honest.keys.readPublic(known);
    const session = await honest.sessions.startHmac({ salt: { key: known, publicArea } });
    await honest.sessions.flush(session);
    honest.close();
    // Whoever sits on the bus answers with another key of this very TPM, Name and all.
    proxy.add({
      command: commandCode.readPublic,
      when: (command) => command.writeUInt32BE(last.persistentHandle, 10) > 0,
      kind: { rewrite: (response) => response },
      times: 1,
    });
    const tpm = await Tpm.open(proxy.tcti);
    const key = await tpm.keys.find(first.persistentHandle);
    assert(key);
    await assert.rejects(
      tpm.sessions.startHmac({ salt: { key, publicArea } }),
      (error) => error instanceof TpmError && error.failure === 'untrusted-key',
    );
    tpm.close();
  });
});

/** TPM2_GetTestResult answers size, bytes, result (Part 3 §10.4). */
function withTestResult(result: number): (response: Buffer) => Buffer {
  return (response) => {
    response.writeUInt32BE(result, response.length - 4);
    return response;
  };
}

/** TPMI_YES_NO, TPM_CAP, count, curves of two bytes. */
function replaceCurve(response: Buffer, curve: number): Buffer {
  const count = response.readUInt32BE(15);
  for (let i = 0; i < count; i += 1) {
    const at = 19 + 2 * i;
    if (response.readUInt16BE(at) === curve) response.writeUInt16BE(0x7fff, at);
  }
  return response;
}
