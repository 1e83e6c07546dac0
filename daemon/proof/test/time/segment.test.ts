import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import fc from 'fast-check';

import type { Segment } from '../../src/time/segment.ts';
import { affineTai, grownNs, readingAt, readSegment, weakerLevel } from '../../src/time/segment.ts';
import { makeSegmentVectors } from '../support/segment-vectors.ts';
import { readTestdata } from '../support/vectors.ts';

const SECOND_NS = 1_000_000_000n;
const segment: Segment = {
  baseRawNs: 1_000n,
  baseTaiNs: 5_000n,
  ratePpb: -3n,
  statisticalNs: 10n,
  adversarialNs: 100n,
  statisticalGrowthPpb: 1n,
  adversarialGrowthPpb: 1_000n,
  level: 'ATTESTED',
  lockedUntilRawNs: SECOND_NS,
  holdoverUntilRawNs: 10n * SECOND_NS,
  widthMaxNs: 10_000n,
};

const DRIFT_PPB = 50_000n;
const world = fc.record({
  driftPpb: fc.bigInt({ min: -DRIFT_PPB, max: DRIFT_PPB }),
  elapsedNs: fc.bigInt({ min: 0n, max: 10n ** 15n }),
  errorNs: fc.bigInt({ min: -100n, max: 100n }),
  aheadNs: fc.bigInt({ min: -SECOND_NS, max: SECOND_NS }),
});

describe('segment', () => {
  it('gives the readings of the committed vectors', () => {
    assert.deepEqual(readTestdata('time/segment.json'), makeSegmentVectors());
  });

  it('rounds time down and widths up', () => {
    assert.equal(affineTai(segment, 1_001n), 5_000n);
    assert.equal(affineTai(segment, 999n), 4_999n);
    assert.deepEqual(readSegment(segment, 1_001n, 0n), {
      taiNs: 5_000n,
      statisticalNs: 11n,
      adversarialNs: 101n,
      level: 'ATTESTED',
    });
    assert.equal(grownNs(1n, 1n), 1n);
    assert.equal(grownNs(0n, 1_000n), 0n);
  });

  it('waits rather than go back, and is as much less sure', () => {
    const { taiNs, statisticalNs, adversarialNs } = readSegment(segment, 1_000n, 5_250n);
    assert.deepEqual([taiNs, statisticalNs, adversarialNs], [5_250n, 260n, 350n]);
  });

  it('sinks with time and width', () => {
    const levelAt = (rawNs: bigint, changes: Partial<Segment> = {}): string =>
      readSegment({ ...segment, ...changes }, rawNs, 0n).level;
    assert.equal(levelAt(SECOND_NS), 'ATTESTED');
    assert.equal(levelAt(SECOND_NS + 1n), 'HOLDOVER');
    assert.equal(levelAt(10n * SECOND_NS + 1n), 'DEGRADED');
    assert.equal(levelAt(1_000n, { widthMaxNs: 99n }), 'DEGRADED');
    assert.equal(levelAt(1_000n, { widthMaxNs: 99n, level: 'DISPUTED' }), 'DISPUTED');
    assert.equal(levelAt(1_000n, { adversarialNs: null }), 'UNKNOWN');
    assert.equal(weakerLevel('LOCKED', 'HOLDOVER'), 'HOLDOVER');
  });

  it('holds the truth as long as the raw clock keeps to the growth', () => {
    fc.assert(
      fc.property(world, ({ driftPpb, elapsedNs, errorNs, aheadNs }) => {
        const wide = { ...segment, ratePpb: 0n, adversarialGrowthPpb: DRIFT_PPB };
        const driftedNs = (elapsedNs * driftPpb) / 1_000_000_000n;
        const truthNs = 5_000n + errorNs + elapsedNs + driftedNs;
        const rawNs = wide.baseRawNs + elapsedNs;
        const { taiNs, adversarialNs } = readSegment(wide, rawNs, truthNs + aheadNs);
        assert.ok(adversarialNs !== null);
        assert.ok(truthNs >= taiNs - adversarialNs && truthNs <= taiNs + adversarialNs);
        assert.deepEqual(readingAt(wide, rawNs, taiNs).adversarialNs, adversarialNs);
      }),
    );
  });
});
