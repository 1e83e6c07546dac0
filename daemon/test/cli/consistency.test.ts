import assert from 'node:assert/strict';

import { generateKey } from '@kudurru/agent';
import {
  consistencyProof,
  DEFAULT_POLICY,
  encodeUtf8,
  formatCheckpoint,
  formatTreeHead,
  formatVerifierKey,
  MerkleTree,
  verifierKeyId,
  type TrustPolicy,
} from '@kudurru/proof';
import { describe, it } from 'mocha';

import { checkConsistency, formatGrown, parseGrown } from '../../cli/consistency.ts';

const origin = 'test.example/log';
const key = generateKey();
const verifier = { name: origin, key: key.publicKey };
const policy: TrustPolicy = {
  ...DEFAULT_POLICY,
  name: 'test',
  origin,
  ledgerId: new Uint8Array(32),
  logKey: formatVerifierKey(verifier),
  appliances: [],
};

/** A log of `size` entries whose contents begin with `prefix`. */
class Log {
  readonly #nodes = new Map<string, Uint8Array>();
  readonly #roots: Uint8Array[] = [];

  constructor(size: number, prefix = 'entry') {
    const tree = new MerkleTree((level, index, hash) => this.#nodes.set(`${level}/${index}`, hash));
    for (let index = 0; index <= size; index++) {
      this.#roots.push(tree.root());
      tree.append(encodeUtf8(`${prefix} ${index}`));
    }
  }

  checkpoint(size: number, signer = key): Uint8Array {
    const head = { origin, size: BigInt(size), root: this.#roots[size] ?? new Uint8Array(32) };
    const signature = signer.sign(encodeUtf8(formatTreeHead(head)));
    return formatCheckpoint(head, [{ name: origin, keyId: verifierKeyId(verifier), signature }]);
  }

  since(oldSize: number, size: number): Uint8Array {
    const path = consistencyProof(BigInt(oldSize), BigInt(size), (level, index) => {
      return this.#nodes.get(`${level}/${index}`) ?? new Uint8Array(0);
    });
    return formatGrown({ oldSize: BigInt(oldSize), path, checkpoint: this.checkpoint(size) });
  }
}

const log = new Log(20);
const overall = (older: Uint8Array, newer: Uint8Array, proof: Uint8Array | null = null): string =>
  checkConsistency(policy, { older, newer, proof }).overall;

describe('consistency', () => {
  it('finds a log grown, by the proof in the newer file or in one of its own', () => {
    for (const [oldSize, size] of [
      [1, 2],
      [7, 20],
      [8, 20],
      [19, 20],
      [5, 5],
    ] as const) {
      const older = log.checkpoint(oldSize);
      assert.equal(overall(older, log.since(oldSize, size)), 'VALID');
      assert.equal(overall(older, log.checkpoint(size), log.since(oldSize, size)), 'VALID');
      assert.equal(overall(log.since(1, oldSize), log.since(oldSize, size)), 'VALID');
    }
  });

  it('finds a log that took something back, forged or exchanged', () => {
    const other = new Log(20, 'other');
    assert.equal(overall(other.checkpoint(7), log.since(7, 20)), 'INVALID');
    assert.equal(overall(log.checkpoint(20), log.since(1, 7)), 'INVALID');
    assert.equal(overall(log.checkpoint(6), log.since(7, 20)), 'INVALID');
    assert.equal(overall(log.checkpoint(7), other.checkpoint(7)), 'INVALID');
    const forged = log.checkpoint(7, generateKey());
    assert.equal(overall(forged, log.since(7, 20)), 'INVALID');
    assert.equal(overall(encodeUtf8('no checkpoint'), log.since(7, 20)), 'INVALID');
  });

  it('says what it cannot tell', () => {
    assert.equal(overall(log.checkpoint(7), log.checkpoint(20)), 'UNVERIFIABLE');
    const elsewhere = { ...policy, origin: 'other.example/log' };
    const files = { older: log.checkpoint(7), newer: log.since(7, 20), proof: null };
    assert.equal(checkConsistency(elsewhere, files).overall, 'UNVERIFIABLE');
  });

  it('reads back what it writes, and refuses every other form', () => {
    const bytes = log.since(7, 20);
    const grown = parseGrown(bytes);
    assert.ok(grown !== null);
    assert.deepEqual(formatGrown(grown), bytes);
    assert.equal(parseGrown(log.checkpoint(7)), null);
    assert.throws(() => parseGrown(encodeUtf8('old 7\nnot base64\n\nx')), /base64/);
    assert.throws(() => parseGrown(encodeUtf8('old 7\nAAAA')), /not lines of hashes/);
  });

  it('is INVALID for every byte that is flipped in the newer file', () => {
    const older = log.checkpoint(7);
    const newer = log.since(7, 20);
    for (let at = 0; at < newer.length; at++) {
      const flipped = newer.with(at, (newer[at] ?? 0) ^ 1);
      assert.notEqual(overall(older, flipped), 'VALID', `byte ${at}`);
    }
  });
});
