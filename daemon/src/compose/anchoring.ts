/** Anchoring connected to devices, ledger and intake; and the checks that a start makes of both. */
import { renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import {
  decodeEntry,
  equalBytes,
  isAnchorEntry,
  leafHash,
  parseCheckpoint,
  type AnchorEntry,
} from '@kudurru/proof';

import { Anchorer } from '../anchor/anchorer.ts';
import { Checkpoints, type SignedHead } from '../anchor/checkpoints.ts';
import { AnchorMaker } from '../anchor/maker.ts';
import { decodePlan, type AnchorPlan } from '../anchor/plan.ts';
import type { AnchorContent, AnchorLedger, LastAnchor } from '../anchor/ports.ts';
import type { AnchoredReceipt } from '../anchor/receipts.ts';
import { checkStart } from '../anchor/start-rule.ts';
import { KudurruError } from '../base/errors.ts';
import type { Log } from '../base/log.ts';
import { leafIndex, treeSize, type TreeSize } from '../base/units.ts';
import type { Configuration } from '../config/load.ts';
import type { Ledger, StoredRecord } from '../ledger/ledger.ts';
import { systemEntry, type SystemEntry } from '../ledger/system-entry.ts';
import type { Clock } from '../time/clock.ts';
import type { Devices } from './devices.ts';
import type { FoundedLedger } from './founding.ts';

export interface AnchoringOptions {
  readonly configuration: Configuration;
  readonly founded: FoundedLedger;
  readonly ledger: Ledger;
  readonly devices: Devices;
  readonly clock: Clock;
  /** The tree of this size can be read from its tiles. */
  readonly followTiles: (size: TreeSize) => void;
  readonly pushReceipts: (receipts: readonly AnchoredReceipt[]) => void;
  readonly raiseAlarm: (code: string, message: string) => void;
  readonly fail: (error: unknown) => void;
  readonly nowMs: () => number;
  readonly log: Log;
}

export interface Anchoring {
  readonly anchorer: Anchorer;
  readonly checkpoints: Checkpoints;
  /** An anchor that was under way when the last run ended; null when none was. */
  readonly unfinished: AnchorPlan | null;
}

/** Checkpoints that are read at once, to be compared with the tree. */
const checkpointsPage = 256;

/**
 * @throws KudurruError `checkpoint-contradiction`, `anchor-contradiction`, and DeviceError
 */
export async function prepareAnchoring(options: AnchoringOptions): Promise<Anchoring> {
  const { founded, devices, ledger, clock, configuration } = options;
  const { deviceTimeoutMs, anchorIntervalMs, counterIntervalMs } = configuration.settings;
  await checkCheckpoints(ledger, founded.store.opening.replay.from.record);
  const faces = anchorLedger(ledger);
  const checkpoints = new Checkpoints({
    origin: founded.origin,
    logKey: founded.logKey,
    applianceKey: founded.applianceKey,
    token: devices.token,
    device: devices.attestation,
    ledger: faces,
    deviceTimeoutMs,
  });
  const maker = new AnchorMaker({
    ledgerId: founded.ledgerId,
    applianceId: founded.applianceId,
    device: devices.attestation,
    checkpoints,
    takeEvidence: () => clock.evidence(),
    deviceTimeoutMs,
  });
  const counterBase = BigInt(founded.document.counterBase);
  const { lastAnchor, countedSize } = await readLastAnchor(ledger);
  const [lastPlan] = (await ledger.records('prepare', { newest: 1 })).map(decodePlanOfAnchor);
  const counter = await maker.counterValue();
  const unfinished = checkStart({
    counter,
    counterBase,
    lastAnchor,
    lastPlan: lastPlan ?? null,
  });
  const anchorer = new Anchorer({
    ...options,
    schedule: { anchorIntervalMs, counterIntervalMs },
    ledger: faces,
    maker,
    checkpoints,
    counterBase,
    lastAnchor,
    countedSize,
    publish: (head) => publish(head, checkpoints, options),
  });
  return { anchorer, checkpoints, unfinished };
}

/** The first prepare record of a ledger is its provisioning record. */
function decodePlanOfAnchor({ treeSize: size, bytes }: StoredRecord): AnchorPlan | null {
  return size === 0n ? null : decodePlan(bytes);
}

/** Tiles first, then the checkpoint that promises them. */
async function publish(
  head: SignedHead,
  checkpoints: Checkpoints,
  { ledger, configuration, followTiles }: AnchoringOptions,
): Promise<void> {
  await ledger.publish(head.size);
  const path = join(configuration.state, 'checkpoint');
  writeFileSync(`${path}.new`, head.note);
  renameSync(`${path}.new`, path);
  checkpoints.notePublished(head);
  followTiles(head.size);
}

/**
 * Every checkpoint that was ever signed agrees with the tree: those of records that were replayed,
 * and the newest page in any case, are compared now; older ones were compared before the snapshot
 * was made that the replay began from, since nothing is written before this has passed.
 * @throws KudurruError `checkpoint-contradiction`
 */
async function checkCheckpoints(ledger: Ledger, replayedFrom: bigint): Promise<void> {
  let page = await ledger.records('checkpoint', { newest: checkpointsPage });
  for (;;) {
    for (const { bytes } of page) await checkCheckpoint(ledger, bytes);
    const [oldest] = page;
    if (oldest === undefined || page.length < checkpointsPage) return;
    page = await ledger.records('checkpoint', {
      newest: checkpointsPage,
      fromRecord: replayedFrom,
      beforeRecord: oldest.record,
    });
  }
}

async function checkCheckpoint(ledger: Ledger, note: Uint8Array): Promise<void> {
  const { size } = ledger.head();
  const signed = parseCheckpoint(note);
  if (signed.size > size) {
    throw new KudurruError(
      'checkpoint-contradiction',
      `start refused: a checkpoint over ${signed.size} entries was signed and the ledger has ` +
        `${size}; restore the journal that has them all`,
    );
  }
  if (equalBytes(signed.root, await ledger.rootAt(treeSize(signed.size)))) return;
  throw new KudurruError(
    'checkpoint-contradiction',
    `start refused: the ledger's tree of ${signed.size} entries is not the one whose ` +
      'checkpoint was signed; restore the journal that was',
  );
}

async function readLastAnchor(
  ledger: Ledger,
): Promise<{ lastAnchor: LastAnchor | null; countedSize: TreeSize }> {
  // The first anchor of a ledger is a counter-anchor.
  const countedIndex = await ledger.lastOfKind('counter-anchor');
  if (countedIndex === null) return { lastAnchor: null, countedSize: treeSize(0n) };
  const counted = await readAnchor(ledger, countedIndex);
  const previousIndex = counted.entry.previousAnchorIndex;
  const previous = previousIndex === null ? null : await readAnchor(ledger, previousIndex);
  const plainIndex = await ledger.lastOfKind('anchor');
  const last =
    plainIndex !== null && plainIndex > countedIndex
      ? await readAnchor(ledger, plainIndex)
      : counted;
  return { lastAnchor: last.anchor, countedSize: previous?.anchor.size ?? treeSize(0n) };
}

async function readAnchor(
  ledger: Ledger,
  index: bigint,
): Promise<{ entry: AnchorEntry; anchor: LastAnchor }> {
  const bytes = await ledger.readEntry(leafIndex(index));
  const entry = decodeEntry(bytes);
  if (!isAnchorEntry(entry)) {
    throw new KudurruError('ledger-failed', `entry ${index} is "${entry.kind}", not an anchor`);
  }
  const anchor = {
    index: leafIndex(index),
    leafHash: leafHash(bytes),
    anchorSequence: entry.anchorSequence,
    size: treeSize(entry.size),
    counterExpected: entry.counterExpected,
  };
  return { entry, anchor };
}

function anchorLedger(ledger: Ledger): AnchorLedger {
  return {
    head: () => ledger.head(),
    snapshot: () => ledger.snapshot(),
    recordCheckpoint: (note) => ledger.record('checkpoint', note),
    recordPlan: (plan) => ledger.record('prepare', plan),
    appendAnchor: (content) => ledger.appendOne(anchorEntry(content)),
    readEntry: (index) => ledger.readEntry(index),
    inclusionPath: (index, size) => ledger.inclusionPath(index, size),
    consistencyPath: (from, to) => ledger.consistencyPath(from, to),
  };
}

function anchorEntry({ kind, ...content }: AnchorContent): SystemEntry {
  return systemEntry(kind, { ...content, quote: null, extend: null });
}
