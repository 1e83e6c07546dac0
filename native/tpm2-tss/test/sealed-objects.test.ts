import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';

import { describe, it } from 'mocha';

import { constants, policyDigests, sealedSizeBytesMax, templates } from '../lib/index.ts';
import type { Tpm } from '../lib/index.ts';
import { digest, makeRoot, refusedWith, useTpm } from './bench.ts';

const { policyFail, badAuth } = constants.responseCode;

describe('sealed objects', function () {
  this.timeout(60_000);
  const current = useTpm();

  it('gives back what was sealed, to whoever knows its value', async () => {
    const { tpm, makeRoot: root } = current();
    const parent = await root();
    const data = Uint8Array.from(randomBytes(sealedSizeBytesMax));
    const authValue = digest('value');
    const parts = await tpm.sealed.create(parent, { data, authValue });
    const object = await tpm.keys.load(parent, parts);
    await assert.rejects(tpm.sealed.unseal(object), refusedWith(badAuth));
    await tpm.keys.setAuth(object, authValue);
    assert.deepEqual(await tpm.sealed.unseal(object), data);
  });

  it('refuses nothing and too much', async () => {
    const { tpm, makeRoot: root } = current();
    const parent = await root();
    for (const length of [0, sealedSizeBytesMax + 1]) {
      await assert.rejects(tpm.sealed.create(parent, { data: new Uint8Array(length) }), RangeError);
    }
  });

  it('opens under a policy of PCRs, until one of them moves', async () => {
    const { tpm, makeRoot: root } = current();
    const parent = await root();
    const pcrs = [0, 14];
    const values = await tpm.platform.readPcrs(pcrs);
    const authPolicy = policyDigests.withPcrs(policyDigests.empty, pcrs, values);
    const data = digest('PIN');
    const object = await tpm.keys.load(
      parent,
      await tpm.sealed.create(parent, { data, authPolicy }),
    );
    const unseal = async (): Promise<Uint8Array> => {
      const session = await tpm.sessions.startPolicy();
      await tpm.policies.pcr(session, { pcrs });
      return tpm.sealed.unseal(object, { sessions: [session] });
    };
    assert.deepEqual(await unseal(), data);
    // Its authorisation value, which is empty, opens nothing.
    await assert.rejects(tpm.sealed.unseal(object));
    await tpm.platform.extendPcr(14, digest('another boot'));
    await assert.rejects(unseal(), refusedWith(policyFail));
  });

  it('keeps data, and the value of the owner’s hierarchy, off the bus', async () => {
    const { capture } = current();
    const data = randomBytes(32);
    const authValue = randomBytes(32);
    const owner = randomBytes(32);
    const hidden = await capture((watched) =>
      useSecrets(watched, { data, authValue, owner }, true),
    );
    const shown = await capture((watched) =>
      useSecrets(watched, { data, authValue, owner }, false),
    );
    for (const secret of [data, authValue, owner]) {
      assert(!hidden.includes(secret));
      assert(shown.includes(secret));
    }
  });
});

interface Secrets {
  readonly data: Uint8Array;
  readonly authValue: Uint8Array;
  readonly owner: Uint8Array;
}

/** Seals, unseals, sets and takes back the owner's value; by salted sessions or in the clear. */
async function useSecrets(tpm: Tpm, secrets: Secrets, salted: boolean): Promise<void> {
  const { data, authValue, owner } = secrets;
  const [ekProfile] = templates.endorsementKeyProfiles;
  assert(ekProfile);
  const key = await tpm.keys.find(ekProfile.persistentHandle);
  assert(key);
  const { publicArea } = await tpm.keys.readPublic(key);
  const sessions = salted ? [await tpm.sessions.startHmac({ salt: { key, publicArea } })] : [];
  const parent = await makeRoot(tpm);
  const parts = await tpm.sealed.create(parent, { data, authValue }, { sessions });
  const object = await tpm.keys.load(parent, parts, { sessions });
  await tpm.keys.setAuth(object, authValue);
  assert.deepEqual(await tpm.sealed.unseal(object, { sessions }), Uint8Array.from(data));
  await tpm.hierarchies.changeAuth(constants.hierarchy.owner, owner, { sessions });
  await tpm.hierarchies.changeAuth(constants.hierarchy.owner, new Uint8Array(0), { sessions });
  await tpm.platform.flushLeftovers();
}
