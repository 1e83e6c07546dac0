import assert from 'node:assert/strict';
import { describe, it } from 'mocha';

import { nextAnchor, type ScheduleState } from '../../src/anchor/schedule.ts';

const options = { anchorIntervalMs: 2000, counterIntervalMs: 1_200_000 };
const calm: ScheduleState = {
  nowMs: 10_000,
  lastAnchorMs: 9000,
  lastCounterMs: 9000,
  activeSinceMs: null,
  awaited: false,
  failures: 0,
  lastFailureMs: null,
};

describe('anchor schedule', () => {
  it('rests while nothing happens', () => {
    assert.equal(nextAnchor(options, calm), null);
    assert.equal(nextAnchor(options, { ...calm, nowMs: 1e9, lastCounterMs: 0 }), null);
  });

  it('anchors activity once an interval', () => {
    const due = nextAnchor(options, { ...calm, activeSinceMs: 10_000 });
    assert.deepEqual(due, { atMs: 12_000, kind: 'anchor' });
  });

  it('keeps its distance from the anchor before', () => {
    const due = nextAnchor(options, { ...calm, activeSinceMs: 8000, lastAnchorMs: 10_000 });
    assert.deepEqual(due, { atMs: 12_000, kind: 'anchor' });
  });

  it('is quick when somebody waits, and still keeps a distance', () => {
    const waiting = { ...calm, activeSinceMs: 10_000, awaited: true };
    assert.equal(nextAnchor(options, waiting)?.atMs, 10_025);
    assert.equal(nextAnchor(options, { ...waiting, lastAnchorMs: 9990 })?.atMs, 10_190);
  });

  it('counts when the last increment is long ago, and at the first anchor of a run', () => {
    const active = { ...calm, activeSinceMs: 10_000 };
    const kindOf = (state: ScheduleState) => nextAnchor(options, state)?.kind;
    assert.equal(kindOf({ ...active, lastCounterMs: 12_000 - 1_200_000 }), 'counter-anchor');
    assert.equal(kindOf({ ...active, lastCounterMs: 12_001 - 1_200_000 }), 'anchor');
    assert.equal(kindOf({ ...active, lastAnchorMs: null, lastCounterMs: null }), 'counter-anchor');
  });

  it('waits longer after each failure, up to a minute', () => {
    const failed = { ...calm, activeSinceMs: 5000, awaited: true, lastFailureMs: 10_000 };
    const atAfter = (failures: number) => nextAnchor(options, { ...failed, failures })?.atMs;
    assert.deepEqual([1, 2, 3, 7, 50].map(atAfter), [11_000, 12_000, 14_000, 70_000, 70_000]);
  });

  it('is never due in the past', () => {
    const late = { ...calm, nowMs: 60_000, activeSinceMs: 10_000 };
    assert.equal(nextAnchor(options, late)?.atMs, 60_000);
  });
});
