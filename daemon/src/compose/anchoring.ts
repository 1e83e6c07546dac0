/** Anchoring connected to devices, ledger and intake; and the checks that a start makes of both. */
import { renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { equalBytes, parseCheckpoint } from '@kudurru/proof';

import { Anchorer } from '../anchor/anchorer.ts';
import { Checkpoints, type SignedHead } from '../anchor/checkpoints.ts';
import { AnchorMaker } from '../anchor/maker.ts';
import type { AnchorContent, AnchorLedger } from '../anchor/ports.ts';
import type { PreparedAnchor } from '../anchor/prepared.ts';
import type { AnchoredReceipt } from '../anchor/receipts.ts';
import { checkStart } from '../anchor/start-rule.ts';
import { TpmHistory } from '../anchor/tpm-history.ts';
import { KudurruError } from '../base/errors.ts';
import type { Log } from '../base/log.ts';
import { treeSize, type TreeSize } from '../base/units.ts';
import type { Configuration } from '../config/load.ts';
import type { Ledger } from '../ledger/ledger.ts';
import { systemEntry, type SystemEntry } from '../ledger/system-entry.ts';
import type { Clock } from '../time/clock.ts';
import type { BootRecord, BootRecorder } from './boot-record.ts';
import type { Devices } from './devices.ts';
import type { FoundedLedger } from './founding.ts';
import { readLogged } from './logged-tpm.ts';
import { rawBodies } from './time-entries.ts';
import type { Timekeeping } from './timekeeping.ts';

export interface AnchoringOptions {
  readonly configuration: Configuration;
  readonly founded: FoundedLedger;
  readonly ledger: Ledger;
  readonly devices: Devices;
  readonly boots: BootRecorder;
  readonly clock: Clock;
  /** Evidence of the sources of a time profile, and what comes of it once its anchor is written. */
  readonly time: Pick<Timekeeping, 'takeEvidence' | 'settleEvidence'>;
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
  readonly unfinished: PreparedAnchor | null;
  /** The boot entry of this run may be written. @throws AnchorContradiction */
  readonly checkBoot: (boot: BootRecord) => void;
  /** It is durable. */
  readonly noteBoot: (boot: BootRecord) => void;
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
  const faces = anchorLedger(options);
  const checkpoints = new Checkpoints({
    origin: founded.origin,
    logKey: founded.logKey,
    applianceKey: founded.applianceKey,
    token: devices.token,
    device: devices.attestation,
    ledger: faces,
    deviceTimeoutMs,
  });
  const registers = await devices.attestation.readRegisters(deviceTimeoutMs);
  const { logged, countedSize } = await readLogged(ledger, founded);
  const { unfinished, replayed } = checkStart(registers, logged);
  const history = new TpmHistory(logged.identity, replayed, registers.clock);
  const maker = new AnchorMaker({
    history,
    device: devices.attestation,
    checkpoints,
    ledger: faces,
    pcrIndex: founded.document.pcrIndex,
    takeEvidence: async () =>
      (await options.time.takeEvidence()) ?? { evidence: clock.evidence(), rawEvidence: null },
    recordTpmBoot: () => recordTpmBoot(options),
    deviceTimeoutMs,
  });
  const anchorer = new Anchorer({
    ...options,
    schedule: { anchorIntervalMs, counterIntervalMs },
    ledger: faces,
    maker,
    checkpoints,
    counterBase: logged.counterBase,
    lastAnchor: logged.lastAnchor,
    countedSize,
    publish: (head) => publish(head, checkpoints, options),
  });
  return {
    anchorer,
    checkpoints,
    unfinished,
    checkBoot: ({ quoted }) => history.checkQuote(quoted, registers, unfinished),
    noteBoot: ({ quoted }) => history.enter(quoted),
  };
}

/** The TPM was reset under a running daemon: what its PCRs begin with now is an entry. */
async function recordTpmBoot({ boots, ledger, log }: AnchoringOptions) {
  const { entry, quoted } = await boots.make();
  const { index } = await ledger.appendOne(entry);
  log.warning('the TPM was reset or restarted: boot recorded anew', { index });
  return quoted;
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

function anchorLedger({ ledger, time }: AnchoringOptions): AnchorLedger {
  return {
    head: () => ledger.head(),
    snapshot: () => ledger.snapshot(),
    recordCheckpoint: (note) => ledger.record('checkpoint', note),
    recordPlan: (plan) => ledger.record('prepare', plan),
    appendAnchor: async (content) => {
      const placed = await ledger.appendOne(anchorEntry(content));
      await time.settleEvidence(content.evidence, placed.index);
      return placed;
    },
    readEntry: (index) => ledger.readEntry(index),
    inclusionPath: (index, size) => ledger.inclusionPath(index, size),
    consistencyPath: (from, to) => ledger.consistencyPath(from, to),
  };
}

function anchorEntry({ kind, rawEvidence, ...content }: AnchorContent): SystemEntry {
  return systemEntry(kind, content, rawBodies(rawEvidence));
}
