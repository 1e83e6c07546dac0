import assert from 'node:assert/strict';
import { describe, it } from 'mocha';

import type { AnchorKind, AnchorPlan } from '../../src/anchor/plan.ts';
import type { LastAnchor } from '../../src/anchor/ports.ts';
import { checkStart } from '../../src/anchor/start-rule.ts';
import { isKudurruError } from '../../src/base/errors.ts';
import { leafIndex, treeSize } from '../../src/base/units.ts';

const counterBase = 40n;

describe('start rule of the counter', () => {
  it('goes on where counter and journal agree', () => {
    assert.equal(checkStart({ counter: 40n, counterBase, lastAnchor: null, lastPlan: null }), null);
    const lastAnchor = anchor(3n, 42n);
    assert.equal(checkStart({ counter: 42n, counterBase, lastAnchor, lastPlan: null }), null);
    const lastPlan = plan(3n, 42n, 'counter-anchor');
    assert.equal(checkStart({ counter: 42n, counterBase, lastAnchor, lastPlan }), null);
  });

  it('finishes what was prepared, before and after the increment', () => {
    const first = plan(0n, 41n, 'counter-anchor');
    for (const counter of [40n, 41n]) {
      const found = { counter, counterBase, lastAnchor: null, lastPlan: first };
      assert.equal(checkStart(found), first);
    }
    const next = plan(4n, 43n, 'counter-anchor');
    for (const counter of [42n, 43n]) {
      const found = { counter, counterBase, lastAnchor: anchor(3n, 42n), lastPlan: next };
      assert.equal(checkStart(found), next);
    }
    const still = plan(4n, 42n, 'anchor');
    const found = { counter: 42n, counterBase, lastAnchor: anchor(3n, 42n), lastPlan: still };
    assert.equal(checkStart(found), still);
  });

  const lastAnchor = anchor(3n, 42n);
  const refused: readonly (readonly [string, bigint, AnchorPlan | null, RegExp])[] = [
    ['an older journal', 43n, null, /journal is older/u],
    ['an older journal with its record', 43n, plan(3n, 42n, 'counter-anchor'), /shows 43/u],
    ['a TPM set back', 41n, null, /set back/u],
    ['a counter beyond the increment', 44n, plan(4n, 43n, 'counter-anchor'), /43 was prepared/u],
    [
      'a counter that no anchor moves',
      43n,
      plan(4n, 42n, 'anchor'),
      /shows 43, the ledger has 42/u,
    ],
    ['a record of a later anchor', 42n, plan(5n, 43n, 'counter-anchor'), /anchor 5 was prepared/u],
  ];
  for (const [what, counter, lastPlan, message] of refused) {
    it(`refuses ${what}`, () => {
      assert.throws(
        () => checkStart({ counter, counterBase, lastAnchor, lastPlan }),
        (error) => isKudurruError(error, 'anchor-contradiction') && message.test(error.message),
      );
    });
  }
});

function anchor(anchorSequence: bigint, counterExpected: bigint): LastAnchor {
  return {
    index: leafIndex(100n),
    leafHash: new Uint8Array(32),
    anchorSequence,
    size: treeSize(100n),
    counterExpected,
  };
}

function plan(anchorSequence: bigint, counterExpected: bigint, kind: AnchorKind): AnchorPlan {
  return {
    kind,
    anchorSequence,
    previousAnchorIndex: null,
    previousAnchorLeafHash: new Uint8Array(32),
    size: treeSize(100n),
    root: new Uint8Array(32),
    agentHeadsRoot: new Uint8Array(32),
    counterExpected,
  };
}
