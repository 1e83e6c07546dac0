import assert from 'node:assert/strict';
import { describe, it } from 'mocha';

import { NativeError, notifySocket, readClock } from '@kudurru/native';

describe('clock', () => {
  it('reads the raw clock between two reads of the real one', () => {
    const beforeMs = BigInt(Date.now());
    const [first, second] = [readClock(), readClock()];
    assert.ok(first.realtimeBeforeNs / 1_000_000n >= beforeMs);
    assert.ok(first.realtimeBeforeNs <= first.realtimeAfterNs);
    assert.ok(first.monotonicRawNs < second.monotonicRawNs);
    assert.ok(first.kernelState === null || first.kernelState.state >= 0);
  });
});

describe('notify', () => {
  it('says which error it was', () => {
    assert.throws(
      () => notifySocket('/nonexistent/notify.sock', 'READY=1'),
      (error) => error instanceof NativeError && error.code === 'ENOENT',
    );
    assert.throws(
      () => notifySocket('x'.repeat(200), 'READY=1'),
      (error) => error instanceof NativeError && error.code === 'ENAMETOOLONG',
    );
  });
});
