import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'mocha';
import { decodeEntry, equalBytes, leafHash, ledgerIdOf, verifyInclusion } from '@kudurru/proof';

import { isKudurruError } from '../../src/base/errors.ts';
import { openLog } from '../../src/base/log.ts';
import { leafIndex } from '../../src/base/units.ts';
import { makeProvisioningRecord } from '../../src/ledger/founding.ts';
import { Ledger } from '../../src/ledger/ledger.ts';
import { ledgerIdIn, openStore, type LedgerStore } from '../../src/ledger/store.ts';
import { systemEntry, type SystemEntry } from '../../src/ledger/system-entry.ts';

const provisioningRecord = makeProvisioningRecord({
  origin: 'example.org/log',
  trustDomain: 'example.org',
  operators: [],
});
const ledgerId = ledgerIdOf(provisioningRecord);

describe('ledger', () => {
  let folder = '';
  let store: LedgerStore;
  let ledger: Ledger;
  const failures: unknown[] = [];

  before(async () => {
    folder = join(mkdtempSync(join(tmpdir(), 'kudurru-ledger-')), 'state');
    assert.equal(ledgerIdIn(folder), null);
    store = await openStore({ folder, ledgerId });
    ledger = ledgerOver(store, failures);
  });
  after(() => rmSync(join(folder, '..'), { recursive: true }));

  it('begins with genesis and boot in one group', async () => {
    assert.equal(ledger.head().size, 0n);
    const [genesis, boot] = await ledger.append(beginning());
    assert.ok(genesis !== undefined && 'index' in genesis && genesis.index === 0n);
    assert.ok(boot !== undefined && 'index' in boot && boot.index === 1n);
    assert.equal(ledger.head().size, 2n);
    assert.deepEqual(ledgerIdIn(folder), ledgerId);
  });

  it('places what is appended together in the order of the calls', async () => {
    const placed = await Promise.all(['a', 'b', 'c'].map((code) => ledger.appendOne(alarm(code))));
    assert.deepEqual(
      placed.map(({ index }) => index),
      [2n, 3n, 4n],
    );
    for (const { index, leafHash: hash } of placed) {
      const bytes = await ledger.readEntry(index);
      assert.ok(equalBytes(leafHash(bytes), hash));
    }
    const entry = decodeEntry(await ledger.readEntry(leafIndex(3n)));
    assert.ok(entry.kind === 'alarm' && entry.code === 'b');
  });

  it('refuses one entry and keeps its neighbours', async () => {
    const closing = systemEntry('session.close', {
      sessionIndex: 99n,
      actionCount: 0,
      reason: 'idle',
    });
    const outcomes = await ledger.append([alarm('d'), closing, alarm('e')]);
    const [first, refused, last] = outcomes;
    assert.ok(first !== undefined && 'index' in first && first.index === 5n);
    assert.ok(refused !== undefined && 'refusal' in refused);
    assert.equal(refused.refusal.code, 'entry-out-of-place');
    assert.ok(last !== undefined && 'index' in last && last.index === 6n);
    assert.deepEqual(failures, []);
  });

  it('proves what it holds', async () => {
    const { size, root } = ledger.head();
    const index = leafIndex(4n);
    const claim = { index, size, root, leafHash: leafHash(await ledger.readEntry(index)) };
    assert.ok(verifyInclusion(claim, await ledger.inclusionPath(index, size)));
    assert.deepEqual(await ledger.rootAt(size), root);
    await assert.rejects(ledger.readEntry(leafIndex(7n)), (error) =>
      isKudurruError(error, 'not-found'),
    );
  });

  it('is the same after an end in order', async () => {
    const head = ledger.head();
    await ledger.record('checkpoint', Uint8Array.of(1));
    await ledger.record('checkpoint', Uint8Array.of(2));
    await store.stop();
    store = await openStore({ folder, ledgerId });
    ledger = ledgerOver(store, failures);
    assert.deepEqual(ledger.head(), head);
    assert.equal(store.stoppedCleanly, true);
    const [newest] = await ledger.records('checkpoint', { newest: 1 });
    assert.deepEqual(newest, { record: 5n, treeSize: 7n, bytes: Uint8Array.of(2) });
  });

  it('tells everybody who waits, and the daemon, when it cannot write', async () => {
    await ledger.append(beginning().slice(1));
    await store.stop();
    const waiting = [ledger.appendOne(alarm('f')), ledger.appendOne(alarm('g'))];
    for (const each of waiting) {
      await assert.rejects(each, (error) => isKudurruError(error) && error.retry === 'restart');
    }
    assert.ok(failures.length > 0);
  });
});

function ledgerOver(store: LedgerStore, failures: unknown[]): Ledger {
  let taiNs = 1_800_000_000_000_000_000n;
  return new Ledger({
    store,
    clock: {
      now: () => ({ taiNs: (taiNs += 1n), monotonicRawNs: 1n }),
      taiMinusUtcSeconds: () => 37,
    },
    token: {
      wrap: () => assert.fail('no scope is used'),
      unwrap: () => assert.fail('no scope is used'),
    },
    deviceTimeoutMs: 1000,
    fail: (error) => failures.push(error),
    log: openLog({ level: 'error', write: (line) => assert.fail(line) }),
  });
}

function beginning(): SystemEntry[] {
  const anything = Uint8Array.of(1);
  return [
    systemEntry('genesis', { provisioningRecord, logKey: 'key', applianceDocument: anything }),
    systemEntry('boot', {
      bootNumber: 0,
      softwareVersion: 'test',
      kernelBootId: new Uint8Array(16),
      writerLevel: 'pidfd',
      attestationLabel: 'emulated',
      tokenLabel: 'emulated',
      bootQuote: null,
    }),
  ];
}

function alarm(code: string): SystemEntry {
  return systemEntry('alarm', { code, message: 'test' });
}
