import assert from 'node:assert/strict';
import { describe, it } from 'mocha';

import { concatBytes, encodeUtf8 } from '../src/bytes.ts';
import { verifyConsistency, verifyInclusion } from '../src/merkle.ts';
import { MerkleTree } from '../src/merkle-tree.ts';
import { formatTilePath, parseTilePath, tileWidth } from '../src/tile-path.ts';
import { auditTiles, formatEntryBundle, parseEntryBundle, TileReader } from '../src/tiles.ts';

const entry = (index: number): Uint8Array => encodeUtf8(`entry ${index}`.repeat((index % 3) + 1));

interface Log {
  files: Map<string, Uint8Array>;
  roots: Uint8Array[];
  leafHashes: Uint8Array[];
  fetch(path: string): Promise<Uint8Array>;
}

/** The files of a log of `size` entries, as the text of tlog-tiles lays them out. */
function serve(size: number): Log {
  const levels: Uint8Array[][] = [];
  const leafHashes: Uint8Array[] = [];
  const tree = new MerkleTree((level, _index, hash) => {
    if (level % 8 === 0) (levels[level / 8] ??= []).push(hash);
  });
  const roots = [tree.root()];
  for (let i = 0; i < size; i++) {
    leafHashes.push(tree.append(entry(i)));
    roots.push(tree.root());
  }
  const files = new Map<string, Uint8Array>();
  for (const [level, hashes] of levels.entries()) {
    for (let start = 0; start < hashes.length; start += 256) {
      const tile = hashes.slice(start, start + 256);
      const name = { index: BigInt(start / 256), width: tile.length };
      files.set(formatTilePath({ level, ...name }), concatBytes(...tile));
      if (level > 0) continue;
      const entries = tile.map((_, i) => entry(start + i));
      files.set(formatTilePath({ level: 'entries', ...name }), formatEntryBundle(entries));
    }
  }
  const fetch = (path: string): Promise<Uint8Array> => {
    const bytes = files.get(path);
    return bytes ? Promise.resolve(bytes) : Promise.reject(new Error(`no file '${path}'`));
  };
  return { files, roots, leafHashes, fetch };
}

describe('tile-path', () => {
  it('is that of the examples of tlog-tiles', () => {
    const name = { level: 0, index: 1234067n, width: 256 };
    assert.equal(formatTilePath(name), 'tile/0/x001/x234/067');
    assert.equal(formatTilePath({ ...name, width: 112 }), 'tile/0/x001/x234/067.p/112');
    assert.equal(formatTilePath({ level: 'entries', index: 5n, width: 1 }), 'tile/entries/005.p/1');
    const widths = [0, 1, 2, 3].map((level) =>
      tileWidth(level, [273n, 1n, 0n, 0n][level] ?? 0n, 70_000n),
    );
    assert.deepEqual(widths, [112, 17, 1, 0]);
    assert.deepEqual([tileWidth(0, 0n, 256n), tileWidth(1, 0n, 256n)], [256, 1]);
  });

  it('parses back, and refuses other spellings', () => {
    for (const index of [0n, 7n, 999n, 1000n, 123_456_789n]) {
      for (const width of [1, 255, 256]) {
        const name = { level: 3, index, width };
        assert.deepEqual(parseTilePath(formatTilePath(name)), name);
      }
    }
    for (const bad of [
      'tile/0/0',
      'tile/00/000',
      'tile/64/000',
      'tile/0/x000/000',
      'tile/0/000/000',
      'tile/0/x001',
      'tile/0/000.p/0',
      'tile/0/000.p/256',
      'tile/0/000.p/01',
      '/tile/0/000',
      'tile/entries/../000',
    ]) {
      assert.throws(() => parseTilePath(bad), { code: 'note-malformed' }, bad);
    }
  });
});

describe('tiles', () => {
  for (const size of [0, 1, 255, 256, 257, 600]) {
    it(`a log of ${size} entries audits to its root`, async () => {
      const { fetch, roots } = serve(size);
      const head = { size: BigInt(size), root: roots[size] as Uint8Array };
      const seen: Uint8Array[] = [];
      await auditTiles(fetch, head, (_, bytes) => seen.push(bytes));
      assert.deepEqual(
        seen,
        Array.from({ length: size }, (_, i) => entry(i)),
      );
      assert.deepEqual(await new TileReader(fetch, head.size).root(), head.root);
    });
  }

  it('gives proofs that hold', async () => {
    const size = 600;
    const { fetch, roots, leafHashes } = serve(size);
    const reader = new TileReader(fetch, BigInt(size));
    const root = roots[size] as Uint8Array;
    for (const index of [0, 1, 255, 256, 511, 512, 599]) {
      const path = await reader.inclusionProof(BigInt(index));
      const claim = {
        index: BigInt(index),
        size: 600n,
        leafHash: leafHashes[index] as Uint8Array,
        root,
      };
      assert.ok(verifyInclusion(claim, path));
    }
    for (const old of [0, 1, 3, 256, 300, 512, 599, 600]) {
      const steps = await reader.consistencyProof(BigInt(old));
      const oldRoot = roots[old] as Uint8Array;
      const claim = { oldSize: BigInt(old), oldRoot, newSize: 600n, newRoot: root };
      assert.ok(verifyConsistency(claim, steps));
    }
    const some: Uint8Array[] = [];
    for await (const bytes of reader.entries(250n, 515n)) some.push(bytes);
    assert.deepEqual(
      some,
      Array.from({ length: 265 }, (_, i) => entry(250 + i)),
    );
  });

  it('reads a full file where the partial one is gone', async () => {
    const grown = serve(256);
    const { fetch, roots } = grown;
    const head = { size: 255n, root: roots[255] as Uint8Array };
    const seen: Uint8Array[] = [];
    await auditTiles(fetch, head, (_, bytes) => seen.push(bytes));
    assert.equal(seen.length, 255);
    assert.deepEqual(await new TileReader(fetch, 255n).root(), head.root);
    grown.files.delete('tile/0/000');
    await assert.rejects(new TileReader(fetch, 255n).root(), /no file 'tile\/0\/000.p\/255'/u);
  });

  it('one changed byte in any file fails the audit', async () => {
    const size = 300;
    const { files, fetch, roots } = serve(size);
    const head = { size: BigInt(size), root: roots[size] as Uint8Array };
    for (const [path, bytes] of [...files]) {
      const changed = bytes.slice();
      changed[bytes.length - 1] = (changed[bytes.length - 1] ?? 0) ^ 1;
      files.set(path, changed);
      await assert.rejects(auditTiles(fetch, head), { code: 'tile-mismatch' }, path);
      files.set(path, bytes.subarray(1));
      await assert.rejects(auditTiles(fetch, head), { code: 'tile-mismatch' }, path);
      files.set(path, bytes);
    }
    const wrong = { ...head, root: roots[size - 1] as Uint8Array };
    await assert.rejects(auditTiles(fetch, wrong), { code: 'tile-mismatch' });
  });

  it('entry bundles hold exactly their entries', () => {
    const bundle = formatEntryBundle([entry(0), entry(1)]);
    assert.deepEqual(parseEntryBundle(bundle, 2), [entry(0), entry(1)]);
    for (const [bytes, width] of [
      [bundle, 1],
      [bundle, 3],
      [bundle.subarray(0, -1), 2],
      [concatBytes(bundle, Uint8Array.of(0)), 2],
    ] as const) {
      assert.throws(() => parseEntryBundle(bytes, width), { code: 'tile-mismatch' });
    }
    const tooLong = new Uint8Array(65_536);
    assert.throws(() => formatEntryBundle([tooLong]), { code: 'limit-exceeded' });
  });
});
