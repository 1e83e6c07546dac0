import assert from 'node:assert/strict';
import { generateKeyPairSync, sign } from 'node:crypto';
import { setImmediate } from 'node:timers/promises';
import { describe, it } from 'mocha';
import {
  decodeAnchoredReceipt,
  emptyRoot,
  leafHash,
  MerkleTree,
  parseCheckpoint,
  sha256,
  verifyNote,
  type VerifierKey,
} from '@kudurru/proof';

import { Anchorer } from '../../src/anchor/anchorer.ts';
import { Checkpoints } from '../../src/anchor/checkpoints.ts';
import { AnchorMaker } from '../../src/anchor/maker.ts';
import { decodePlan, encodePlan, type AnchorPlan } from '../../src/anchor/plan.ts';
import type { AnchorContent, AnchorLedger } from '../../src/anchor/ports.ts';
import { KudurruError } from '../../src/base/errors.ts';
import { openLog } from '../../src/base/log.ts';
import { leafIndex, treeSize } from '../../src/base/units.ts';
import type { AttestationDevice } from '../../src/hardware/attestation-device.ts';
import { DeviceError } from '../../src/hardware/device-error.ts';

const hash = new Uint8Array(32).fill(3);

describe('anchorer', () => {
  it('counts first, binds the tree, and covers its entry with a checkpoint', async () => {
    const { anchorer, steps, world } = begin();
    await anchorer.start(null);
    assert.deepEqual(steps, [
      'plan counter-anchor 0 at 2',
      'increment',
      'bracket',
      'bracket',
      'certify',
      'checkpoint 2',
      'entry 0',
      'checkpoint 3',
      'publish 3',
    ]);
    assert.equal(world.counter, 41n);
    assert.equal(anchorer.lastAnchor?.counterExpected, 41n);
  });

  it('finishes what was prepared with the same tree, also after its increment', async () => {
    for (const counter of [40n, 41n]) {
      const { anchorer, steps, world, ledger } = begin();
      world.counter = counter;
      const plan = await planOf(ledger, 'counter-anchor', 41n);
      world.grow(5);
      await anchorer.start(decodePlan(encodePlan(plan)));
      assert.deepEqual(steps.slice(0, steps.indexOf('entry 0')), [
        ...(counter === 40n ? ['increment'] : []),
        'bracket',
        'bracket',
        'certify',
        'checkpoint 2',
      ]);
      assert.equal(world.anchors[0]?.size, 2n);
      assert.equal(world.anchors[1]?.previousAnchorLeafHash, world.anchorHashes[0]);
      assert.equal(world.counter, 42n);
    }
  });

  it('gives those who wait a receipt that proves itself', async () => {
    const { anchorer, world, logKey } = begin();
    await anchorer.start(null);
    const statementIndex = leafIndex(world.grow(3));
    anchorer.noteActivity([{ connection: 9n, firstSequence: 0, statementIndex }]);
    await anchorer.stop();
    const [pushed, ...more] = world.pushed;
    assert.ok(pushed !== undefined && more.length === 0);
    assert.equal(pushed.awaiting.connection, 9n);
    const receipt = decodeAnchoredReceipt(pushed.receipt);
    assert.equal(receipt.statement.index, statementIndex);
    assert.equal(verifyNote(parseCheckpoint(receipt.checkpoint).note, logKey), 'valid');
  });

  it('takes an entry for covered only once its anchor can be shown', async () => {
    const { anchorer, steps, world } = begin();
    const shown = Promise.withResolvers<void>();
    world.shown = shown.promise;
    const started = anchorer.start(null);
    while (!steps.includes('publish 3')) await setImmediate();
    assert.equal(anchorer.lastAnchor?.size, 2n);
    const covered = anchorer.cover(leafIndex(0n)).then(() => steps.push('covered'));
    await setImmediate();
    assert.ok(!steps.includes('covered'));
    shown.resolve();
    await Promise.all([started, covered]);
    await anchorer.stop();
  });

  it('does not increment twice where the answer to an increment was lost', async () => {
    const { anchorer, world, steps } = begin();
    world.failIncrementAfter = true;
    await assert.rejects(anchorer.start(null), DeviceError);
    world.failIncrementAfter = false;
    await anchorer.stop();
    assert.equal(world.counter, 42n);
    assert.equal(world.anchors[0]?.counterExpected, 41n);
    assert.equal(steps.filter((step) => step.startsWith('plan')).length, 2);
  });

  it('refuses a counter that something else has moved', async () => {
    const { anchorer, world } = begin();
    world.counter = 45n;
    await assert.rejects(
      anchorer.start(null),
      (error) => error instanceof KudurruError && error.code === 'anchor-contradiction',
    );
    assert.deepEqual(world.anchors, []);
  });
});

async function planOf(
  ledger: AnchorLedger,
  kind: AnchorPlan['kind'],
  expected: bigint,
): Promise<AnchorPlan> {
  return {
    kind,
    anchorSequence: 0n,
    previousAnchorIndex: null,
    previousAnchorLeafHash: new Uint8Array(32),
    ...(await ledger.snapshot()),
    counterExpected: expected,
  };
}

/** A ledger in memory and devices of software keys: what they are asked is noted in order. */
class World {
  readonly steps: string[] = [];
  readonly anchors: AnchorContent[] = [];
  readonly anchorHashes: Uint8Array[] = [];
  readonly pushed: { awaiting: { connection: bigint }; receipt: Uint8Array }[] = [];
  readonly entries: Uint8Array[] = [];
  readonly tree = new MerkleTree(() => undefined);
  /** What is published is shown when this resolves. */
  shown = Promise.resolve();
  counter = 40n;
  failIncrementAfter = false;

  /** Appends so many entries; the index of the first. */
  grow(count: number): bigint {
    const first = this.tree.size;
    for (let grown = 0; grown < count; grown++) this.append(Uint8Array.of(this.entries.length));
    return first;
  }

  append(entry: Uint8Array): Uint8Array {
    this.entries.push(entry);
    this.tree.append(entry);
    return leafHash(entry);
  }

  head() {
    return { size: treeSize(this.tree.size), root: this.tree.root() };
  }
}

function ledgerOf(world: World): AnchorLedger {
  return {
    head: () => world.head(),
    snapshot: () => Promise.resolve({ ...world.head(), agentHeadsRoot: emptyRoot() }),
    recordCheckpoint: (note) => {
      world.steps.push(`checkpoint ${parseCheckpoint(note).size}`);
      return Promise.resolve();
    },
    recordPlan: (bytes) => {
      const { kind, anchorSequence, size } = decodePlan(bytes);
      world.steps.push(`plan ${kind} ${anchorSequence} at ${size}`);
      return Promise.resolve();
    },
    appendAnchor: (content) => {
      world.steps.push(`entry ${content.anchorSequence}`);
      world.anchors.push(content);
      const index = leafIndex(world.tree.size);
      const placed = { index, leafHash: world.append(content.right.attest) };
      world.anchorHashes.push(placed.leafHash);
      return Promise.resolve(placed);
    },
    readEntry: (index) => Promise.resolve(world.entries[Number(index)] ?? assert.fail('no entry')),
    inclusionPath: () => Promise.resolve([]),
    consistencyPath: () => Promise.resolve([]),
  };
}

function deviceOf(world: World): AttestationDevice {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const signed = (message: Uint8Array) =>
    new Uint8Array(sign('sha256', message, { key: privateKey, dsaEncoding: 'ieee-p1363' }));
  const attest = (data: Uint8Array) => ({ attest: sha256(data), signature: signed(data) });
  return {
    describe: () => assert.fail('not part of this test'),
    bracket: (data) => {
      world.steps.push('bracket');
      return Promise.resolve(attest(data));
    },
    certifyCounter: (data) => {
      if (data.length > 0) world.steps.push('certify');
      return Promise.resolve({ ...attest(data), value: world.counter });
    },
    signCheckpoint: (message) => Promise.resolve(signed(message)),
    incrementCounter: () => {
      world.steps.push('increment');
      world.counter += 1n;
      if (world.failIncrementAfter) {
        const failure = new DeviceError('device-deadline-exceeded', 'no answer', {
          deviceMayHaveChanged: true,
        });
        return Promise.reject(failure);
      }
      return Promise.resolve(world.counter);
    },
  };
}

function begin() {
  const world = new World();
  world.grow(2);
  const ledger = ledgerOf(world);
  const log = generateKeyPairSync('ed25519');
  const { x = '' } = log.publicKey.export({ format: 'jwk' });
  const logKey: VerifierKey = {
    name: 'example.org/log',
    key: { algorithm: 'Ed25519', bytes: new Uint8Array(Buffer.from(x, 'base64url')) },
  };
  const point = new Uint8Array(
    generateKeyPairSync('ec', { namedCurve: 'P-256' })
      .publicKey.export({ type: 'spki', format: 'der' })
      .subarray(-65),
  );
  const device = deviceOf(world);
  const checkpoints = new Checkpoints({
    origin: logKey.name,
    logKey,
    applianceKey: {
      name: `${logKey.name}/appliance/0`,
      key: { algorithm: 'ESP256', bytes: point },
    },
    token: {
      sign: (message) => Promise.resolve(new Uint8Array(sign(null, message, log.privateKey))),
    },
    device,
    ledger,
    deviceTimeoutMs: 1000,
  });
  const maker = new AnchorMaker({
    ledgerId: hash,
    applianceId: hash,
    device,
    checkpoints,
    takeEvidence: () => Uint8Array.of(1),
    deviceTimeoutMs: 1000,
  });
  const anchorer = new Anchorer({
    schedule: { anchorIntervalMs: 60_000, counterIntervalMs: 60_000 },
    ledger,
    maker,
    checkpoints,
    counterBase: 40n,
    lastAnchor: null,
    countedSize: treeSize(0n),
    publish: (head) => {
      assert.equal(head.size, world.tree.size);
      world.steps.push(`publish ${head.size}`);
      return world.shown;
    },
    pushReceipts: (receipts) => world.pushed.push(...receipts),
    raiseAlarm: () => assert.fail('no alarm is due'),
    fail: (error) => assert.fail(String(error)),
    nowMs: () => 0,
    log: openLog({ level: 'error', write: (line) => assert.fail(line) }),
  });
  return { anchorer, world, ledger, steps: world.steps, logKey };
}
