/**
 * The contract of AttestationDevice. A verifier who holds only the bytes could check the same:
 * signatures by node:crypto, Names and qualified Names recomputed from public areas.
 */
import assert from 'node:assert/strict';
import { createHash, createPublicKey, verify, X509Certificate } from 'node:crypto';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { constants, structures } from '@kudurru/tpm2-tss';
import { after, before, it } from 'mocha';

import { checkedJsonText } from '../../daemon/src/base/checked-json.ts';
import type { AttestationDeviceDescription } from '../../daemon/src/hardware/device-description.ts';
import {
  type AttestationBackend,
  type AttestationBench,
  type TpmAbilities,
  attestationBackends,
} from './attestation-backends.ts';
import {
  assertAttestation,
  deviceError,
  ledgerId,
  nameOf,
  nonce,
  otherLedgerId,
  sha256,
  timeoutMs,
} from './attestation-checks.ts';
import { type Ability, describeContract, needs } from './suite.ts';

for (const backend of attestationBackends) contract(backend);

function contract(backend: AttestationBackend): void {
  describeContract('attestation device', backend, () => {
    let bench: AttestationBench;
    let description: AttestationDeviceDescription;
    before(async () => {
      bench = await backend.make();
      await bench.device.provision(ledgerId, timeoutMs);
      description = await bench.device.describe(timeoutMs);
    });
    after(() => bench.close());

    describesItself(backend, () => ({ bench, description }));
    attests(() => ({ bench, description }));
    belongsToOneLedger(() => bench);
    keepsItsState(() => bench);
    survives(backend, () => bench);
    resumes(() => bench);
  });
}

type Current = () => {
  readonly bench: AttestationBench;
  readonly description: AttestationDeviceDescription;
};

function describesItself(backend: AttestationBackend, current: Current): void {
  it('labels itself by its manufacturer, whatever is configured', () => {
    const { description } = current();
    assert.equal(description.label, backend.label);
    assert.notEqual(description.manufacturer, '');
  });

  it('has a restricted attestation key under the endorsement key', () => {
    const { description } = current();
    const flags = constants.objectAttribute;
    const { attributes } = structures.parsePublicArea(description.akPublic);
    const wanted =
      flags.fixedTpm |
      flags.fixedParent |
      flags.sensitiveDataOrigin |
      flags.restricted |
      flags.sign;
    assert.equal(attributes & (wanted | flags.decrypt), wanted);
    const endorsement = structures.parsePublicArea(description.ekPublic);
    const hash = endorsement.nameAlgorithm === constants.algorithm.sha384 ? 'sha384' : 'sha256';
    const digest = (...parts: Uint8Array[]): Buffer =>
      createHash(hash).update(Buffer.concat(parts)).digest();
    const prefix = Buffer.of(0x00, endorsement.nameAlgorithm);
    const ekName = Buffer.concat([prefix, digest(description.ekPublic)]);
    const hierarchy = Buffer.of(0x40, 0x00, 0x00, 0x0b);
    const ekQualified = Buffer.concat([prefix, digest(hierarchy, ekName)]);
    const expected = nameOf(Buffer.concat([ekQualified, nameOf(description.akPublic)]));
    assert.deepEqual(Buffer.from(description.akQualifiedName), expected);
  });

  it('carries the certificate of its endorsement key', () => {
    const { description } = current();
    const [first] = description.ekCertificates;
    assert(first);
    const certified = new X509Certificate(first).publicKey.export({ format: 'jwk' });
    const { key } = structures.parsePublicArea(description.ekPublic);
    const own = 'x' in key ? key.x : key.modulus;
    assert.equal(certified.x ?? certified.n, Buffer.from(own).toString('base64url'));
  });

  it('certifies that the checkpoint key was made in it, for this ledger', () => {
    const { description } = current();
    const creation = description.checkpointKeyCreation;
    const { attested } = assertAttestation(creation, {
      description,
      type: constants.attestType.creation,
      extraData: ledgerId,
    });
    assert.deepEqual(creation.creationHash, sha256(creation.creationData));
    // TPMS_CREATION_INFO: the object's Name and the creation hash, each with its length.
    const name = nameOf(description.checkpointKeyPublic);
    const info = [Buffer.of(0, 34), name, Buffer.of(0, 32), creation.creationHash];
    assert.deepEqual(Buffer.from(attested), Buffer.concat(info));
    const outsideInfo = creation.creationData.subarray(-32);
    assert.deepEqual(outsideInfo, ledgerId);
    const flags = constants.objectAttribute;
    const { attributes } = structures.parsePublicArea(description.checkpointKeyPublic);
    const wanted = flags.fixedTpm | flags.fixedParent | flags.sensitiveDataOrigin | flags.sign;
    assert.equal(attributes & (wanted | flags.restricted | flags.decrypt), wanted);
  });

  it('has a plain counter whose Name is the digest of its public area', () => {
    const { description } = current();
    const area = structures.parseNvPublic(description.counterPublic);
    const flags = constants.nvAttribute;
    assert.equal(area.attributes & 0xf0, flags.typeCounter);
    assert.equal(area.attributes & flags.orderly, 0);
    assert.equal(area.attributes & flags.written, flags.written);
    assert.equal(area.dataSize, 8);
    assert.deepEqual(Buffer.from(description.counterName), nameOf(description.counterPublic));
    assert(description.counterBase >= 1n);
  });
}

function attests(current: Current): void {
  it('brackets time: a clock that does not go back, with the caller’s data', async () => {
    const { bench, description } = current();
    const type = constants.attestType.time;
    const clocks: bigint[] = [];
    for (const extraData of [nonce, sha256('the next')]) {
      const made = await bench.device.bracket(extraData, timeoutMs);
      clocks.push(assertAttestation(made, { description, type, extraData }).clockInfo.clockMs);
    }
    assert((clocks[0] ?? 0n) <= (clocks[1] ?? 0n));
  });

  it('certifies and increments the counter, one at a time', async () => {
    const { bench, description } = current();
    const read = async (): Promise<bigint> => {
      const made = await bench.device.certifyCounter(nonce, timeoutMs);
      const type = constants.attestType.nv;
      const { attested } = assertAttestation(made, { description, type, extraData: nonce });
      const info = structures.parseNvCertifyInfo(attested);
      assert.deepEqual(info.name, description.counterName);
      assert.equal(info.offset, 0);
      assert.equal(Buffer.from(info.contents).readBigUInt64BE(), made.value);
      return made.value;
    };
    const before = await read();
    assert.equal(await read(), before);
    assert.equal(await bench.device.incrementCounter(timeoutMs), before + 1n);
    assert.equal(await read(), before + 1n);
  });

  it('signs a checkpoint with the key whose SubjectPublicKeyInfo it gives', async () => {
    const { bench, description } = current();
    const message = Buffer.from('log.example/1\n7\nAAAA\n');
    const signature = await bench.device.signCheckpoint(message, timeoutMs);
    const spki = {
      key: Buffer.from(description.checkpointKeySpki),
      format: 'der',
      type: 'spki',
    } as const;
    const key = { key: createPublicKey(spki), dsaEncoding: 'ieee-p1363' } as const;
    assert.equal(signature.length, 64);
    assert(verify('sha256', message, key, signature));
    assert(!verify('sha256', Buffer.from('log.example/1\n8\nAAAA\n'), key, signature));
  });

  it('answers calls made at the same time', async () => {
    const { bench, description } = current();
    const type = constants.attestType.time;
    const each = Array.from({ length: 20 }, (_, i) => sha256(`call ${i}`));
    const made = await Promise.all(each.map((data) => bench.device.bracket(data, timeoutMs)));
    made.forEach((attestation, i) => {
      assertAttestation(attestation, { description, type, extraData: each[i] ?? nonce });
    });
  });
}

function belongsToOneLedger(bench: () => AttestationBench): void {
  it('is provisioned again without a change', async () => {
    const before = await bench().device.describe(timeoutMs);
    await bench().device.provision(ledgerId, timeoutMs);
    const after = await bench().device.describe(timeoutMs);
    assert.deepEqual({ ...after, clock: undefined }, { ...before, clock: undefined });
  });

  it('refuses another ledger: by its stored keys', async () => {
    const attempt = bench().device.provision(otherLedgerId, timeoutMs);
    await assert.rejects(attempt, deviceError('device-holds-another-ledger'));
  });

  it('refuses another ledger: by the counter in the TPM', async () => {
    const { settings, open } = bench();
    const { device, close } = await open({ ...settings, folder: `${settings.folder}-empty` });
    const attempt = device.provision(otherLedgerId, timeoutMs);
    await assert.rejects(attempt, deviceError('device-holds-another-ledger'));
    await close();
  });

  it('refuses its own ledger when the stored keys are lost', async () => {
    const { settings, open } = bench();
    const { device, close } = await open({ ...settings, folder: `${settings.folder}-empty` });
    const attempt = device.provision(ledgerId, timeoutMs);
    await assert.rejects(attempt, deviceError('device-mismatch'));
    await close();
  });
}

/** `stored` with one base64 character of a field exchanged for another, whatever it was. */
function otherCharacter(stored: string, field: string, position: number): string {
  const pattern = new RegExp(`("${field}": ".{${position}})(.)`);
  return stored.replace(pattern, (_, before: string, character: string) => {
    return `${before}${character === '/' ? 'A' : '/'}`;
  });
}

function keepsItsState(bench: () => AttestationBench): void {
  it('refuses stored keys that were altered', async () => {
    const { settings, open } = bench();
    const folder = `${settings.folder}-altered`;
    const stored = readFileSync(join(settings.folder, 'tpm.json'), 'utf8');
    mkdirSync(folder);
    const { device, close } = await open({ ...settings, folder });
    await assert.rejects(device.bracket(nonce, timeoutMs), deviceError('device-mismatch'));
    const cases: [string, string][] = [
      [stored.slice(0, -20), 'device-state-unreadable'],
      [stored.replace('"version": 2', '"version": 3'), 'device-state-unreadable'],
      [stored.replace('"stage"', '"spare": 1, "stage"'), 'device-state-unreadable'],
      [otherCharacter(stored, 'akPrivate', 60), 'device-state-unreadable'],
      [resealed(stored.replace(/"akPrivate": "..../, '"akPrivate": "AAAA')), 'device-mismatch'],
      [resealed(otherCharacter(stored, 'akPrivate', 60)), 'device-mismatch'],
      [resealed(otherCharacter(stored, 'ekPublic', 120)), 'device-mismatch'],
      [resealed(otherCharacter(stored, 'counterPublic', 30)), 'device-mismatch'],
      [resealed(otherCharacter(stored, 'extendPublic', 30)), 'device-mismatch'],
    ];
    for (const [text, code] of cases) {
      assert.notEqual(text, stored);
      writeFileSync(join(folder, 'tpm.json'), text);
      await assert.rejects(device.bracket(nonce, timeoutMs), deviceError(code), text);
    }
    await close();
    rmSync(folder, { recursive: true });
  });
}

function survives(backend: AttestationBackend, bench: () => AttestationBench): void {
  const given = (
    ability: Ability,
    title: string,
    test: (abilities: TpmAbilities) => Promise<void>,
  ): void => {
    const run = async (): Promise<void> => {
      const { abilities } = bench();
      assert(abilities);
      await test(abilities);
    };
    needs(backend, ability, { title, run });
  };

  for (const orderly of [true, false]) {
    given(
      'power-cycle',
      `works on after a ${orderly ? 'clean' : 'hard'} power cycle`,
      async (abilities) => {
        const { device } = bench();
        const before = await device.incrementCounter(timeoutMs);
        const { clock } = await device.describe(timeoutMs);
        await abilities.powerCycle(orderly);
        assert.equal(await device.incrementCounter(timeoutMs), before + 1n);
        const after = await device.describe(timeoutMs);
        assert.equal(after.clock.resetCount, clock.resetCount + 1);
        assert.equal(after.clock.safe, orderly);
      },
    );
  }

  given('power-cycle', 'is not locked out by power cuts', async (abilities) => {
    const { device } = bench();
    for (let i = 0; i < 5; i += 1) {
      await abilities.powerCycle(false);
      await device.bracket(nonce, timeoutMs);
    }
  });

  given(
    'suspend',
    'ends a call at its deadline, and has sent nothing that counts',
    async (abilities) => {
      const { device } = bench();
      const before = (await device.certifyCounter(nonce, timeoutMs)).value;
      await abilities.suspend();
      // The counter is read first. Lost increments: devices/tpm-faults.test.ts.
      const unread = device.incrementCounter(300);
      await assert.rejects(unread, deviceError('device-deadline-exceeded', false));
      const unharmed = device.bracket(nonce, 300);
      await assert.rejects(unharmed, deviceError('device-deadline-exceeded', false));
      abilities.resume();
      assert.equal((await device.certifyCounter(nonce, timeoutMs)).value, before);
      assert.equal(await device.incrementCounter(timeoutMs), before + 1n);
    },
  );

  it('says that the TPM is missing', async () => {
    const { settings, open } = bench();
    const tcti = `${settings.tcti}-none`;
    const { device, close } = await open({ ...settings, tcti });
    await assert.rejects(device.bracket(nonce, timeoutMs), deviceError('device-missing'));
    await assert.rejects(device.provision(ledgerId, timeoutMs), deviceError('device-missing'));
    await close();
  });
}

/** With a digest that fits what was altered. */
function resealed(text: string): string {
  const { sha256, ...members } = JSON.parse(text) as Record<string, unknown>;
  assert.equal(typeof sha256, 'string');
  return checkedJsonText(members);
}

/** Last, because it makes new keys: the state file is put back to what it was before them. */
function resumes(bench: () => AttestationBench): void {
  it('goes on where its provisioning was interrupted, with the same counter', async () => {
    const { device, settings } = bench();
    const path = join(settings.folder, 'tpm.json');
    const before = await device.describe(timeoutMs);
    const value = await device.incrementCounter(timeoutMs);
    const {
      version,
      ledgerId: id,
      authValue,
    } = JSON.parse(readFileSync(path, 'utf8')) as Record<string, unknown>;
    const prepared = { version, stage: 'prepared', ledgerId: id, authValue };
    writeFileSync(path, checkedJsonText(prepared));
    await device.provision(ledgerId, timeoutMs);
    const after = await device.describe(timeoutMs);
    assert.deepEqual(after.counterName, before.counterName);
    assert.equal(after.counterBase, value);
    assert.equal((await device.certifyCounter(nonce, timeoutMs)).value, value);
    assert.notDeepEqual(after.akPublic, before.akPublic);
  });
}
