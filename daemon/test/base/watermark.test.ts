import assert from 'node:assert/strict';

import * as fc from 'fast-check';
import { describe, it } from 'mocha';

import { SeldomTold, Watermark } from '../../src/base/watermark.ts';

describe('watermark', () => {
  const course = (marks: { over: number; back: number }, values: readonly number[]): boolean[] => {
    const watermark = new Watermark(marks);
    return values.map((value) => {
      watermark.note(value);
      return watermark.isOver;
    });
  };

  it('watches for too little: over below the lower mark, back at the upper', () => {
    const states = course({ over: 10, back: 20 }, [15, 10, 9, 10, 19, 20, 15, 9]);
    assert.deepEqual(states, [false, false, true, true, true, false, false, true]);
  });

  it('watches for too much: over at the upper mark, back below the lower', () => {
    const states = course({ over: 20, back: 10 }, [15, 19, 20, 15, 10, 9, 19]);
    assert.deepEqual(states, [false, false, true, true, true, false, false]);
  });

  it('never changes between the marks', () => {
    const marks = fc.constantFrom({ over: 10, back: 20 }, { over: 20, back: 10 });
    fc.assert(
      fc.property(
        marks,
        fc.nat(30),
        fc.array(fc.integer({ min: 11, max: 18 })),
        (each, at, rest) => {
          const states = course(each, [at, ...rest]);
          assert.equal(new Set(states).size, 1);
        },
      ),
    );
  });
});

describe('seldom told', () => {
  it('tells a change at once, the next after its time, and none that has changed back', () => {
    const told = new SeldomTold(100);
    assert.equal(told.isDue(false, 0), false);
    assert.equal(told.isDue(true, 0), true);
    assert.equal(told.isDue(false, 50), false);
    assert.equal(told.isDue(true, 120), false);
    assert.equal(told.isDue(false, 130), true);
    assert.equal(told.isDue(true, 229), false);
    assert.equal(told.isDue(true, 230), true);
  });
});
