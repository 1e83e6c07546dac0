import assert from 'node:assert/strict';

import { describe, it } from 'mocha';

import { Turns } from '../../src/hardware/backends/turns.ts';

describe('turns at a device', () => {
  it('shares, lets one be alone, and holds up those behind it', async () => {
    const turns = new Turns();
    const order: string[] = [];
    const first = Promise.withResolvers<void>();
    const lone = Promise.withResolvers<void>();
    const step = (name: string, until: Promise<void>) => async () => {
      order.push(`${name} begins`);
      await until;
      order.push(`${name} ends`);
    };
    const done = Promise.resolve();
    const sharing = [turns.shared(step('a', first.promise)), turns.shared(step('b', done))];
    const alone = turns.alone(step('lone', lone.promise));
    const later = turns.shared(step('c', done));
    await sharing[1];
    assert.deepEqual(order, ['a begins', 'b begins', 'b ends']);
    first.resolve();
    await sharing[0];
    lone.resolve();
    await Promise.all([alone, later]);
    assert.deepEqual(order.slice(3), ['a ends', 'lone begins', 'lone ends', 'c begins', 'c ends']);
  });

  it('goes on after a failure', async () => {
    const turns = new Turns();
    const fails = (): Promise<never> => Promise.reject(new Error('no'));
    await assert.rejects(turns.shared(fails), /no/u);
    await assert.rejects(turns.alone(fails), /no/u);
    assert.equal(await turns.alone(async () => 1), 1);
    assert.equal(await turns.shared(async () => 2), 2);
  });
});
