import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { concatBytes, encodeCbor, encodeHex } from '@kudurru/proof';

import { isKudurruError } from '../../src/base/errors.ts';
import { ScopeKeys } from '../../src/ledger/scope-keys.ts';

const ledgerId = new Uint8Array(32).fill(1);

describe('scope keys', () => {
  it('are durable before they are used, and made once', async () => {
    const { keys, steps, inUse } = begin();
    await Promise.all([keys.use(['default']), keys.use(['default', 'system'])]);
    await keys.use(['default']);
    assert.deepEqual(steps, [
      'wrap',
      'record default',
      'use default',
      'wrap',
      'record system',
      'use system',
    ]);
    assert.equal(inUse.get('default')?.length, 32);
    assert.notDeepEqual(inUse.get('default'), inUse.get('system'));
  });

  it('come back from their records, unwrapped when they are needed', async () => {
    const first = begin();
    await first.keys.use(['default', 'other']);
    const { keys, steps, inUse } = begin(first.records);
    assert.deepEqual(steps, []);
    await keys.use(['default']);
    assert.deepEqual(steps, ['unwrap', 'use default']);
    assert.deepEqual(inUse.get('default'), first.inUse.get('default'));
    assert.equal(await keys.useExisting('other'), true);
    assert.equal(await keys.useExisting('stranger'), false);
    assert.deepEqual([...inUse.keys()], ['default', 'other']);
  });

  it('are not used when their record failed, and made anew the next time', async () => {
    const { keys, steps, fail } = begin();
    fail.record = true;
    await assert.rejects(keys.use(['default']), /disk/u);
    assert.deepEqual(steps, ['wrap']);
    fail.record = false;
    await keys.use(['default']);
    assert.deepEqual(steps, ['wrap', 'wrap', 'record default', 'use default']);
  });

  it('refuse a record they did not write', () => {
    assert.throws(
      () => begin([encodeCbor([2, 'default', ledgerId])]),
      (error) => isKudurruError(error, 'ledger-failed'),
    );
  });
});

/** The token prefixes the key with its context: enough to tell one scope's key from another's. */
function begin(stored: readonly Uint8Array[] = []) {
  const steps: string[] = [];
  const records: Uint8Array[] = [...stored];
  const inUse = new Map<string, Uint8Array>();
  const fail = { record: false };
  const keys = new ScopeKeys(
    {
      ledgerId,
      deviceTimeoutMs: 1000,
      token: {
        wrap: (key, context) => {
          steps.push('wrap');
          return Promise.resolve(concatBytes(context, key));
        },
        unwrap: (wrapped, context) => {
          steps.push('unwrap');
          const prefix = wrapped.subarray(0, context.length);
          assert.equal(encodeHex(prefix), encodeHex(context));
          return Promise.resolve(wrapped.subarray(context.length));
        },
      },
      appendRecord: (bytes) => {
        if (fail.record) return Promise.reject(new Error('disk'));
        records.push(bytes);
        steps.push(
          `record ${new TextDecoder().decode(bytes).includes('system') ? 'system' : 'default'}`,
        );
        return Promise.resolve();
      },
      useKey: (scope, key) => {
        steps.push(`use ${scope}`);
        inUse.set(scope, key);
        return Promise.resolve();
      },
    },
    stored,
  );
  return { keys, steps, records, inUse, fail };
}
