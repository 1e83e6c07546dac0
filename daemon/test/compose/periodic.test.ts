import assert from 'node:assert/strict';

import { describe, it } from 'mocha';

import { Periodic } from '../../src/compose/periodic.ts';

/** Its own turn never comes while a test runs. */
const neverMs = 2 ** 30;

describe('Periodic', () => {
  it('runs out of turn when asked, once in a turn', async () => {
    let runs = 0;
    const work = async (): Promise<void> => void (runs += 1);
    const periodic = new Periodic(neverMs, work, assert.ifError);
    assert.equal(runs, 0);
    for (let i = 0; i < 3; i++) periodic.soon();
    await periodic.stop();
    assert.equal(runs, 1);
  });

  it('ends when what was under way has ended, and hands on its failure', async () => {
    const failed: unknown[] = [];
    const { promise, reject } = Promise.withResolvers<void>();
    const periodic = new Periodic(
      neverMs,
      () => promise,
      (error) => failed.push(error),
    );
    periodic.soon();
    const stopped = periodic.stop();
    reject(new Error('no more'));
    await stopped;
    assert.match(String(failed[0]), /no more/);
  });
});
