import assert from 'node:assert/strict';
import { cdeEncodeOptions, encode as oracleEncode, Tag } from 'cbor2';
import fc from 'fast-check';
import { describe, it } from 'mocha';

import { concatBytes, decodeHex, encodeHex } from '../src/bytes.ts';
import type { CborKey, CborValue } from '../src/cbor.ts';
import {
  CBOR_DEPTH_MAX,
  CBOR_ITEMS_MAX,
  decodeCbor,
  encodeCbor,
  isCborArray,
  isCborTagged,
} from '../src/cbor.ts';
import { ProofError } from '../src/proof-error.ts';

const integer = fc.oneof(
  fc.integer(),
  fc.maxSafeInteger(),
  fc.bigInt({ min: -(2n ** 64n), max: 2n ** 64n - 1n }),
);
const key: fc.Arbitrary<CborKey> = fc.oneof(
  fc.integer(),
  fc.string({ unit: 'grapheme', maxLength: 30 }),
);
const { value } = fc.letrec<{ value: CborValue }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 5, depthIdentifier: 'cbor' },
    integer,
    fc.string({ unit: 'grapheme', maxLength: 300 }),
    fc.boolean(),
    fc.constant(null),
    fc.uint8Array({ maxLength: 300 }),
    fc.array(tie('value'), { depthIdentifier: 'cbor', maxLength: 30 }),
    fc
      .array(fc.tuple(key, tie('value')), { depthIdentifier: 'cbor', maxLength: 30 })
      .map((pairs): CborValue => new Map(pairs)),
    fc.tuple(tie('value')).map(([inner]): CborValue => ({ tag: 18, value: inner })),
  ),
}));

/** The same value in the oracle's terms. */
function forOracle(item: CborValue): unknown {
  if (item instanceof Uint8Array) return item;
  if (isCborArray(item)) return item.map(forOracle);
  if (item instanceof Map) return new Map([...item].map(([k, v]) => [k, forOracle(v)]));
  if (isCborTagged(item)) return new Tag(item.tag, forOracle(item.value));
  return item;
}

describe('cbor', () => {
  it('encodes as cbor2 in its deterministic mode', () => {
    fc.assert(
      fc.property(value, (item) => {
        assert.equal(
          encodeHex(encodeCbor(item)),
          encodeHex(oracleEncode(forOracle(item), cdeEncodeOptions)),
        );
      }),
    );
  });

  it('decodes what it encodes to the same value and the same bytes', () => {
    fc.assert(
      fc.property(value, (item) => {
        const bytes = encodeCbor(item);
        assert.deepEqual(encodeCbor(decodeCbor(bytes)), bytes);
      }),
    );
    assert.deepEqual(decodeCbor(encodeCbor([1, -1, 'a', new Map([[1, null]])])), [
      1,
      -1,
      'a',
      new Map([[1, null]]),
    ]);
  });

  it('never throws anything but a ProofError, and accepts only what re-encodes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 40 }), (bytes) => {
        let item: CborValue;
        try {
          item = decodeCbor(bytes);
        } catch (error) {
          assert.ok(error instanceof ProofError);
          return;
        }
        assert.deepEqual(encodeCbor(item), bytes);
      }),
      { numRuns: 5000 },
    );
  });

  it('gives integers beyond 2^53-1 as bigint', () => {
    assert.equal(decodeCbor(decodeHex('1b001fffffffffffff')), Number.MAX_SAFE_INTEGER);
    assert.equal(decodeCbor(decodeHex('1b0020000000000000')), 2n ** 53n);
    assert.equal(decodeCbor(decodeHex('3bffffffffffffffff')), -(2n ** 64n));
    assert.equal(decodeCbor(decodeHex('3b001ffffffffffffe')), Number.MIN_SAFE_INTEGER);
  });

  const refused: readonly (readonly [title: string, hex: string])[] = [
    ['nothing', ''],
    ['a cut head', '19'],
    ['a cut string', '4201'],
    ['a cut array', '8201'],
    ['bytes after the item', '0000'],
    ['a length beyond the input', '5bffffffffffffffff'],
    ['an array longer than the input', '9bffffffffffffffff'],
    ['a map longer than the input', 'bbffffffffffffffff'],
    ['1 in two bytes', '1801'],
    ['255 in three bytes', '1900ff'],
    ['65535 in five bytes', '1a0000ffff'],
    ['2^32-1 in nine bytes', '1b00000000ffffffff'],
    ['a long form of a length', '580161'],
    ['an indefinite byte string', '5f4101ff'],
    ['an indefinite array', '9f01ff'],
    ['an indefinite map', 'bf0101ff'],
    ['a reserved length', '1c'],
    ['a stray break', 'ff'],
    ['a half float', 'f93c00'],
    ['a float', 'fa3f800000'],
    ['a double', 'fb3ff0000000000000'],
    ['undefined', 'f7'],
    ['a simple value', 'f820'],
    ['tag 0', 'c06161'],
    ['tag 17', 'd1a0'],
    ['tag 18 in its long form', 'd81280'],
    ['unsorted keys', 'a202010102'],
    ['repeated keys', 'a201010102'],
    ['keys sorted by length only', 'a2616101182001'],
    ['a byte string as key', 'a1410101'],
    ['an array as key', 'a18001'],
    ['invalid utf-8', '61ff'],
    ['a surrogate in utf-8', '63eda080'],
  ];
  for (const [title, hex] of refused) {
    it(`refuses ${title}`, () => {
      assert.throws(() => decodeCbor(decodeHex(hex)), { code: 'cbor-malformed' });
    });
  }

  it('bounds nesting both ways', () => {
    const nested = (depth: number): Uint8Array =>
      concatBytes(new Uint8Array(depth).fill(0x81), Uint8Array.of(1));
    assert.doesNotThrow(() => encodeCbor(decodeCbor(nested(CBOR_DEPTH_MAX))));
    assert.throws(() => decodeCbor(nested(CBOR_DEPTH_MAX + 1)), { code: 'limit-exceeded' });
    assert.throws(() => decodeCbor(nested(100_000)), { code: 'limit-exceeded' });
    const loop: CborValue[] = [];
    loop.push(loop);
    assert.throws(() => encodeCbor(loop), { code: 'limit-exceeded' });
  });

  it('bounds the number of items', () => {
    const flat = new Uint8Array(CBOR_ITEMS_MAX + 4).fill(0x60);
    flat.set(decodeHex('9a0001ffff'));
    assert.equal(flat.length - 5, CBOR_ITEMS_MAX - 1);
    assert.doesNotThrow(() => decodeCbor(flat));
    flat.set(decodeHex('9a00020000'));
    const longer = concatBytes(flat, Uint8Array.of(0x60));
    assert.throws(() => decodeCbor(longer), { code: 'limit-exceeded' });
  });

  it('refuses to encode what it would not decode', () => {
    const values = [1.5, NaN, 2 ** 53, 2n ** 64n, -(2n ** 64n) - 1n, undefined, { a: 1 }, () => 1];
    for (const item of values) {
      assert.throws(() => encodeCbor(item as CborValue), { code: 'cbor-malformed' }, String(item));
    }
    const twice = new Map<CborKey, CborValue>([
      [1, 'a'],
      [1n, 'b'],
    ]);
    assert.throws(() => encodeCbor(twice), { code: 'cbor-malformed' });
    assert.throws(() => encodeCbor('\udc00'), { code: 'bytes-malformed' });
  });
});
