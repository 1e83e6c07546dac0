/** The contract of AnchorRegisters: what anchors extend, and quote. */
import assert from 'node:assert/strict';

import { extendBase, extended, parseAttest, pcrDigest } from '@kudurru/proof';
import { constants, structures } from '@kudurru/tpm2-tss';
import { after, before, it } from 'mocha';

import { DeviceError } from '../../daemon/src/hardware/device-error.ts';
import {
  type AttestationBackend,
  type AttestationBench,
  attestationBackends,
} from './attestation-backends.ts';
import {
  assertAttestation,
  ledgerId,
  nameOf,
  nonce,
  sha256,
  timeoutMs,
} from './attestation-checks.ts';
import { describeContract, needs } from './suite.ts';

const data = sha256('what an anchor extends');

for (const backend of attestationBackends) contract(backend);

function contract(backend: AttestationBackend): void {
  describeContract('anchor registers', backend, () => {
    let bench: AttestationBench;
    before(async () => {
      bench = await backend.make();
      await bench.device.provision(ledgerId, timeoutMs);
    });
    after(() => bench.close());

    isMade(() => bench);
    isExtended(() => bench);
    attests(() => bench);
    survives(backend, () => bench);
  });
}

function isMade(bench: () => AttestationBench): void {
  it('has a written extend index of 32 bytes, and a PCR that is never reset', async () => {
    const { device } = bench();
    const description = await device.describe(timeoutMs);
    assert(description.extendPublic);
    const area = structures.parseNvPublic(description.extendPublic);
    const flags = constants.nvAttribute;
    assert.equal(area.attributes & 0xf0, flags.typeExtend);
    assert.equal(area.attributes & flags.orderly, 0);
    assert.equal(area.attributes & flags.written, flags.written);
    assert.equal(area.dataSize, 32);
    assert.equal(description.pcrIndex, 14);
    const { extend, counter } = await device.readRegisters(timeoutMs);
    assert.deepEqual(extend, extendBase(ledgerId));
    assert.equal(counter, description.counterBase);
  });
}

function isExtended(bench: () => AttestationBench): void {
  it('extends PCR and index by one step, and not again where the answer was lost', async () => {
    const { device } = bench();
    const { pcr, extend } = await device.readRegisters(timeoutMs);
    assert(pcr && extend);
    for (const attempt of ['made', 'asked for again']) {
      const shownPcr = await device.extendPcr({ from: pcr, data }, timeoutMs);
      assert.deepEqual(shownPcr, extended(pcr, data), attempt);
      const shown = await device.extendIndex({ from: extend, data }, timeoutMs);
      assert.deepEqual(shown, extended(extend, data), attempt);
    }
    const registers = await device.readRegisters(timeoutMs);
    assert.deepEqual(registers.pcr, extended(pcr, data));
    assert.deepEqual(registers.extend, extended(extend, data));
  });

  it('extends nothing where another value is shown than it was told', async () => {
    const { device } = bench();
    const { pcr, extend } = await device.readRegisters(timeoutMs);
    assert.deepEqual(await device.extendPcr({ from: nonce, data }, timeoutMs), pcr);
    assert.deepEqual(await device.extendIndex({ from: nonce, data }, timeoutMs), extend);
  });
}

function attests(bench: () => AttestationBench): void {
  it('certifies the whole extend index', async () => {
    const { device } = bench();
    const description = await device.describe(timeoutMs);
    const { extend } = await device.readRegisters(timeoutMs);
    const made = await device.certifyExtend(nonce, timeoutMs);
    const type = constants.attestType.nv;
    const { attested } = assertAttestation(made, { description, type, extraData: nonce });
    const info = structures.parseNvCertifyInfo(attested);
    assert(description.extendPublic);
    assert.deepEqual(Buffer.from(info.name), nameOf(description.extendPublic));
    assert.equal(info.offset, 0);
    assert.deepEqual(info.contents, extend);
  });

  it('quotes PCRs with the values that give the digest', async () => {
    const { device } = bench();
    const description = await device.describe(timeoutMs);
    for (const pcrs of [[14], [0, 1, 2, 3, 4, 5, 6, 7, 14]]) {
      const { values, ...made } = await device.quote({ pcrs, qualifyingData: nonce }, timeoutMs);
      const type = constants.attestType.quote;
      assertAttestation(made, { description, type, extraData: nonce });
      const { attested } = parseAttest(made.attest);
      assert(attested.type === 'quote');
      assert.deepEqual(attested.selections, [{ hashAlgorithm: 0x000b, pcrs }]);
      assert.deepEqual(attested.pcrDigest, pcrDigest(values));
      assert.deepEqual(values.at(-1), (await device.readRegisters(timeoutMs)).pcr);
    }
  });
}

function survives(backend: AttestationBackend, bench: () => AttestationBench): void {
  const resets = async (): Promise<void> => {
    const { device, abilities } = bench();
    const before = await device.readRegisters(timeoutMs);
    await abilities?.powerCycle(false);
    const after = await device.readRegisters(timeoutMs);
    assert.deepEqual(after.extend, before.extend);
    assert.deepEqual(after.pcr, new Uint8Array(32));
    assert.equal(after.clock.resetCount, before.clock.resetCount + 1);
  };
  needs(backend, 'power-cycle', {
    title: 'keeps the index and not the PCR over a reset of the TPM',
    run: resets,
  });

  const loses = async (): Promise<void> => {
    const { device, abilities } = bench();
    const { pcr, extend } = await device.readRegisters(timeoutMs);
    assert(abilities && pcr && extend);
    await abilities.suspend();
    const lost = [
      device.extendPcr({ from: pcr, data }, 300),
      device.extendIndex({ from: extend, data }, 300),
    ];
    for (const each of lost) await assert.rejects(each, DeviceError);
    abilities.resume();
    // Asked for again, each is made once in all.
    assert.deepEqual(await device.extendPcr({ from: pcr, data }, timeoutMs), extended(pcr, data));
    const shown = await device.extendIndex({ from: extend, data }, timeoutMs);
    assert.deepEqual(shown, extended(extend, data));
  };
  needs(backend, 'suspend', {
    title: 'says that an extension may have been made where no answer came',
    run: loses,
  });
}
