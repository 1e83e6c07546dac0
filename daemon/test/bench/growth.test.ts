import assert from 'node:assert/strict';
import { describe, it } from 'mocha';

import { parseBench } from '../../bench/arguments.ts';
import { growthPlot } from '../../bench/growth-plot.ts';
import { growthSizes, type GrowthPoint } from '../../bench/growth.ts';

const point = (entries: number, cpuUsPerAction: number): GrowthPoint => ({
  entries,
  cpuUsPerAction,
  actionsPerSecond: 1000,
  residentMib: 200,
  bundleMs: 2,
  diskBytesPerEntry: 1500,
});

describe('growth of one ledger', () => {
  it('takes figures at every half decade, and at the end', () => {
    assert.deepEqual(growthSizes(1_000_000), [10_000, 31_623, 100_000, 316_228, 1_000_000]);
    assert.deepEqual(growthSizes(50_000), [10_000, 31_623, 50_000]);
    assert.deepEqual(growthSizes(10_000), [10_000]);
  });

  it('is drawn with one mark a size in each panel, larger values higher', () => {
    const svg = growthPlot([point(10_000, 4), point(100_000, 8)]);
    const marks = [...svg.matchAll(/<circle cx="([\d.]+)" cy="([\d.]+)"/gu)];
    assert.equal(marks.length, 8);
    const [first, second] = marks.map(([, x, y]) => ({ x: Number(x), y: Number(y) }));
    assert(first !== undefined && second !== undefined);
    assert(first.x < second.x);
    assert(first.y > second.y);
    assert.equal((first.y - second.y).toFixed(1), '38.4');
  });

  it('is asked for with a file and a number of entries', () => {
    const { growth } = parseBench(['--growth', 'plot.svg', '--entries', '20000'], '/checkout');
    assert.equal(growth?.entries, 20_000);
    assert.equal(parseBench([], '/checkout').growth, undefined);
    assert.throws(() => parseBench(['--entries', '100'], '/checkout'), RangeError);
  });
});
