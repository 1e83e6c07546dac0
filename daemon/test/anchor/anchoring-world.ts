/** A ledger in memory with a twin of a TPM, and the anchoring of it: what is done is noted. */
import assert from 'node:assert/strict';
import { generateKeyPairSync, sign } from 'node:crypto';
import {
  emptyRoot,
  extendBase,
  leafHash,
  MerkleTree,
  parseCheckpoint,
  type VerifierKey,
} from '@kudurru/proof';

import { Anchorer } from '../../src/anchor/anchorer.ts';
import { quoteBoot, type BootQuote } from '../../src/anchor/boot-quote.ts';
import { Checkpoints } from '../../src/anchor/checkpoints.ts';
import { AnchorMaker } from '../../src/anchor/maker.ts';
import {
  lastAnchorOf,
  type AnchorContent,
  type AnchorLedger,
  type LastAnchor,
} from '../../src/anchor/ports.ts';
import { decodePrepared, type PreparedAnchor } from '../../src/anchor/prepared.ts';
import { checkStart, type LoggedTpm, type QuotedBoot } from '../../src/anchor/start-rule.ts';
import { TpmHistory } from '../../src/anchor/tpm-history.ts';
import { openLog } from '../../src/base/log.ts';
import { leafIndex, treeSize } from '../../src/base/units.ts';
import { TwinTpm } from './twin-tpm.ts';

export const identity = {
  ledgerId: new Uint8Array(32).fill(3),
  applianceId: new Uint8Array(32).fill(4),
};
const anchorPcr = 14;
const counterBase = 40n;
const logKeys = generateKeyPairSync('ed25519');
const { x = '' } = logKeys.publicKey.export({ format: 'jwk' });

export const logKey: VerifierKey = {
  name: 'example.org/log',
  key: { algorithm: 'Ed25519', bytes: new Uint8Array(Buffer.from(x, 'base64url')) },
};
const appliancePoint = new Uint8Array(
  generateKeyPairSync('ec', { namedCurve: 'P-256' })
    .publicKey.export({ type: 'spki', format: 'der' })
    .subarray(-65),
);

export interface BootNoted {
  readonly quote: BootQuote;
  readonly quoted: QuotedBoot;
  /** Anchors before it. */
  readonly anchors: number;
}

/** What survives a crash: log, prepare records, TPM. */
export class World {
  readonly tpm = new TwinTpm(extendBase(identity.ledgerId));
  readonly steps = this.tpm.steps;
  readonly anchors: AnchorContent[] = [];
  readonly anchorHashes: Uint8Array[] = [];
  readonly boots: BootNoted[] = [];
  readonly pushed: { awaiting: { connection: bigint }; receipt: Uint8Array }[] = [];
  readonly entries: Uint8Array[] = [];
  readonly tree = new MerkleTree(() => undefined);
  prepared: PreparedAnchor | null = null;
  lastAnchor: LastAnchor | null = null;
  extend = extendBase(identity.ledgerId);
  /** What is published is shown when this resolves. */
  shown = Promise.resolve();

  constructor() {
    this.grow(2);
  }

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

  logged(): LoggedTpm {
    const { lastAnchor, extend, prepared } = this;
    const lastBoot = this.boots.at(-1)?.quoted ?? null;
    return { identity, counterBase, lastAnchor, extend, lastBoot, prepared };
  }

  ledger(): AnchorLedger {
    return {
      head: () => this.head(),
      snapshot: () => Promise.resolve({ ...this.head(), agentHeadsRoot: emptyRoot() }),
      recordCheckpoint: (note) => {
        this.steps.push(`checkpoint ${parseCheckpoint(note).size}`);
        return Promise.resolve();
      },
      recordPlan: (bytes) => {
        this.prepared = decodePrepared(bytes);
        const { kind, anchorSequence, size } = this.prepared.plan;
        const record = this.prepared.bound === null ? 'plan' : 'bound';
        this.steps.push(`${record} ${kind} ${anchorSequence} at ${size}`);
        return Promise.resolve();
      },
      appendAnchor: (content) => Promise.resolve(this.#appendAnchor(content)),
      readEntry: (index) => Promise.resolve(this.entries[Number(index)] ?? assert.fail('no entry')),
      inclusionPath: () => Promise.resolve([]),
      consistencyPath: () => Promise.resolve([]),
    };
  }

  async boot(): Promise<QuotedBoot> {
    const bootNumber = this.boots.length;
    const kernelBootId = new Uint8Array(16);
    const options = { device: this.tpm, identity, pcrs: [0], anchorPcr, deviceTimeoutMs: 1000 };
    const { quote, quoted } = await quoteBoot(options, { bootNumber, kernelBootId });
    this.steps.push('boot');
    this.boots.push({ quote, quoted, anchors: this.anchors.length });
    return quoted;
  }

  #appendAnchor(content: AnchorContent) {
    this.steps.push(`entry ${content.anchorSequence}`);
    this.anchors.push(content);
    const index = leafIndex(this.tree.size);
    const placed = { index, leafHash: this.append(content.right.attest) };
    this.anchorHashes.push(placed.leafHash);
    this.lastAnchor = lastAnchorOf(placed, content);
    if (content.extend !== null) this.extend = content.extend.attest.slice(-32);
    return placed;
  }
}

/** A start of the daemon over what there is. */
export async function begin(world = new World()) {
  const registers = await world.tpm.readRegisters();
  const { unfinished, replayed } = checkStart(registers, world.logged());
  const history = new TpmHistory(identity, replayed, registers.clock);
  const quoted = await world.boot();
  history.checkQuote(quoted, registers, unfinished);
  history.enter(quoted);
  const ledger = world.ledger();
  const device = world.tpm;
  const checkpoints = new Checkpoints({
    origin: logKey.name,
    logKey,
    applianceKey: {
      name: `${logKey.name}/appliance/0`,
      key: { algorithm: 'ESP256', bytes: appliancePoint },
    },
    token: {
      sign: (message) => Promise.resolve(new Uint8Array(sign(null, message, logKeys.privateKey))),
    },
    device,
    ledger,
    deviceTimeoutMs: 1000,
  });
  const maker = new AnchorMaker({
    history,
    device,
    checkpoints,
    ledger,
    pcrIndex: anchorPcr,
    takeEvidence: async () => ({
      evidence: Uint8Array.of(world.tpm.calls),
      rawEvidence: null,
    }),
    recordTpmBoot: () => world.boot(),
    deviceTimeoutMs: 1000,
  });
  const anchorer = new Anchorer({
    schedule: { anchorIntervalMs: 60_000, counterIntervalMs: 60_000 },
    ledger,
    maker,
    checkpoints,
    counterBase,
    lastAnchor: world.lastAnchor,
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
  return { anchorer, maker, world, unfinished, steps: world.steps };
}
