import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';

import { describe, it } from 'mocha';

import { Tpm, constants, templates } from '../lib/index.ts';
import { refusedWith, useTpm } from './bench.ts';

const { badAuth } = constants.responseCode;
const none = new Uint8Array(0);

describe('hierarchies', function () {
  this.timeout(60_000);
  const current = useTpm();

  it('are used by whoever knows their value', async () => {
    const { tpm, swtpm } = current();
    const { owner } = constants.hierarchy;
    const template = { publicArea: templates.storageRootKeyTemplate };
    const value = Uint8Array.from(randomBytes(32));
    await tpm.hierarchies.changeAuth(owner, value);
    const made = await tpm.keys.createPrimary(owner, template);
    await tpm.keys.flush(made.key);
    const stranger = await Tpm.open(swtpm.tcti);
    await assert.rejects(stranger.keys.createPrimary(owner, template), refusedWith(badAuth));
    await stranger.hierarchies.setAuth(owner, value);
    const session = await stranger.sessions.startHmac();
    await stranger.hierarchies.changeAuth(owner, none, { sessions: [session] });
    await stranger.platform.flushLeftovers();
    stranger.close();
    await tpm.hierarchies.setAuth(owner, none);
    await tpm.keys.flush((await tpm.keys.createPrimary(owner, template)).key);
  });

  it('say what the TPM can do, and that it is well', async () => {
    const { tpm } = current();
    assert.equal(await tpm.platform.testResult(), 0);
    const curves = await tpm.platform.curves();
    assert(curves.includes(constants.curve.p256) && curves.includes(constants.curve.p384));
    const banks = await tpm.platform.pcrBanks();
    const all = Array.from({ length: 24 }, (_, pcr) => pcr);
    assert.deepEqual(banks.get(constants.algorithm.sha256), all);
  });

  it('are emptied by Clear: the counter goes on, the clock begins anew', async () => {
    const { tpm } = current();
    const before = await tpm.nv.defineCounter({ index: 0x01804448 });
    await tpm.nv.increment(before);
    const last = await tpm.nv.readCounter(before);
    await tpm.hierarchies.clearTpm();
    assert.equal(await tpm.nv.find(0x01804448), undefined);
    const clock = await tpm.platform.readClock();
    assert.equal(clock.resetCount, 0);
    const after = await tpm.nv.defineCounter({ index: 0x01804448 });
    await tpm.nv.increment(after);
    const first = await tpm.nv.readCounter(after);
    assert(last !== undefined && first !== undefined && first > last);
  });
});
