import assert from 'node:assert/strict';
import { generateKeyPairSync, sign } from 'node:crypto';
import { describe, it } from 'mocha';

import { concatBytes, decodeHex, encodeHex } from '../src/bytes.ts';
import type { CborValue } from '../src/cbor.ts';
import { encodeCbor } from '../src/cbor.ts';
import {
  decodeCoseKey,
  decodeSign1,
  encodeCoseKey,
  encodeSign1,
  keyThumbprint,
  sign1Message,
  verifySign1,
} from '../src/cose.ts';
import { p256PointOfSpki } from '../src/es256.ts';
import type { PublicKey } from '../src/public-key.ts';

const ed25519 = generateKeyPairSync('ed25519');
const p256 = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const spki = (key: typeof ed25519.publicKey): Uint8Array =>
  new Uint8Array(key.export({ format: 'der', type: 'spki' }));
const keys: Record<string, PublicKey> = {
  Ed25519: { algorithm: 'Ed25519', bytes: spki(ed25519.publicKey).subarray(-32) },
  ESP256: { algorithm: 'ESP256', bytes: p256PointOfSpki(spki(p256.publicKey)) },
};
const signers: Record<string, (message: Uint8Array) => Uint8Array> = {
  Ed25519: (message) => new Uint8Array(sign(null, message, ed25519.privateKey)),
  ESP256: (message) =>
    new Uint8Array(sign('sha256', message, { key: p256.privateKey, dsaEncoding: 'ieee-p1363' })),
};

describe('cose', () => {
  for (const [name, key] of Object.entries(keys)) {
    it(`${name}: a COSE_Sign1 decodes to what was signed and verifies with its key only`, () => {
      const content = {
        algorithm: key.algorithm,
        keyId: keyThumbprint(key),
        type: 'application/kudurru-statement+cose',
        payload: Uint8Array.of(1, 2, 3),
      };
      const signature = (signers[name] as (m: Uint8Array) => Uint8Array)(sign1Message(content));
      const bytes = encodeSign1({ ...content, signature });
      const decoded = decodeSign1(bytes);
      assert.deepEqual(decoded, { ...content, signature });
      assert.deepEqual(encodeSign1(decoded), bytes);
      assert.ok(verifySign1(decoded, key));
      assert.ok(!verifySign1({ ...decoded, payload: Uint8Array.of(1, 2) }, key));
      assert.ok(!verifySign1({ ...decoded, type: 'text/plain' }, key));
      assert.ok(!verifySign1({ ...decoded, keyId: new Uint8Array(32) }, key));
      for (const other of Object.values(keys)) {
        assert.equal(verifySign1(decoded, other), other === key);
      }
    });

    it(`${name}: a COSE_Key has one encoding`, () => {
      const bytes = encodeCoseKey(key);
      assert.deepEqual(decodeCoseKey(bytes), key);
      assert.throws(() => encodeCoseKey({ ...key, bytes: key.bytes.subarray(1) }), {
        code: 'key-malformed',
      });
    });
  }

  it('thumbprint is that of the example of RFC 9679 §6', () => {
    const x = decodeHex('65eda5a12577c2bae829437fe338701a10aaa375e1bb5b5de108de439c08551d');
    const y = decodeHex('1e52ed75701163f7f9e40ddf9f341b3dc9ba860af7e0ca7ca7e9eecd0084d19c');
    const key: PublicKey = { algorithm: 'ESP256', bytes: concatBytes(Uint8Array.of(4), x, y) };
    assert.equal(
      encodeHex(keyThumbprint(key)),
      '496bd8afadf307e5b08c64b0421bf9dc01528a344a43bda88fadd1669da253ec',
    );
  });

  const header = (map: [number, CborValue][]): Uint8Array => encodeCbor(new Map(map));
  const good: [number, CborValue][] = [
    [1, -19],
    [4, new Uint8Array(32)],
    [16, 'x'],
  ];
  const form = (parts: CborValue): Uint8Array => encodeCbor({ tag: 18, value: parts });
  const signature = new Uint8Array(64);
  const payload = new Uint8Array(1);
  const refused: Record<string, Uint8Array> = {
    'no tag': encodeCbor([header(good), new Map(), payload, signature]),
    'three elements': form([header(good), new Map(), payload]),
    'no array': form(1),
    'a protected header that is not bytes': form([new Map(), new Map(), payload, signature]),
    'an unprotected header': form([header(good), new Map([[4, 1]]), payload, signature]),
    'a detached payload': form([header(good), new Map(), null, signature]),
    'a short signature': form([header(good), new Map(), payload, new Uint8Array(63)]),
    'an empty protected header': form([new Uint8Array(0), new Map(), payload, signature]),
    'EdDSA (-8)': form([header([[1, -8], ...good.slice(1)]), new Map(), payload, signature]),
    'ES256 (-7)': form([header([[1, -7], ...good.slice(1)]), new Map(), payload, signature]),
    'no kid': form([
      header([
        [1, -19],
        [16, 'x'],
      ]),
      new Map(),
      payload,
      signature,
    ]),
    'a short kid': form([
      header([
        [1, -19],
        [4, new Uint8Array(8)],
        [16, 'x'],
      ]),
      new Map(),
      payload,
      signature,
    ]),
    'a numeric typ': form([
      header([
        [1, -19],
        [4, new Uint8Array(32)],
        [16, 5],
      ]),
      new Map(),
      payload,
      signature,
    ]),
    'a fourth label': form([header([...good, [3, 0]]), new Map(), payload, signature]),
  };
  for (const [title, bytes] of Object.entries(refused)) {
    it(`refuses ${title}`, () => {
      assert.throws(
        () => decodeSign1(bytes),
        (error: { code?: string }) =>
          ['cose-malformed', 'cbor-malformed'].includes(error.code ?? ''),
      );
    });
  }

  it('refuses other forms of a COSE_Key', () => {
    const x = keys['Ed25519']?.bytes as Uint8Array;
    const forms: [number, CborValue][][] = [
      [],
      [
        [1, 1],
        [-1, 6],
        [-2, x],
        [3, -19],
      ],
      [
        [1, 1],
        [-1, 4],
        [-2, x],
      ],
      [
        [1, 1],
        [-1, 6],
        [-2, x],
        [-4, x],
      ],
      [
        [1, 1],
        [-1, 6],
      ],
      [
        [1, 2],
        [-1, 1],
        [-2, x],
        [-3, true],
      ],
      [
        [1, 1],
        [-1, 6],
        [-2, new Uint8Array(32)],
      ],
    ];
    for (const members of forms) {
      assert.throws(
        () => decodeCoseKey(encodeCbor(new Map(members))),
        (error: { code?: string }) =>
          ['cose-malformed', 'key-malformed'].includes(error.code ?? ''),
      );
    }
  });
});
