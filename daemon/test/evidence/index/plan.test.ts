import assert from 'node:assert/strict';
import fc from 'fast-check';
import { describe, it } from 'mocha';

import {
  endOf,
  entriesOf,
  gapsOf,
  nameOf,
  type IndexFile,
} from '../../../src/evidence/index/files.ts';
import { lagOf, nextJob } from '../../../src/evidence/index/plan.ts';
import { SHAPE } from './built-index.ts';

const { segment, merged } = SHAPE;
const file = (first: number, count: number): IndexFile => nameOf({ first, count }, '0'.repeat(32));
const SMALL_A_LARGE = merged / segment;

describe('the plan of the index', () => {
  const next = (
    files: readonly IndexFile[],
    size: number,
    wanted: number | null = null,
  ): ReturnType<typeof nextJob> => nextJob({ files, size, shape: SHAPE, wanted });

  it('is nothing for a log that fits memory', () => {
    for (const size of [0, 1, segment - 1]) assert.equal(next([], size), null);
  });

  it('is the newest that is missing', () => {
    assert.deepEqual(next([], 2 * segment + 7), {
      kind: 'build',
      range: { first: segment, count: segment },
    });
  });

  it('is a large file where all of it is missing', () => {
    const range = { first: merged, count: merged };
    assert.deepEqual(next([], 2 * merged + 5), { kind: 'build', range });
  });

  it('is first what somebody waits for, in a small file', () => {
    const range = { first: 2 * segment, count: segment };
    assert.deepEqual(next([], 3 * merged, 2 * segment + 3), { kind: 'build', range });
    const files = [file(2 * segment, segment)];
    assert.notDeepEqual(next(files, 3 * merged, 2 * segment + 3), { kind: 'build', range });
  });

  it('is to merge when nothing is missing', () => {
    const from = Array.from({ length: SMALL_A_LARGE }, (_, at) => file(at * segment, segment));
    const range = { first: 0, count: merged };
    assert.deepEqual(next(from, merged), { kind: 'merge', range, from });
    assert.equal(next([file(0, merged)], merged), null);
  });

  it('comes to an end that covers all, in ranges apart, from any files', () => {
    const start = fc.record({
      size: fc.nat({ max: 5 * merged }),
      there: fc.uniqueArray(fc.nat({ max: 5 * SMALL_A_LARGE - 1 })),
      wanted: fc.option(fc.nat({ max: 5 * merged })),
    });
    fc.assert(
      fc.property(start, ({ size, there, wanted }) => {
        const full = size - (size % segment);
        let files = there
          .map((at) => file(at * segment, segment))
          .filter((one) => endOf(one) <= full);
        for (let job = next(files, size, wanted); job !== null; job = next(files, size)) {
          const replaced: readonly IndexFile[] = job.kind === 'merge' ? job.from : [];
          files = files.filter((one) => !replaced.includes(one));
          assert.deepEqual(gapsOf(files, job.range.first, endOf(job.range)), [job.range]);
          files = [...files, file(job.range.first, job.range.count)];
        }
        assert.equal(entriesOf(files), full);
        assert.deepEqual(gapsOf(files, 0, full), []);
        assert.ok(files.length < size / merged + SMALL_A_LARGE);
        assert.equal(lagOf(files, size, SHAPE), 0);
      }),
    );
  });

  it('is behind by what neither files nor memory hold', () => {
    assert.equal(lagOf([], segment * 2 + 5, SHAPE), segment);
    assert.equal(lagOf([], segment * 2 - 1, SHAPE), 0);
    assert.equal(lagOf([file(0, segment)], segment * 4, SHAPE), 2 * segment);
  });
});
