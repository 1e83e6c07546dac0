import assert from 'node:assert/strict';
import { describe, it } from 'mocha';

import type { Bundle } from '../src/bundle.ts';
import {
  BUNDLE_SIZE_BYTES_MAX,
  decodeAnchoredReceipt,
  decodeBundle,
  encodeAnchoredReceipt,
  encodeBundle,
} from '../src/bundle.ts';
import { encodeCbor } from '../src/cbor.ts';
import { committedCases, committedExhibit } from './support/committed-corpus.ts';

const { bytes } = committedExhibit('accept', 'intent-with-disclosure');
const bundle = decodeBundle(bytes);
const invalid = { code: 'bundle-invalid' };

describe('bundle', () => {
  it('encodes back to its bytes', () => {
    for (const { name } of committedCases('accept')) {
      const { bytes: encoded } = committedExhibit('accept', name);
      assert.deepEqual(encodeBundle(decodeBundle(encoded)), encoded);
    }
  });

  it('is ordered and bounded', () => {
    const [disclosure] = bundle.disclosures;
    assert.ok(disclosure);
    const changes: Partial<Bundle>[] = [
      { others: bundle.others.toReversed() },
      { others: [...bundle.others.slice(0, 1), ...bundle.others] },
      { disclosures: [disclosure, disclosure] },
      { disclosures: [{ ...disclosure, bytes: new Uint8Array(0) }] },
      { disclosures: [{ ...disclosure, salt: new Uint8Array(31) }] },
      { consistency: [new Uint8Array(31)] },
      { entry: new Uint8Array(65_536) },
      { entry: new Uint8Array(0) },
      { envelopePaths: [{ index: -1n, path: [] }] },
      { agentHead: { leaf: new Uint8Array(0), leafIndex: 0n, leafCount: 1n, path: [] } },
    ];
    for (const change of changes) {
      assert.throws(
        () => encodeBundle({ ...bundle, ...change }),
        (error: { code?: string }) =>
          ['bundle-invalid', 'cbor-malformed'].includes(error.code ?? ''),
      );
    }
    assert.throws(() => decodeBundle(encodeCbor([2])), invalid);
    const tooLong = new Uint8Array(BUNDLE_SIZE_BYTES_MAX + 1);
    assert.throws(() => decodeBundle(tooLong), { code: 'limit-exceeded' });
  });
});

describe('anchored receipt', () => {
  it('encodes back to its bytes, and is refused in any other shape', () => {
    const [first, second] = bundle.others as [Bundle['others'][0], Bundle['others'][0]];
    const receipt = { checkpoint: bundle.proof, anchor: second, statement: first, consistency: [] };
    const encoded = encodeAnchoredReceipt(receipt);
    assert.deepEqual(encodeAnchoredReceipt(decodeAnchoredReceipt(encoded)), encoded);
    assert.throws(() => decodeAnchoredReceipt(encodeCbor([bundle.proof])), invalid);
    assert.throws(() => decodeAnchoredReceipt(encoded.subarray(1)), { name: 'ProofError' });
  });
});
