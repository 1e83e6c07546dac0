import assert from 'node:assert/strict';
import { describe, it } from 'mocha';

import { RefusalTally } from '../../src/intake/refusals.ts';

describe('refusal tally', () => {
  it('gives what is new each time, sorted by code', () => {
    const tally = new RefusalTally();
    assert.deepEqual(tally.take({ 'sequence-gap': 2, 'key-mismatch': 1 }), [
      { code: 'key-mismatch', count: 1 },
      { code: 'sequence-gap', count: 2 },
    ]);
    assert.deepEqual(tally.take({ 'sequence-gap': 2, 'key-mismatch': 1 }), []);
    assert.deepEqual(tally.take({ 'sequence-gap': 5, 'key-mismatch': 1 }), [
      { code: 'sequence-gap', count: 3 },
    ]);
  });

  it('does not count the farewell of a stop', () => {
    assert.deepEqual(new RefusalTally().take({ stopping: 4 }), []);
  });
});
