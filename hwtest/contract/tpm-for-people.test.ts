/** The contracts of CredentialActivation and TpmExaminer: what people ask of a TPM. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';

import { CREDENTIAL_RANDOMNESS_SIZE_BYTES, makeCredential } from '@kudurru/proof';
import type { TpmCredential } from '@kudurru/proof';
import { after, before, it } from 'mocha';

import { DeviceError } from '../../daemon/src/hardware/device-error.ts';
import { type AttestationBench, attestationBackends } from './attestation-backends.ts';
import { ledgerId, nameOf, sha256, timeoutMs } from './attestation-checks.ts';
import { describeContract } from './suite.ts';

const secret = sha256('what the auditor keeps');

for (const backend of attestationBackends) {
  describeContract('TPM for people', backend, () => {
    let bench: AttestationBench;
    before(async () => {
      bench = await backend.make();
      await bench.device.provision(ledgerId, timeoutMs);
    });
    after(() => bench.close());

    activates(() => bench);
    examines(() => bench);
  });
}

function activates(bench: () => AttestationBench): void {
  const credentialFor = async (akName?: Uint8Array): Promise<TpmCredential> => {
    const { ekPublic, akPublic } = await bench().device.describe(timeoutMs);
    return makeCredential({
      ekPublic,
      akName: akName ?? nameOf(akPublic),
      secret,
      randomness: Uint8Array.from(randomBytes(CREDENTIAL_RANDOMNESS_SIZE_BYTES)),
    });
  };
  const refused = (error: unknown): boolean =>
    error instanceof DeviceError && error.code === 'credential-refused';

  it('opens the credential for its attestation key, again and again', async () => {
    const { device } = bench();
    const credential = await credentialFor();
    for (let i = 0; i < 5; i += 1) {
      assert.deepEqual(await device.activateCredential(credential, timeoutMs), secret);
    }
  });

  it('refuses one for another key, and one that was altered, and goes on', async () => {
    const { device } = bench();
    const other = await credentialFor(nameOf(sha256('another key')));
    await assert.rejects(device.activateCredential(other, timeoutMs), refused);
    const good = await credentialFor();
    for (const name of ['credentialBlob', 'encryptedSecret'] as const) {
      for (const at of [0, 1, Math.floor(good[name].length / 2), good[name].length - 1]) {
        const bytes = good[name].slice();
        bytes[at] = (bytes[at] ?? 0) ^ 1;
        const altered = { ...good, [name]: bytes };
        await assert.rejects(
          device.activateCredential(altered, timeoutMs),
          refused,
          `${name} ${at}`,
        );
      }
    }
    assert.deepEqual(await device.activateCredential(good, timeoutMs), secret);
  });
}

function examines(bench: () => AttestationBench): void {
  it('says what it is and how it is, and measures each command', async () => {
    const { device } = bench();
    const found = await device.examine({ runs: 3, wear: false }, timeoutMs);
    const description = await device.describe(timeoutMs);
    assert.equal(found.label, description.label);
    assert.equal(found.manufacturer, description.manufacturer);
    assert.match(found.firmware, /^\d+\.\d+\.\d+\.\d+$/);
    assert.deepEqual(
      found.checks.filter(({ outcome }) => outcome === 'bad'),
      [],
    );
    const names = found.checks.map(({ name }) => name);
    for (const name of ['self-test', 'P-256', 'SHA-256 PCRs', 'NV counters', 'lockout', 'clock']) {
      assert(names.includes(name), name);
    }
    const operations = found.latencies.map(({ operation }) => operation);
    for (const operation of ['Sign', 'GetTime', 'NV_Certify', 'Quote', 'NV_Read']) {
      assert(operations.includes(operation), operation);
    }
    for (const { runs, p50Ms, p99Ms, longestMs } of found.latencies) {
      assert.equal(runs, 3);
      assert(p50Ms > 0 && p50Ms <= p99Ms && p99Ms <= longestMs);
    }
  });

  it('leaves counter, index and anchor PCR alone, wear or not', async () => {
    const { device } = bench();
    const before = await device.readRegisters(timeoutMs);
    const worn = await device.examine({ runs: 2, wear: true }, timeoutMs);
    const operations = worn.latencies.map(({ operation }) => operation);
    assert(operations.includes('NV_Increment') && operations.includes('NV_Extend'));
    const { counter, pcr, extend } = await device.readRegisters(timeoutMs);
    const { counter: counterBefore, pcr: pcrBefore, extend: extendBefore } = before;
    assert.deepEqual(
      { counter, pcr, extend },
      {
        counter: counterBefore,
        pcr: pcrBefore,
        extend: extendBefore,
      },
    );
  });
}
