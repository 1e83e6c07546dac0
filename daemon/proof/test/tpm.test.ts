import assert from 'node:assert/strict';
import fc from 'fast-check';
import { describe, it } from 'mocha';

import { concatBytes, decodeHex, decodeU64, encodeHex } from '../src/bytes.ts';
import { ProofError } from '../src/proof-error.ts';
import { sha256 } from '../src/sha256.ts';
import { p1363OfTpmtSignature, parseAttest, verifyAttestation } from '../src/tpm-attest.ts';
import {
  hasAttributes,
  parseCreationData,
  parseNvPublic,
  parseObjectPublic,
  parseSigningPublic,
  qualifiedNameUnderEk,
  TPMA_NV,
} from '../src/tpm-public.ts';
import { readTestdata } from './support/vectors.ts';

interface Named {
  public: string;
  name: string;
}
interface SwtpmVectors {
  extraData: string;
  ek: Named & { qualifiedName: string };
  ak: Named & { qualifiedName: string };
  checkpointKey: Named & { creationData: string; creationHash: string };
  counter: Named;
  extend: Named;
  attestations: Record<string, { attest: string; signature: string }>;
}

const vectors = readTestdata<SwtpmVectors>('tpm/swtpm.json');
const ak = parseSigningPublic(decodeHex(vectors.ak.public));
const attestations = Object.entries(vectors.attestations);
const extraData = decodeHex(vectors.extraData);

describe('tpm-public', () => {
  it('names keys and NV indexes as the TPM does', () => {
    const ek = parseObjectPublic(decodeHex(vectors.ek.public));
    assert.equal(encodeHex(ek.name), vectors.ek.name);
    assert.equal(encodeHex(ak.name), vectors.ak.name);
    assert.equal(encodeHex(qualifiedNameUnderEk(ek, ak)), vectors.ak.qualifiedName);
    const counter = parseNvPublic(decodeHex(vectors.counter.public));
    assert.equal(encodeHex(counter.name), vectors.counter.name);
    assert.deepEqual([counter.nvType, counter.dataSizeBytes], ['counter', 8]);
    assert.ok((counter.attributes & TPMA_NV.written) !== 0);
    const extend = parseNvPublic(decodeHex(vectors.extend.public));
    assert.equal(encodeHex(extend.name), vectors.extend.name);
    assert.equal(extend.nvType, 'extend');
  });

  it('reads what a key may be used for', () => {
    const made = ['fixedTpm', 'fixedParent', 'sensitiveDataOrigin', 'sign'] as const;
    assert.ok(hasAttributes(ak.attributes, [...made, 'restricted']));
    const key = parseSigningPublic(decodeHex(vectors.checkpointKey.public));
    assert.ok(hasAttributes(key.attributes, made));
    assert.ok(!hasAttributes(key.attributes, ['restricted']));
    assert.ok(key.isSchemeFixed);
    assert.throws(() => parseSigningPublic(decodeHex(vectors.ek.public)), {
      code: 'tpm-malformed',
    });
  });

  it('reads creation data down to outsideInfo', () => {
    const bytes = decodeHex(vectors.checkpointKey.creationData);
    assert.equal(encodeHex(sha256(bytes)), vectors.checkpointKey.creationHash);
    assert.deepEqual(parseCreationData(bytes).outsideInfo, extraData);
  });
});

describe('tpm-attest', () => {
  for (const [kind, { attest, signature }] of attestations) {
    it(`${kind}: signed by the AK, which is the qualified signer`, () => {
      const bytes = decodeHex(attest);
      const rs = p1363OfTpmtSignature(decodeHex(signature));
      assert.ok(verifyAttestation(ak.point, bytes, rs));
      assert.equal(encodeHex(parseAttest(bytes).qualifiedSigner), vectors.ak.qualifiedName);
      bytes[20] = (bytes[20] ?? 0) ^ 1;
      assert.ok(!verifyAttestation(ak.point, bytes, rs));
    });
  }

  it('reads each attested structure', () => {
    const of = (kind: string): ReturnType<typeof parseAttest> =>
      parseAttest(decodeHex(vectors.attestations[kind]?.attest ?? ''));
    const nv = of('nv');
    assert.deepEqual(nv.extraData, extraData);
    assert.ok(nv.attested.type === 'nv' && nv.attested.offset === 0);
    assert.equal(encodeHex(nv.attested.indexName), vectors.counter.name);
    assert.equal(decodeU64(nv.attested.contents), 2n);
    const extend = of('extend').attested;
    assert.ok(extend.type === 'nv');
    const extended = sha256(concatBytes(new Uint8Array(32), new TextEncoder().encode('abc')));
    assert.deepEqual(extend.contents, extended);
    const time = of('time');
    assert.ok(time.attested.type === 'time' && time.clock.safe);
    assert.deepEqual(time.attested.clock, time.clock);
    assert.equal(time.clock.resetCount, 2);
    const quote = of('quote').attested;
    assert.ok(quote.type === 'quote');
    assert.deepEqual(quote.selections, [{ hashAlgorithm: 0x000b, pcrs: [0, 14] }]);
    const certify = of('certify').attested;
    assert.ok(certify.type === 'certify');
    assert.equal(encodeHex(certify.name), vectors.checkpointKey.name);
    const creation = of('creation').attested;
    assert.ok(creation.type === 'creation');
    assert.equal(encodeHex(creation.creationHash), vectors.checkpointKey.creationHash);
  });

  it('every parser refuses every cut and every longer form, and throws nothing else', () => {
    const structures: [(bytes: Uint8Array) => unknown, string][] = [
      ...attestations.map(
        ([, { attest }]) => [parseAttest, attest] as [typeof parseAttest, string],
      ),
      ...attestations.map(
        ([, v]) => [p1363OfTpmtSignature, v.signature] as [typeof p1363OfTpmtSignature, string],
      ),
      [parseObjectPublic, vectors.ek.public],
      [parseSigningPublic, vectors.ak.public],
      [parseNvPublic, vectors.counter.public],
      [parseCreationData, vectors.checkpointKey.creationData],
    ];
    for (const [parse, hex] of structures) {
      const bytes = decodeHex(hex);
      for (let length = 0; length < bytes.length; length++) {
        assert.throws(() => parse(bytes.subarray(0, length)), { code: 'tpm-malformed' });
      }
      assert.throws(() => parse(concatBytes(bytes, Uint8Array.of(0))), { code: 'tpm-malformed' });
      fc.assert(
        fc.property(fc.nat(bytes.length - 1), fc.nat(255), (at, byte) => {
          const changed = bytes.slice();
          changed[at] = byte;
          try {
            parse(changed);
          } catch (error) {
            assert.ok(error instanceof ProofError && error.code === 'tpm-malformed');
          }
        }),
      );
    }
  });
});
