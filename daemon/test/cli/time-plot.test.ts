import assert from 'node:assert/strict';

import { TIME_LEVELS } from '@kudurru/proof';
import fc from 'fast-check';
import { describe, it } from 'mocha';

import { columnsOf } from '../../cli/plot-columns.ts';
import type { TimeHistoryRow } from '../../cli/time-answer.ts';
import { timePlot } from '../../cli/time-plot.ts';

const startTaiNs = 1_795_000_000_000_000_000n;
const secondNs = 1_000_000_000n;
/** Larger than any plot of at most 378 columns. */
const sizeBytesMax = 128 * 1024;

function row(atS: number, changed: Partial<TimeHistoryRow> = {}): TimeHistoryRow {
  return {
    index: atS,
    kind: 'time-evidence',
    taiNs: String(startTaiNs + BigInt(atS) * secondNs),
    utc: '',
    cause: 'activity',
    level: 'LOCKED',
    statisticalNs: '1000',
    adversarialNs: '100000',
    later: {
      statisticalGrowthPpb: '1000',
      adversarialGrowthPpb: '50000',
      lockedForNs: '5000000000',
      holdoverForNs: '20000000000',
      widthMaxNs: '50000000',
    },
    ...{ groups: 1, liars: 0, sources: [] },
    ...changed,
  };
}

const unbounded: Partial<TimeHistoryRow> = {
  ...{ level: 'UNKNOWN', statisticalNs: null, adversarialNs: null, later: null },
};

/** Tags that close what was opened, quoted attributes, nothing else that XML would refuse. */
function requireWellFormed(svg: string): void {
  const open: string[] = [];
  const tag = /<(\/?)([a-z]+)(?: [a-zA-Z-]+="[^"<&]*")*(\/?)>/gu;
  for (const [, closing = '', name = '', empty = ''] of svg.matchAll(tag)) {
    if (closing !== '') assert.equal(open.pop(), name);
    else if (empty === '') open.push(name);
  }
  assert.deepEqual(open, []);
  assert.doesNotMatch(svg.replaceAll(tag, ''), /[<&]/u);
  assert.doesNotMatch(svg, /NaN|Infinity|undefined|null/u);
}

const rowsOf = fc
  .array(
    fc.record({
      pauseS: fc.integer({ min: 0, max: 4000 }),
      level: fc.constantFrom(...TIME_LEVELS),
      adversarialNs: fc.option(fc.bigInt({ min: 0n, max: 2n ** 63n - 1n })),
      isOld: fc.boolean(),
    }),
    { minLength: 1, maxLength: 40 },
  )
  .map((made) => {
    let atS = 0;
    return made.map(({ pauseS, level, adversarialNs, isOld }) => {
      atS += pauseS;
      const ns = adversarialNs === null ? null : String(adversarialNs);
      return row(atS, isOld ? unbounded : { level, adversarialNs: ns, statisticalNs: ns });
    });
  });

describe('plot of time', () => {
  it('is well-formed and of bounded size, whatever the log holds', () => {
    fc.assert(
      fc.property(rowsOf, (rows) => {
        const svg = timePlot(rows);
        requireWellFormed(svg);
        assert.ok(svg.length < sizeBytesMax, `${svg.length} bytes`);
      }),
      { numRuns: 60 },
    );
    const many = Array.from({ length: 10_000 }, (_, at) => row(at, at % 2 === 0 ? {} : unbounded));
    assert.ok(timePlot(many).length < sizeBytesMax);
  });

  it('names levels and windows, and is readable on light and dark', () => {
    const svg = timePlot([row(0), row(60), row(120, unbounded), row(180)]);
    for (const text of [
      'LOCKED',
      'HOLDOVER',
      'DEGRADED',
      'UNKNOWN',
      'adversarial',
      'statistical',
    ]) {
      assert.ok(svg.includes(`>${text}<`), text);
    }
    assert.match(svg, /@media \(prefers-color-scheme:dark\)/u);
    assert.match(svg, /<title>Level and windows of time, 2026-11-\d\d /u);
    assert.doesNotMatch(svg, /href|url\(|@import/u);
  });

  it('draws one piece of evidence, and evidence without windows', () => {
    requireWellFormed(timePlot([row(0)]));
    const svg = timePlot([row(0, unbounded), row(50, unbounded)]);
    requireWellFormed(svg);
    assert.doesNotMatch(svg, />adversarial</u);
  });
});

describe('columns of a plot', () => {
  const span = { fromTaiNs: startTaiNs, toTaiNs: startTaiNs + 40n * secondNs };

  it('let windows grow and levels sink until newer evidence comes', () => {
    const columns = columnsOf([row(0), row(30)], { span, count: 40 });
    const levels = columns.map(({ level }) => level);
    assert.deepEqual([levels[3], levels[10], levels[25]], ['LOCKED', 'HOLDOVER', 'DEGRADED']);
    assert.deepEqual([levels[29], levels[30]], ['DEGRADED', 'LOCKED']);
    // 100 µs, and 50 ppm of what has passed at a column's end.
    assert.equal(columns[9]?.adversarialNs, 600_000n);
    assert.equal(columns[30]?.adversarialNs, 150_000n);
  });

  it('show the worst of what is in them', () => {
    const rows = [row(0), row(11, { level: 'DISPUTED', adversarialNs: '9000000' }), row(12)];
    const columns = columnsOf(rows, { span, count: 2 });
    assert.equal(columns[0]?.level, 'DISPUTED');
    assert.equal(columns[0]?.adversarialNs, 9_050_000n);
    const unknown = columnsOf([row(0), row(11, unbounded), row(12)], { span, count: 2 });
    assert.deepEqual([unknown[0]?.level, unknown[0]?.adversarialNs], ['UNKNOWN', null]);
    assert.notEqual(unknown[1]?.adversarialNs, null);
  });
});
