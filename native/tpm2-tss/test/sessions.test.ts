import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';

import { describe, it } from 'mocha';

import { TpmError, constants, templates } from '../lib/index.ts';
import type { SessionHandle, Tpm } from '../lib/index.ts';
import { makeRoot, refusedWith, useTpm } from './bench.ts';

const referenceS0 = 0x918; // TPM_RC_REFERENCE_S0: the session of the first authorisation is gone

describe('TPM sessions', function () {
  this.timeout(60_000);
  const current = useTpm();

  it('are salted to every kind of endorsement key, where it is the one that is known', async () => {
    const { tpm } = current();
    for (const profile of templates.endorsementKeyProfiles) {
      const { endorsement } = constants.hierarchy;
      const template = { publicArea: profile.template };
      const { key, publicArea } = await tpm.keys.createPrimary(endorsement, template);
      const session = await tpm.sessions.startHmac({ salt: { key, publicArea } });
      assert.equal((await tpm.platform.random(32, { sessions: [session] })).length, 32);
      await tpm.sessions.flush(session);
      await tpm.keys.flush(key);
    }
  });

  it('are not salted to a key of another Name', async () => {
    const { tpm } = current();
    const [first, second] = templates.endorsementKeyProfiles;
    assert(first && second);
    const { endorsement } = constants.hierarchy;
    const known = await tpm.keys.createPrimary(endorsement, { publicArea: second.template });
    const key = await tpm.keys.find(first.persistentHandle);
    assert(key);
    const start = tpm.sessions.startHmac({ salt: { key, publicArea: known.publicArea } });
    await assert.rejects(start, (error) => {
      assert(error instanceof TpmError);
      assert.equal(error.failure, 'untrusted-key');
      assert.equal(error.mayHaveChanged, false);
      return true;
    });
    // The connection is as before.
    await tpm.platform.readClock();
  });

  it('hide both values of a command with two authorisations', async () => {
    const { capture } = current();
    const authValue = randomBytes(32);
    const run = (salted: boolean): Promise<Buffer> =>
      capture((watched) => certifyWith(watched, authValue, salted));
    assert(!(await run(true)).includes(authValue));
    assert((await run(false)).includes(authValue));
  });

  it('end with a reset of the TPM, and are started again', async () => {
    const { tpm, swtpm } = current();
    const index = await tpm.nv.defineCounter({ index: 0x01804447 });
    await tpm.nv.increment(index);
    const session = await tpm.sessions.startHmac();
    const before = await tpm.nv.readCounter(index, { sessions: [session] });
    await swtpm.powerCycle(true);
    const late = tpm.nv.readCounter(index, { sessions: [session] });
    await assert.rejects(late, refusedWith(referenceS0));
    const again = await tpm.sessions.startHmac();
    assert.equal(await tpm.nv.readCounter(index, { sessions: [again] }), before);
    await tpm.nv.undefine(index);
  });
});

/** A key with a value, used where two values are needed: each in a session of its own. */
async function certifyWith(tpm: Tpm, authValue: Uint8Array, salted: boolean): Promise<void> {
  const root = await makeRoot(tpm);
  const { publicArea } = await tpm.keys.readPublic(root);
  const salt = { key: root, publicArea };
  const both = async (): Promise<SessionHandle[]> => [
    await tpm.sessions.startHmac({ salt }),
    await tpm.sessions.startHmac({ salt, encrypt: false }),
  ];
  const sessions = salted ? await both() : [];
  const template = { publicArea: templates.attestationKeyTemplate, authValue };
  const parts = await tpm.keys.create(root, template, { sessions: sessions.slice(0, 1) });
  const key = await tpm.keys.load(root, parts, { sessions: sessions.slice(0, 1) });
  await tpm.keys.setAuth(key, authValue);
  const made = await tpm.attestations.getTime(key, new Uint8Array(32), { sessions });
  assert.equal(made.signature.length, 64);
  await tpm.platform.flushLeftovers();
}
