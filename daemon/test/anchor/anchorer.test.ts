import assert from 'node:assert/strict';
import { setImmediate } from 'node:timers/promises';
import { describe, it } from 'mocha';
import { decodeAnchoredReceipt, parseCheckpoint, verifyNote } from '@kudurru/proof';

import { AnchorContradiction } from '../../src/anchor/contradiction.ts';
import { encodePlan, type AnchorKind, type AnchorPlan } from '../../src/anchor/plan.ts';
import { leafIndex } from '../../src/base/units.ts';
import { DeviceError } from '../../src/hardware/device-error.ts';
import { begin, logKey, World } from './anchoring-world.ts';

const anchorSteps = ['bracket', 'bracket', 'certify', 'bound counter-anchor 0 at 2'];
const extendSteps = ['extend-pcr', 'extend-index', 'quote', 'certify-index'];

describe('anchorer', () => {
  it('counts first, binds the tree, and covers its entry with a checkpoint', async () => {
    const { anchorer, steps, world } = await begin();
    await anchorer.start(null);
    assert.deepEqual(steps, [
      ...['read', 'quote', 'boot'],
      'plan counter-anchor 0 at 2',
      ...['read', 'increment'],
      ...anchorSteps,
      ...extendSteps,
      'checkpoint 2',
      'entry 0',
      'checkpoint 3',
      'publish 3',
    ]);
    assert.equal(world.tpm.counter, 41n);
    assert.equal(anchorer.lastAnchor?.counterExpected, 41n);
  });

  it('finishes what was prepared with the same tree, also after its increment', async () => {
    for (const counter of [40n, 41n]) {
      const world = new World();
      world.tpm.counter = counter;
      const plan = planOf(world, 'counter-anchor', 41n);
      await world.ledger().recordPlan(encodePlan(plan));
      world.grow(5);
      const { anchorer, unfinished, steps } = await begin(world);
      assert.deepEqual(unfinished, { plan, bound: null });
      await anchorer.start(unfinished);
      assert.deepEqual(steps.slice(steps.indexOf('boot') + 1, steps.indexOf('entry 0')), [
        'read',
        ...(counter === 40n ? ['increment'] : []),
        ...anchorSteps,
        ...extendSteps,
        'checkpoint 2',
      ]);
      assert.equal(world.anchors[0]?.size, 2n);
      assert.equal(world.anchors[1]?.previousAnchorLeafHash, world.anchorHashes[0]);
      assert.equal(world.tpm.counter, 42n);
    }
  });

  it('gives those who wait a receipt that proves itself', async () => {
    const { anchorer, world } = await begin();
    await anchorer.start(null);
    const statementIndex = leafIndex(world.grow(3));
    anchorer.noteActivity([{ connection: 9n, firstSequence: 0, statementIndex }]);
    await anchorer.stop();
    const [pushed, ...more] = world.pushed;
    assert.ok(pushed !== undefined && more.length === 0);
    assert.equal(pushed.awaiting.connection, 9n);
    const receipt = decodeAnchoredReceipt(pushed.receipt);
    assert.equal(receipt.statement.index, statementIndex);
    assert.equal(verifyNote(parseCheckpoint(receipt.checkpoint).note, logKey), 'valid');
  });

  it('takes an entry for covered only once its anchor can be shown', async () => {
    const { anchorer, steps, world } = await begin();
    const shown = Promise.withResolvers<void>();
    world.shown = shown.promise;
    const started = anchorer.start(null);
    while (!steps.includes('publish 3')) await setImmediate();
    assert.equal(anchorer.lastAnchor?.size, 2n);
    const covered = anchorer.cover(leafIndex(0n)).then(() => steps.push('covered'));
    await setImmediate();
    assert.ok(!steps.includes('covered'));
    shown.resolve();
    await Promise.all([started, covered]);
    await anchorer.stop();
  });

  it('does not increment twice where the answer to an increment was lost', async () => {
    const { anchorer, world, steps } = await begin();
    world.tpm.mishap = {
      call: steps.filter((step) => step === 'read').length + 2,
      kind: 'answer-lost',
    };
    await assert.rejects(anchorer.start(null), DeviceError);
    assert.equal(steps.at(-1), 'increment');
    await anchorer.stop();
    assert.equal(world.tpm.counter, 42n);
    assert.equal(world.anchors[0]?.counterExpected, 41n);
    assert.equal(steps.filter((step) => step.startsWith('plan')).length, 2);
  });

  it('refuses what something else has moved: counter, PCR, index, count of resets', async () => {
    const moved: readonly ((world: World) => void)[] = [
      ({ tpm }) => (tpm.counter = 45n),
      ({ tpm }) => (tpm.pcr = new Uint8Array(32).fill(9)),
      ({ tpm }) => (tpm.extend = new Uint8Array(32).fill(9)),
      ({ tpm }) => (tpm.resetCount -= 1),
    ];
    const kinds = ['counter', 'pcr', 'extend-index', 'tpm-boot'];
    for (const [place, move] of moved.entries()) {
      const { anchorer, world } = await begin();
      move(world);
      await assert.rejects(anchorer.start(null), (error) => {
        assert(error instanceof AnchorContradiction);
        assert.deepEqual(
          error.contradictions.map(({ kind }) => kind),
          [kinds[place]],
        );
        return true;
      });
      assert.deepEqual(world.anchors, []);
    }
  });
});

function planOf(world: World, kind: AnchorKind, expected: bigint): AnchorPlan {
  return {
    kind,
    anchorSequence: 0n,
    previousAnchorIndex: null,
    previousAnchorLeafHash: new Uint8Array(32),
    ...world.head(),
    agentHeadsRoot: new Uint8Array(32),
    counterExpected: expected,
  };
}
