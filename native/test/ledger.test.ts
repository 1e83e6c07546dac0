/**
 * The ledger through its typed face, on a real disk, against `@kudurru/proof`: what it answers is
 * what the verifier re-derives. What happens on a failing disk is tested in C++.
 */
import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'mocha';

import {
  auditTiles,
  encodeCbor,
  leafHash,
  rootOfLeafHashes,
  sha256,
  verifyConsistency,
  verifyInclusion,
} from '@kudurru/proof';

import {
  commitment,
  fsckScan,
  NativeError,
  openLedger,
  readLedgerId,
  type Applied,
  type Ledger,
  type LedgerSystemEntry,
} from '../lib/index.ts';

const provisioningRecord = encodeCbor([
  1,
  'example.org/log',
  'example.org',
  [],
  new Uint8Array(32),
]);
const ledgerId = sha256(provisioningRecord);
const segmentBytes = 1n << 20n;
const ownerContactField = 33;

function entry(number: number, fields: unknown[]): LedgerSystemEntry {
  const encoded = encodeCbor(fields as Parameters<typeof encodeCbor>[0]);
  return { number, taiNs: 5n, monotonicRawNs: 6n, fields: encoded, bodies: [] };
}

const genesis = entry(0, [provisioningRecord, 'key', Uint8Array.of(1)]);
const boot = entry(1, [0, '0.1.0', new Uint8Array(16), 1, 2, 2, null, []]);
const alarm = entry(27, ['test', 'a message']);

function enrolment(agentId: string, contact: Uint8Array): LedgerSystemEntry {
  const body = { salt: new Uint8Array(32).fill(3), bytes: contact };
  const digest = commitment(ownerContactField, body);
  const commitments = [[ownerContactField, contact.length, digest, null, 1]];
  const key = Uint8Array.of(1, 2, 3);
  return {
    ...entry(8, [agentId, 'owner', 'purpose', key, key, [1000, 'control'], commitments, []]),
    bodies: [{ field: ownerContactField, ...body }],
  };
}

function isNativeError(code: string): (error: unknown) => boolean {
  return (error) =>
    error instanceof NativeError && error.domain === 'ledger' && error.code === code;
}

describe('ledger', () => {
  let folder = '';
  let ledger: Ledger;

  const apply = (...system: LedgerSystemEntry[]): Promise<Applied> =>
    ledger.apply(null, { taiMinusUtcSeconds: 37, system });

  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'kudurru-ledger-'));
    ledger = await openLedger({ folder: join(folder, 'state'), ledgerId, segmentBytes });
    await ledger.useScopeKey('system', new Uint8Array(32).fill(9));
  });

  afterEach(async () => {
    await ledger.release();
    rmSync(folder, { recursive: true });
  });

  it('says where each entry stands, and what the log is then', async () => {
    assert.equal(ledger.opening.created, true);
    assert.equal(ledger.facts.size, 0n);
    const applied = await apply(genesis, boot, alarm);
    assert.equal(applied.firstIndex, 0n);
    assert.deepEqual(
      applied.outcomes.map((outcome) => ('index' in outcome ? outcome.index : outcome.refusal)),
      [0n, 1n, 2n],
    );
    const entries = await ledger.readEntries(0n, 10n);
    const hashes = entries.map((bytes) => leafHash(bytes));
    assert.deepEqual(ledger.facts.root, rootOfLeafHashes(hashes));
    assert.equal(ledger.facts.bootIndex, 1n);
    assert.equal(ledger.facts.bootCount, 1);
    assert.deepEqual(await ledger.groupOf(1n), { size: 3n, root: ledger.facts.root });
    assert.equal(await ledger.lastOfKind(27), 2n);
    assert.equal(await ledger.lastOfKind(20), null);
    await assert.rejects(ledger.readEntry(3n), isNativeError('not-found'));
  });

  it('refuses an entry by itself and takes the others', async () => {
    const { outcomes } = await apply(alarm, genesis, genesis, boot, entry(22, ['only one field']));
    const codes = outcomes.map((outcome) => ('refusal' in outcome ? outcome.refusal.code : null));
    assert.deepEqual(codes, ['not-ready', null, 'entry-out-of-place', null, 'entry-malformed']);
    const [first] = outcomes;
    assert.ok(first !== undefined && 'refusal' in first);
    assert.equal(first.refusal.retry, 'later');
    assert.equal(ledger.facts.size, 2n);
  });

  it('proves what the verifier accepts, for sizes before and after a tile is full', async () => {
    await apply(genesis, boot);
    const roots = new Map<bigint, Uint8Array>();
    for (let round = 0; round < 30; round += 1) {
      const { facts } = await apply(...Array<LedgerSystemEntry>(20).fill(alarm));
      roots.set(facts.size, facts.root);
    }
    const newSize = ledger.facts.size;
    for (const [size, root] of roots) {
      assert.deepEqual(await ledger.rootAt(size), root);
      const consistency = await ledger.consistencyPath(size, newSize);
      const claim = { oldSize: size, oldRoot: root, newSize, newRoot: ledger.facts.root };
      assert.ok(verifyConsistency(claim, consistency), `consistency from ${size}`);
      const index = size / 2n;
      const path = await ledger.inclusionPath(index, size);
      const leaf = leafHash(await ledger.readEntry(index));
      assert.ok(verifyInclusion({ index, size, leafHash: leaf, root }, path), `entry ${index}`);
    }
    await assert.rejects(ledger.inclusionPath(3n, 3n), isNativeError('bad-argument'));
    await assert.rejects(ledger.rootAt(newSize + 1n), isNativeError('not-found'));
  });

  it('publishes tiles from which a reader derives the root', async () => {
    await apply(genesis, boot, ...Array<LedgerSystemEntry>(600).fill(alarm));
    const { size, root } = ledger.facts;
    await ledger.publish(size);
    const seen: bigint[] = [];
    const fetch = (path: string): Promise<Uint8Array> =>
      Promise.resolve(new Uint8Array(readFileSync(join(folder, 'state', path))));
    await auditTiles(fetch, { size, root }, (index) => seen.push(index));
    assert.equal(BigInt(seen.length), size);
    await assert.rejects(ledger.publish(size + 1n), isNativeError('bad-argument'));
  });

  it('makes files of the tree again', async () => {
    await apply(genesis, boot, ...Array<LedgerSystemEntry>(600).fill(alarm));
    await ledger.publish(ledger.facts.size);
    const read = (path: string): Uint8Array =>
      new Uint8Array(readFileSync(join(folder, 'state', path)));
    for (const level of [0, 'entries'] as const) {
      const path = `tile/${level}/001`;
      const before = read(path);
      rmSync(join(folder, 'state', path));
      assert.deepEqual(new Uint8Array(await ledger.remakeTile(level, 1n, 256)), before);
      assert.deepEqual(read(path), before);
    }
    const last = read('tile/0/002.p/90');
    assert.deepEqual(new Uint8Array(await ledger.remakeTile(0, 2n, 89)), last.slice(0, 89 * 32));
    assert.deepEqual(new Uint8Array(await ledger.remakeTile(1, 0n, 2)), read('tile/1/000.p/2'));
    for (const [level, index, width] of [
      [0, 2n, 91],
      ['entries', 2n, 256],
      [1, 0n, 3],
      [63, 0n, 1],
    ] as const) {
      await assert.rejects(ledger.remakeTile(level, index, width), isNativeError('not-found'));
    }
  });

  it('seals private bodies and opens them again', async () => {
    const contact = new TextEncoder().encode('owner@example.org');
    await apply(genesis, boot);
    const { outcomes } = await apply(enrolment('spiffe://example.org/agent/a', contact));
    assert.ok(outcomes[0] !== undefined && 'index' in outcomes[0]);
    const opened = await ledger.openBody(outcomes[0].index, ownerContactField);
    assert.deepEqual(opened?.bytes, contact);
    assert.equal(await ledger.openBody(outcomes[0].index, 1), null);
    const journal = readFileSync(join(folder, 'state', 'journal', '00000000.journal'));
    assert.equal(journal.includes(Buffer.from(contact)), false);
    assert.deepEqual(await ledger.agents(), [
      { index: 2n, agentId: 'spiffe://example.org/agent/a', nextSessionNumber: 0 },
    ]);
    assert.deepEqual((await ledger.agentHeads()).leaves, []);
  });

  it('keeps sessions, records and root over a restart, and knows how the run ended', async () => {
    await apply(
      genesis,
      boot,
      entry(8, [
        'spiffe://example.org/agent/a',
        'o',
        'p',
        Uint8Array.of(1),
        Uint8Array.of(1),
        [1, 'control'],
        [],
        [],
      ]),
    );
    const { outcomes } = await apply(entry(4, [2, 0, Uint8Array.of(1), 2, []]));
    assert.ok(outcomes[0] !== undefined && 'leafHash' in outcomes[0]);
    for (const byte of [1, 2, 3]) await ledger.appendRecord('prepare', Uint8Array.of(byte));
    const { facts } = ledger;
    // Let go of, without a stop record: an unclean end. Stopped: a clean one, for every start that
    // adds nothing.
    for (const end of ['release', 'stop', 'release'] as const) {
      const { stoppedCleanly } = ledger.opening;
      await ledger[end]();
      ledger = await openLedger({ folder: join(folder, 'state'), ledgerId, segmentBytes });
      assert.equal(ledger.opening.stoppedCleanly, end === 'stop' || stoppedCleanly);
      assert.match(ledger.opening.tailRead, /^(direct|dropped-cache)$/u);
      assert.deepEqual(ledger.facts, facts);
      const [session] = await ledger.openSessions();
      assert.deepEqual(session?.id, outcomes[0].leafHash);
      const records = await ledger.records('prepare', { newest: 2 });
      assert.deepEqual(
        records.map(({ bytes }) => [...bytes]),
        [[2], [3]],
      );
    }
    assert.deepEqual(readLedgerId(join(folder, 'state')), ledgerId);
  });

  it('refuses a folder in use, naming the process, and one of another ledger', async () => {
    const state = join(folder, 'state');
    await assert.rejects(openLedger({ folder: state, ledgerId }), (error) => {
      assert.ok(error instanceof NativeError && error.code === 'state-folder-locked');
      assert.match(error.message, new RegExp(`in use by process ${process.pid}$`, 'u'));
      return true;
    });
    await ledger.stop();
    const other = new Uint8Array(32).fill(1);
    await assert.rejects(
      openLedger({ folder: state, ledgerId: other }),
      isNativeError('journal-wrong-ledger'),
    );
    await assert.rejects(
      openLedger({ folder: join(folder, 'no', 'parent'), ledgerId }),
      isNativeError('state-folder-unusable'),
    );
    await assert.rejects(apply(alarm), isNativeError('ledger-closed'));
  });

  it('is checked from its bytes on disk, and a changed byte is found', async () => {
    const contact = new Uint8Array(100).fill(7);
    await apply(genesis, boot, enrolment('spiffe://example.org/agent/a', contact));
    await apply(...Array<LedgerSystemEntry>(300).fill(alarm));
    await ledger.publish(ledger.facts.size);
    await ledger.stop();
    const state = join(folder, 'state');
    const scopeKeys = new Map([['system', new Uint8Array(32).fill(9)]]);
    const clean = await fsckScan(state, { scopeKeys });
    assert.deepEqual(clean.findings.list, []);
    assert.equal(clean.size, ledger.facts.size);
    assert.deepEqual(clean.root, ledger.facts.root);
    assert.equal(clean.bodiesOpened, 1n);
    assert.equal(clean.tiles, 5n);
    const tile = join(state, 'tile', '0', '000');
    writeFileSync(tile, readFileSync(tile).fill(0, 100, 101));
    const [wrong] = (await fsckScan(state)).findings.list;
    assert.deepEqual(
      [wrong?.weight, wrong?.code, wrong?.file, wrong?.offset],
      ['rebuildable', 'tile-wrong', 'tile/0/000', 100n],
    );
    assert.equal((await fsckScan(state, { repairsTiles: true })).tilesRepaired, 1n);
    assert.deepEqual((await fsckScan(state)).findings.list, []);
    const segment = join(state, 'journal', '00000000.journal');
    const bytes = readFileSync(segment);
    bytes[5000] = (bytes[5000] ?? 0) ^ 1;
    writeFileSync(segment, bytes);
    const published = { size: clean.size, root: clean.root };
    const { findings, size, sizeChecked, recovered } = await fsckScan(state, { published });
    const [damage] = findings.list;
    assert.deepEqual(
      [damage?.weight, damage?.code, damage?.file],
      ['damage', 'record-damaged', join('journal', '00000000.journal')],
    );
    assert.ok((damage?.offset ?? 0n) <= 5000n && size < clean.size);
    assert.equal(sizeChecked, clean.size);
    assert.ok(recovered > 0n);
    await assert.rejects(openLedger({ folder: state, ledgerId }), isNativeError('journal-corrupt'));
    await assert.rejects(fsckScan(join(folder, 'nowhere')), isNativeError('state-folder-unusable'));
  });

  it('leaves nothing but its own files, closed to others', () => {
    assert.deepEqual(readdirSync(join(folder, 'state')).sort(), ['journal', 'lock', 'lookup']);
    const names = readdirSync(join(folder, 'state'), { recursive: true, encoding: 'utf8' });
    assert.ok(names.includes(join('journal', 'next.journal')));
    for (const name of names) {
      assert.equal(statSync(join(folder, 'state', name)).mode & 0o077, 0, name);
    }
  });
});
