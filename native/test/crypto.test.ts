/** Hashing, trees and encodings in native code against the runtime, proof and published roots. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { decodeCbor, encodeCbor, MerkleTree, ProofError } from '@kudurru/proof';
import type { CborValue } from '@kudurru/proof';
import fc from 'fast-check';
import { describe, it } from 'mocha';

import { cborCheck, leafHash, sha256, treeRoot } from '../lib/index.ts';
import { describePublished, fromHex, readJson } from './support/vectors.ts';

/** The leaves of the tree that all published Merkle vectors are about. */
const publishedLeaves = [
  '',
  '00',
  '10',
  '2021',
  '3031',
  '40414243',
  '5051525354555657',
  '606162636465666768696a6b6c6d6e6f',
].map(fromHex);

const anyCbor = fc.letrec<{ item: CborValue }>((tie) => ({
  item: fc.oneof(
    { maxDepth: 5, withCrossShrink: true },
    fc.bigInt(-(2n ** 64n), 2n ** 64n - 1n),
    fc.string({ unit: 'grapheme' }),
    fc.uint8Array({ maxLength: 40 }),
    fc.constantFrom(true, false, null),
    fc.array(tie('item'), { maxLength: 5 }),
    fc
      .array(fc.tuple(fc.oneof(fc.integer(), fc.string()), tie('item')), { maxLength: 5 })
      .map((pairs) => new Map(pairs)),
    tie('item').map((value) => ({ tag: 18, value }) as const),
  ),
})).item;

function decodes(bytes: Uint8Array): boolean {
  try {
    decodeCbor(bytes);
    return true;
  } catch (error) {
    if (error instanceof ProofError) return false;
    throw error;
  }
}

describe('crypto', () => {
  it('sha256 equals the runtime at every length around the block', () => {
    for (let length = 0; length < 300; length++) {
      const data = new Uint8Array(length).map((_, i) => (i * 7 + length) & 255);
      assert.deepEqual(
        Buffer.from(sha256(data)),
        createHash('sha256').update(data).digest(),
        `${length} bytes`,
      );
    }
  });

  it('treeRoot equals the tree of proof at every size', () => {
    const tree = new MerkleTree();
    const entries: Uint8Array[] = [];
    assert.deepEqual(treeRoot(entries), tree.root());
    for (let size = 1; size <= 300; size++) {
      const entry = Uint8Array.from([size & 255, size >> 8]);
      entries.push(entry);
      tree.append(entry);
      assert.deepEqual(treeRoot(entries), tree.root(), `size ${size}`);
    }
  });

  it('cborCheck accepts whatever proof encodes', () => {
    fc.assert(
      fc.property(anyCbor, (value) => assert.equal(cborCheck(encodeCbor(value)), 'none')),
      {
        numRuns: 1000,
      },
    );
  });

  it('cborCheck agrees with the decoder of proof on changed items', () => {
    let accepted = 0;
    fc.assert(
      fc.property(anyCbor, fc.nat(), fc.nat(255), (value, at, byte) => {
        const changed = encodeCbor(value).slice();
        changed[at % changed.length] = byte;
        const native = cborCheck(changed) === 'none';
        assert.equal(native, decodes(changed), Buffer.from(changed).toString('hex'));
        if (native) accepted++;
      }),
      { numRuns: 3000 },
    );
    assert.ok(accepted > 100, `only ${accepted} changed items were still items`);
  });

  it('cborCheck agrees with the decoder of proof on any bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 12 }), (bytes) => {
        assert.equal(cborCheck(bytes) === 'none', decodes(bytes));
      }),
      { numRuns: 3000 },
    );
  });

  it('refuses what is not bytes before the native code sees it', () => {
    assert.throws(() => sha256('text' as unknown as Uint8Array), TypeError);
    assert.throws(() => treeRoot([new Uint8Array(1), 2 as unknown as Uint8Array]), /entries\[1\]/);
  });
});

interface MerkleVector {
  readonly treeSize?: number;
  readonly root?: string;
  readonly leafIdx?: number;
  readonly leafHash?: string;
  readonly size1?: number;
  readonly size2?: number;
  readonly root1?: string;
  readonly root2?: string;
}

describePublished('crypto, published Merkle roots', 'merkle', (path) => {
  for (const kind of ['inclusion', 'consistency']) {
    for (const name of readdirSync(join(path, kind))) {
      it(`${kind} ${name}`, () => {
        const vector = readJson<MerkleVector>(join(path, kind, name, 'happy-path.json'));
        const roots = [
          [vector.treeSize, vector.root],
          [vector.size1, vector.root1],
          [vector.size2, vector.root2],
        ] as const;
        let compared = 0;
        for (const [size, root] of roots) {
          if (size === undefined || root === undefined) continue;
          const native = treeRoot(publishedLeaves.slice(0, size));
          assert.equal(Buffer.from(native).toString('base64'), root, `size ${size}`);
          compared++;
        }
        assert.ok(compared > 0);
        if (vector.leafIdx === undefined) return;
        const leaf = publishedLeaves[vector.leafIdx] as Uint8Array;
        assert.equal(Buffer.from(leafHash(leaf)).toString('base64'), vector.leafHash);
      });
    }
  }
});
