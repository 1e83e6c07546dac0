import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, it } from 'mocha';

import { decodeBase64, encodeHex, encodeUtf8 } from '../src/bytes.ts';
import { consistencyProof, inclusionProof, rootOfTree } from '../src/merkle-proof.ts';
import { MerkleTree } from '../src/merkle-tree.ts';
import {
  leafHash,
  rootBefore,
  rootOfLeafHashes,
  verifyConsistency,
  verifyInclusion,
} from '../src/merkle.ts';
import { describePublished, readTestdata } from './support/vectors.ts';

interface InclusionVector {
  leafIdx: number;
  treeSize: number;
  root: string;
  leafHash: string;
  proof: string[] | null;
  desc: string;
  wantErr: boolean;
}
interface ConsistencyVector {
  size1: number;
  size2: number;
  root1: string;
  root2: string;
  proof: string[] | null;
  desc: string;
  wantErr: boolean;
}

const leaf = (index: number): Uint8Array => encodeUtf8(`leaf ${index}`);

/** RFC 6962 §2.1 word by word, as the oracle. */
function recursiveRoot(leaves: readonly Uint8Array[]): Buffer {
  const hash = createHash('sha256');
  if (leaves.length === 0) return hash.digest();
  if (leaves.length === 1)
    return hash
      .update('\0')
      .update(leaves[0] ?? '')
      .digest();
  let split = 1;
  while (split * 2 < leaves.length) split *= 2;
  hash.update('\x01').update(recursiveRoot(leaves.slice(0, split)));
  return hash.update(recursiveRoot(leaves.slice(split))).digest();
}

function grow(size: number): { tree: MerkleTree; nodes: Map<string, Uint8Array> } {
  const nodes = new Map<string, Uint8Array>();
  const tree = new MerkleTree((level, index, hash) => nodes.set(`${level}/${index}`, hash));
  for (let i = 0; i < size; i++) tree.append(leaf(i));
  return { tree, nodes };
}

describe('merkle', () => {
  it('roots are those of RFC 6962, from leaves, from growth and from stored nodes', () => {
    for (let size = 0; size <= 40; size++) {
      const leaves = Array.from({ length: size }, (_, i) => leaf(i));
      const expected = new Uint8Array(recursiveRoot(leaves));
      const { tree, nodes } = grow(size);
      assert.deepEqual(rootOfLeafHashes(leaves.map(leafHash)), expected);
      assert.deepEqual(tree.root(), expected);
      assert.deepEqual(new MerkleTree(undefined, tree).root(), expected);
      const stored = rootOfTree(BigInt(size), (l, i) => nodes.get(`${l}/${i}`) as Uint8Array);
      assert.deepEqual(stored, expected);
    }
  });

  it('matches our committed roots', () => {
    const vectors = readTestdata<{ size: number; root: string }[]>('merkle/roots.json');
    for (const { size, root } of vectors) assert.equal(encodeHex(grow(size).tree.root()), root);
  });

  it('every proof it builds, it accepts; every changed one it refuses', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 70 }).chain((size) =>
          fc.record({
            size: fc.constant(size),
            index: fc.integer({ min: 0, max: size - 1 }),
            old: fc.integer({ min: 0, max: size }),
            flip: fc.nat(),
          }),
        ),
        ({ size, index, old, flip }) => {
          const { tree, nodes } = grow(size);
          const get = (l: number, i: bigint): Uint8Array => nodes.get(`${l}/${i}`) as Uint8Array;
          const root = tree.root();
          const path = inclusionProof(BigInt(index), BigInt(size), get);
          const claim = {
            index: BigInt(index),
            size: BigInt(size),
            leafHash: leafHash(leaf(index)),
            root,
          };
          assert.ok(verifyInclusion(claim, path));
          assert.deepEqual(rootBefore(claim, path), grow(index).tree.root());
          assert.ok(!verifyInclusion({ ...claim, leafHash: leafHash(leaf(size)) }, path));
          assert.ok(!verifyInclusion(claim, [...path, root]));
          if (path.length > 0) {
            assert.ok(!verifyInclusion(claim, path.slice(1)));
            assert.ok(!verifyInclusion(claim, flipBit(path, flip)));
          }
          const steps = consistencyProof(BigInt(old), BigInt(size), get);
          const grown = {
            oldSize: BigInt(old),
            oldRoot: grow(old).tree.root(),
            newSize: BigInt(size),
            newRoot: root,
          };
          assert.ok(verifyConsistency(grown, steps));
          assert.ok(
            !verifyConsistency({ ...grown, newSize: grown.newSize - 1n }, [...steps, root]),
          );
          if (steps.length > 0) assert.ok(!verifyConsistency(grown, flipBit(steps, flip)));
        },
      ),
    );
  });

  it('impossible claims are refused, not thrown at', () => {
    const root = leafHash(leaf(0));
    const claim = { index: 0n, size: 1n, leafHash: root, root };
    assert.ok(verifyInclusion(claim, []));
    for (const bad of [{ index: -1n }, { index: 1n }, { size: 0n }, { root: new Uint8Array(31) }]) {
      assert.ok(!verifyInclusion({ ...claim, ...bad }, []));
    }
    assert.ok(!verifyInclusion(claim, [new Uint8Array(3)]));
    assert.throws(() => inclusionProof(1n, 1n, () => root), { code: 'tree-malformed' });
    assert.throws(() => consistencyProof(2n, 1n, () => root), { code: 'tree-malformed' });
    const resumed = { size: 3n, edge: [root] };
    assert.throws(() => new MerkleTree(undefined, resumed), { code: 'tree-malformed' });
  });
});

describePublished('merkle, published inclusion vectors', 'merkle/inclusion', (folder) => {
  for (const { name, vector } of load<InclusionVector>(folder)) {
    it(`${name} (${vector.wantErr ? 'refused' : 'accepted'})`, () => {
      const claim = {
        index: BigInt(vector.leafIdx),
        size: BigInt(vector.treeSize),
        leafHash: decodeBase64(vector.leafHash),
        root: decodeBase64(vector.root),
      };
      assert.equal(verifyInclusion(claim, (vector.proof ?? []).map(decodeBase64)), !vector.wantErr);
    });
  }
});

describePublished('merkle, published consistency vectors', 'merkle/consistency', (folder) => {
  for (const { name, vector } of load<ConsistencyVector>(folder)) {
    it(`${name} (${vector.wantErr ? 'refused' : 'accepted'})`, () => {
      const claim = {
        oldSize: BigInt(vector.size1),
        newSize: BigInt(vector.size2),
        oldRoot: decodeBase64(vector.root1),
        newRoot: decodeBase64(vector.root2),
      };
      assert.equal(
        verifyConsistency(claim, (vector.proof ?? []).map(decodeBase64)),
        !vector.wantErr,
      );
    });
  }
});

function load<T>(folder: string): { name: string; vector: T }[] {
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' });
  return files
    .filter((name) => name.endsWith('.json'))
    .sort()
    .map((name) => ({ name, vector: JSON.parse(readFileSync(join(folder, name), 'utf8')) as T }));
}

function flipBit(path: readonly Uint8Array[], bit: number): Uint8Array[] {
  const copy = path.map((hash) => hash.slice());
  const hash = copy[bit % copy.length] as Uint8Array;
  hash[bit % 32] = (hash[bit % 32] ?? 0) ^ (1 << (bit % 8));
  return copy;
}
