import assert from 'node:assert/strict';
import { describe, it } from 'mocha';

import * as limits from '../../src/base/limits.ts';

describe('limits', () => {
  it('are positive whole numbers', () => {
    for (const [name, value] of Object.entries(limits)) {
      assert.ok(Number.isSafeInteger(value) && value > 0, `${name} is ${value}`);
    }
  });

  it('hold the bounds that the formats fix', () => {
    const { maxActionsPerSubmission, entrySizeBytesMax, bodySizeBytesMax, frameLengthBytes } =
      limits;
    assert.deepEqual(
      [maxActionsPerSubmission, entrySizeBytesMax, bodySizeBytesMax, frameLengthBytes],
      [1024, 65_535, 262_144, 4],
    );
  });
});
