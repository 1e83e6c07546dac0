import assert from 'node:assert/strict';
import { describe, it } from 'mocha';

import { bootView, wearYears } from '../../src/compose/anchor-view.ts';
import { SETTINGS } from '../../src/config/schema.ts';

describe('what the status says of anchors', () => {
  it('gives the years that the TPM endures', () => {
    const intervalMs = SETTINGS.counterIntervalMs.default;
    assert.equal(wearYears(intervalMs, 1), 19);
    assert.equal(wearYears(intervalMs, 2), 9.5);
    assert.equal(wearYears(60_000, 2), 0.5);
  });

  it('says how the box was found', () => {
    const eventLogMissing = 'none is configured';
    assert.deepEqual(bootView({ state: { kind: 'as-provisioned' }, eventLogMissing }), {
      state: 'as-provisioned',
      pcrs: [],
      reason: null,
      eventLogMissing,
    });
    const differs = bootView({ state: { kind: 'differs', pcrs: [4, 7] }, eventLogMissing: null });
    assert.deepEqual(differs.pcrs, [4, 7]);
    const unknown = bootView({ state: { kind: 'unknown', reason: 'why' }, eventLogMissing });
    assert.equal(unknown.reason, 'why');
  });
});
