import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import fc from 'fast-check';
import { afterEach, beforeEach, describe, it } from 'mocha';

import { isKudurruError } from '../../src/base/errors.ts';
import {
  approvalsMax,
  encodeTokenPin,
  parseTokenPin,
  readTokenPin,
  tokenPinFile,
  writeTokenPin,
  type TokenPinState,
} from '../../src/hardware/backends/token-pin-state.ts';
import type { BootApproval } from '../../src/hardware/boot-approval.ts';

const bytes = fc.uint8Array({ minLength: 1, maxLength: 80 });
const sized = (size: number): fc.Arbitrary<Uint8Array> =>
  fc.uint8Array({ minLength: size, maxLength: size });
const plain = { noNullPrototype: true };
const parts = fc.record({ publicArea: bytes, privatePart: bytes }, plain);
const values = fc
  .uniqueArray(fc.nat(23), { minLength: 1, maxLength: 4 })
  .chain((pcrs) =>
    fc.tuple(
      ...pcrs
        .toSorted((one, other) => one - other)
        .map((pcr) => fc.record({ pcr: fc.constant(pcr), value: sized(32) }, plain)),
    ),
  );
const approval: fc.Arbitrary<BootApproval> = fc.record({ values, signature: sized(64) }, plain);
const tokenSerial = fc.string({ maxLength: 16 });
const common = {
  ledgerId: sized(32),
  approvalKey: sized(64),
  userPin: parts,
  approvals: fc.array(approval, { minLength: 1, maxLength: 3 }),
};
const anyState: fc.Arbitrary<TokenPinState> = fc.oneof(
  fc.record({ ...common, stage: fc.constant('prepared' as const), officerPin: parts }, plain),
  fc.record({ ...common, stage: fc.constant('finished' as const), tokenSerial }, plain),
);

describe('sealed PIN as stored', () => {
  let folder: string;
  beforeEach(() => (folder = mkdtempSync(join(tmpdir(), 'kudurru-'))));
  afterEach(() => rmSync(folder, { recursive: true }));

  it('is read as it was written, by its owner alone', () => {
    assert.equal(readTokenPin(folder), undefined);
    fc.assert(
      fc.property(anyState, (state) => {
        writeTokenPin(folder, state);
        assert.deepEqual(readTokenPin(folder), state);
        assert.deepEqual(readdirSync(folder), ['token-pin.json']);
        assert.equal(statSync(tokenPinFile(folder)).mode & 0o777, 0o600);
      }),
      { numRuns: 30 },
    );
  });

  it('is refused with any byte changed', () => {
    fc.assert(
      fc.property(anyState, fc.nat(), fc.integer({ min: 1, max: 255 }), (state, at, change) => {
        const text = Buffer.from(encodeTokenPin(state));
        const place = at % text.length;
        text[place] = (text[place] ?? 0) ^ change;
        writeFileSync(tokenPinFile(folder), text);
        const isRefusal = (error: unknown): boolean =>
          isKudurruError(error, 'device-state-unreadable');
        assert.throws(() => readTokenPin(folder), isRefusal);
      }),
      { numRuns: 100 },
    );
  });

  it('is refused with a field of another form', () => {
    const [state] = fc.sample(anyState, { numRuns: 1, seed: 1 });
    assert(state);
    const [first] = state.approvals;
    assert(first);
    const [value] = first.values;
    assert(value);
    const finished = { ...state, stage: 'finished', tokenSerial: '' } as const;
    const bad: readonly TokenPinState[] = [
      { ...state, approvalKey: new Uint8Array(63) },
      { ...state, ledgerId: new Uint8Array(31) },
      { ...state, userPin: { ...state.userPin, publicArea: new Uint8Array(1025) } },
      { ...state, userPin: { ...state.userPin, privatePart: new Uint8Array(0) } },
      { ...finished, tokenSerial: 'a'.repeat(17) },
      { ...state, approvals: [] },
      { ...state, approvals: Array.from({ length: approvalsMax + 1 }, () => first) },
      { ...state, approvals: [{ ...first, values: [] }] },
      { ...state, approvals: [{ ...first, values: [value, value] }] },
      { ...state, approvals: [{ ...first, values: [{ ...value, pcr: 24 }] }] },
      { ...state, approvals: [{ ...first, values: [{ ...value, value: new Uint8Array(31) }] }] },
      { ...state, approvals: [{ ...first, signature: new Uint8Array(65) }] },
    ];
    for (const [index, one] of bad.entries()) {
      assert.throws(() => parseTokenPin(encodeTokenPin(one)), /field/u, String(index));
    }
  });
});
