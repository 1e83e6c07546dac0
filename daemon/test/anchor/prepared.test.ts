import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { decodeCbor, encodeCbor, type CborArray } from '@kudurru/proof';
import fc from 'fast-check';

import { encodePlan, type AnchorPlan } from '../../src/anchor/plan.ts';
import { decodePrepared, encodeBound, type BoundAnchor } from '../../src/anchor/prepared.ts';
import { leafIndex, treeSize } from '../../src/base/units.ts';

const hash = fc.uint8Array({ minLength: 32, maxLength: 32 });
const bytes = fc.uint8Array({ maxLength: 200 });
const index = fc.bigInt({ min: 0n, max: 2n ** 53n - 1n });
const attestation = fc.record({ attest: bytes, signature: bytes }, { noNullPrototype: true });
const plan: fc.Arbitrary<AnchorPlan> = fc.record(
  {
    kind: fc.constantFrom('anchor', 'counter-anchor'),
    anchorSequence: index,
    previousAnchorIndex: fc.option(index.map(leafIndex)),
    previousAnchorLeafHash: hash,
    size: index.map(treeSize),
    root: hash,
    agentHeadsRoot: hash,
    counterExpected: index,
  },
  { noNullPrototype: true },
);
const bound: fc.Arbitrary<BoundAnchor> = fc.record(
  {
    evidence: bytes,
    rawEvidence: fc.option(bytes, { nil: null }),
    left: attestation,
    right: attestation,
    counter: attestation,
    pcrFrom: hash,
    extendFrom: hash,
  },
  { noNullPrototype: true },
);

describe('prepare records', () => {
  it('are read back as they were written', () => {
    fc.assert(
      fc.property(plan, bound, (planned, more) => {
        assert.deepEqual(decodePrepared(encodePlan(planned)), { plan: planned, bound: null });
        const both = { plan: planned, bound: more };
        assert.deepEqual(decodePrepared(encodeBound(planned, more)), both);
      }),
    );
  });

  it('are refused with an item missing, added, or of another kind', () => {
    fc.assert(
      fc.property(plan, bound, fc.nat(), (planned, more, pick) => {
        for (const record of [encodePlan(planned), encodeBound(planned, more)]) {
          const items = [...(decodeCbor(record) as CborArray)];
          const place = pick % items.length;
          const changed = [items.slice(0, -1), [...items, 0], items.with(place, 'text')];
          for (const each of changed) {
            assert.throws(() => decodePrepared(encodeCbor(each)), /not understood/u);
          }
        }
      }),
    );
  });
});
