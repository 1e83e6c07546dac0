import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, rmSync, symlinkSync, truncateSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { request, type IncomingMessage } from 'node:http';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

import { connect, type Action } from '@kudurru/agent';
import {
  auditTiles,
  CHECKPOINT_PATH,
  decodeEntry,
  parseCheckpoint,
  parseVerifierKey,
  TileReader,
  verifyConsistency,
  verifyInclusion,
  verifyNote,
  type Checkpoint,
  type TileFetch,
} from '@kudurru/proof';
import { after, before, describe, it } from 'mocha';

import { checkFiles, makeScratchFolder, Scenario, scenarioTimeoutMs } from './scenario.ts';

const followProgram = fileURLToPath(new URL('follow-log.sh', import.meta.url));

/** Entries enough for two full tiles and their parent, and a part of a third. */
const actionCount = 700;
const action: Action = {
  kind: 'observation',
  actionType: 'decision',
  operation: 'test/tiles',
  coverage: 'self-reported',
};

describe('published tiles', function () {
  this.timeout(scenarioTimeoutMs);
  let scenario: Scenario;
  let state: string;
  let early: Checkpoint;
  const fromFiles: TileFetch = (path) => readFile(join(state, path));
  const overSocket: TileFetch = (path) => get({ socketPath: join(state, 'log.sock') }, path);
  const overTcp: TileFetch = async (path) => {
    const [, address = ''] = (await scenario.status()).logDoor;
    const { hostname: host, port } = new URL(address);
    return get({ host, port }, path);
  };

  before(async () => {
    scenario = await Scenario.start({ flags: ['--log-listen', '127.0.0.1:0'] });
    ({ state } = scenario.appliance);
    early = await checkpointOf(fromFiles);
    const enrolled = await scenario.enrol('writer');
    await using agent = await connect({
      socketPath: scenario.appliance.agentSocket,
      ...enrolled,
    });
    const actions = Array.from({ length: actionCount }, () => action);
    await agent.submit(actions, { level: 'anchored' });
    await agent.close();
    await scenario.until(async () => (await checkpointOf(overSocket)).size > BigInt(actionCount));
  });
  after(() => scenario.end());

  for (const [where, fetch] of [
    ['over the Unix socket', overSocket],
    ['over TCP', overTcp],
  ] as const) {
    it(`${where} give the signed root to a reader that has only @kudurru/proof`, () =>
      auditLog(fetch));
    it(`${where} prove entries and the growth since an early checkpoint`, () =>
      proveFrom(fetch, early));
    it(`${where} give the same root to a reader written from the C2SP text alone`, () =>
      readByTheText(fetch));
  }

  it('are made again where they are missing or cut', async () => {
    const kept = ['tile/0/000', 'tile/entries/001'];
    for (const path of kept) rmSync(join(state, path));
    truncateSync(join(state, 'tile/0/001'), 100);
    truncateSync(join(state, 'tile/entries/000'), 100);
    rmSync(join(state, 'tile/1'), { recursive: true });
    await auditLog(overSocket);
    await readByTheText(overSocket);
    assert.deepEqual(
      kept.filter((path) => !existsSync(join(state, path))),
      [],
    );
  });

  it('end where the newest signed checkpoint ends', async () => {
    const { size } = await checkpointOf(overSocket);
    const [full, beyond] = [Number(size / 256n), Number(size % 256n) + 1];
    await assert.rejects(overSocket(tilePath('0', full, beyond)), /404/u);
    await assert.rejects(overSocket(tilePath('entries', full, 256)), /404/u);
    for (const width of [1, beyond - 1]) await overSocket(tilePath('entries', full, width));
  });

  it('are followed with the line of README.md', async () => {
    const folder = makeScratchFolder();
    try {
      symlinkSync(state, join(folder, '.kudurru'));
      const { stdout } = await promisify(execFile)('sh', [followProgram], { cwd: folder });
      assert.equal(stdout, Buffer.from(await overSocket(CHECKPOINT_PATH)).toString());
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it('in the files give the same, when the daemon has ended', async () => {
    await scenario.appliance.stop();
    await auditLog(fromFiles);
    await proveFrom(fromFiles, early);
    await readByTheText(fromFiles);
  });

  it('are whole as a file check sees them', () => checkFiles(state));
});

/** One file of the log by HTTP; rejects with the status where it is not 200. */
async function get(
  where: { readonly socketPath: string } | { readonly host: string; readonly port: string },
  path: string,
): Promise<Uint8Array> {
  const answered = Promise.withResolvers<IncomingMessage>();
  request({ ...where, path: `/${path}` }, answered.resolve)
    .once('error', answered.reject)
    .end();
  const response = await answered.promise;
  const body = await buffer(response);
  if (response.statusCode !== 200) throw new Error(`${path}: ${response.statusCode}`);
  return new Uint8Array(body);
}

async function checkpointOf(fetch: TileFetch): Promise<Checkpoint> {
  return parseCheckpoint(new Uint8Array(await fetch(CHECKPOINT_PATH)));
}

async function auditLog(fetch: TileFetch): Promise<void> {
  const last = await checkpointOf(fetch);
  assert.ok(last.size > BigInt(actionCount));
  let logKey = '';
  await auditTiles(fetch, last, (index, bytes) => {
    const entry = decodeEntry(bytes);
    if (index === 0n && entry.kind === 'genesis') ({ logKey } = entry);
  });
  assert.equal(verifyNote(last.note, parseVerifierKey(logKey)), 'valid');
  assert.deepEqual(await new TileReader(fetch, last.size).root(), last.root);
}

async function proveFrom(fetch: TileFetch, early: Checkpoint): Promise<void> {
  const last = await checkpointOf(fetch);
  const reader = new TileReader(fetch, last.size);
  for (const index of [0n, 255n, 256n, 511n, last.size - 1n]) {
    const [leafHash] = await hashesOfEntries(reader, index);
    const path = await reader.inclusionProof(index);
    assert.ok(leafHash !== undefined);
    assert.ok(verifyInclusion({ leafHash, index, size: last.size, root: last.root }, path));
  }
  const path = await reader.consistencyProof(early.size);
  const [oldSize, newSize] = [early.size, last.size];
  const roots = { oldRoot: early.root, newRoot: last.root };
  assert.ok(verifyConsistency({ oldSize, newSize, ...roots }, path));
}

/** Knows nothing of @kudurru/proof but the checkpoint's two lines. */
async function readByTheText(fetch: TileFetch): Promise<void> {
  const last = await checkpointOf(fetch);
  const size = Number(last.size);
  const leaves = (await readEntries(fetch, size)).map((entry) => sha256(Buffer.of(0), entry));
  assert.equal(leaves.length, size);
  assert.deepEqual(rootOf(leaves), Buffer.from(last.root));
  // Every level: a tile's hashes are the roots of the full tiles below it.
  let hashes = leaves;
  for (let level = 0; hashes.length > 0; level++) {
    for (let index = 0; index * 256 < hashes.length; index++) {
      const expected = hashes.slice(index * 256, (index + 1) * 256);
      const tile = Buffer.from(await fetch(tilePath(String(level), index, expected.length)));
      assert.deepEqual(tile, Buffer.concat(expected), `tile ${level}/${index}`);
    }
    const full = Math.floor(hashes.length / 256);
    const below = hashes;
    hashes = Array.from({ length: full }, (_, at) => rootOf(below.slice(at * 256, at * 256 + 256)));
  }
}

async function hashesOfEntries(reader: TileReader, index: bigint): Promise<Uint8Array[]> {
  const hashes: Uint8Array[] = [];
  for await (const entry of reader.entries(index, index + 1n)) {
    hashes.push(new Uint8Array(sha256(Buffer.of(0), entry)));
  }
  return hashes;
}

/** c2sp.org/tlog-tiles, "Log entries": each entry after its length, big-endian, in two bytes. */
async function readEntries(fetch: TileFetch, size: number): Promise<Buffer[]> {
  const entries: Buffer[] = [];
  for (let index = 0; index * 256 < size; index++) {
    const width = Math.min(256, size - index * 256);
    const bundle = Buffer.from(await fetch(tilePath('entries', index, width)));
    let at = 0;
    for (let left = width; left > 0; left--) {
      const end = at + 2 + bundle.readUInt16BE(at);
      assert.ok(end <= bundle.length, `bundle ${index} is cut`);
      entries.push(bundle.subarray(at + 2, end));
      at = end;
    }
    assert.equal(at, bundle.length, `bundle ${index} has bytes behind its last entry`);
  }
  return entries;
}

/** "Tiles": groups of three digits, all but the last behind an x; a partial one with its width. */
function tilePath(level: string, index: number, width: number): string {
  const digits = String(index);
  const groups = digits.padStart(Math.ceil(digits.length / 3) * 3, '0').match(/\d{3}/gu) ?? [];
  const path = groups.map((group, at) => (at + 1 < groups.length ? `x${group}` : group)).join('/');
  return `tile/${level}/${path}${width === 256 ? '' : `.p/${width}`}`;
}

/** RFC 6962 §2.1, over leaf hashes: split at the largest power of two below the count. */
function rootOf(hashes: readonly Buffer[]): Buffer {
  const [only] = hashes;
  if (hashes.length === 1 && only !== undefined) return only;
  let half = 1;
  while (half * 2 < hashes.length) half *= 2;
  return sha256(Buffer.of(1), rootOf(hashes.slice(0, half)), rootOf(hashes.slice(half)));
}

function sha256(...parts: readonly Uint8Array[]): Buffer {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part);
  return hash.digest();
}
