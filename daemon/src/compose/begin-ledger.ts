/**
 * Opens the journal of the state folder, or begins one. Its first record is the provisioning
 * record, whose hash is the ledgerId: durable before any device hears of it.
 */
import { rmSync } from 'node:fs';
import { join } from 'node:path';

import { ledgerIdOf } from '@kudurru/proof';

import { KudurruError } from '../base/errors.ts';
import type { Log } from '../base/log.ts';
import type { Configuration } from '../config/load.ts';
import { ledgerIdIn, openStore, type LedgerStore } from '../ledger/store.ts';

export interface BeginOptions {
  readonly configuration: Configuration;
  /** The provisioning record of a ledger that begins now. */
  readonly makeRecord: () => Uint8Array;
  readonly log: Log;
}

export interface BegunLedger {
  readonly store: LedgerStore;
  /** The provisioning record of a ledger without entries; null where there is a genesis entry. */
  readonly unfinished: Uint8Array | null;
}

/** @throws KudurruError `ledger-failed`, `state-folder-locked` */
export async function beginLedger(options: BeginOptions): Promise<BegunLedger> {
  const { store, made } = await openOrBegin(options);
  try {
    await sayOpened(store, options.log);
    if (store.head().size > 0n) return { store, unfinished: null };
    if (made !== null) await store.appendRecord('prepare', made);
    const [founding] = await store.records('prepare', { newest: 1 });
    if (founding !== undefined) return { store, unfinished: founding.bytes };
    throw new KudurruError('ledger-failed', 'the journal has no provisioning record');
  } catch (error) {
    await store.leave();
    throw error;
  }
}

interface Opened {
  readonly store: LedgerStore;
  readonly made: Uint8Array | null;
}

async function openOrBegin({ configuration, makeRecord, log }: BeginOptions): Promise<Opened> {
  const { state: folder, settings } = configuration;
  const segmentBytes = BigInt(settings.segmentSizeMib) << 20n;
  const ledgerId = ledgerIdIn(folder);
  if (ledgerId !== null) {
    const store = await openStore({ folder, ledgerId, segmentBytes });
    if (!(await isUnused(store))) return { store, made: null };
    await store.leave();
    log.warning('an earlier first start ended before anything was recorded: begun anew');
    rmSync(join(folder, 'journal'), { recursive: true });
  }
  const made = makeRecord();
  return { store: await openStore({ folder, ledgerId: ledgerIdOf(made), segmentBytes }), made };
}

/**
 * The journal was begun and holds nothing, not even the provisioning record: no device and nobody
 * else has heard of its ledgerId. Were that not so, the devices would refuse the next one.
 */
async function isUnused(store: LedgerStore): Promise<boolean> {
  return store.head().size === 0n && (await store.records('prepare', { newest: 1 })).length === 0;
}

/** How the ledger was found, and what was made again for it. */
async function sayOpened(store: LedgerStore, log: Log): Promise<void> {
  const { tailRead, replay } = store.opening;
  if (store.tornBytes > 0n) {
    log.warning('cut off what was never acknowledged', { tornBytes: store.tornBytes });
  }
  for (const note of await store.takeNotes()) log.warning(note);
  log.info('journal opened', {
    stoppedCleanly: store.stoppedCleanly,
    tailRead,
    replayedFrom: replay.snapshot === null ? 'the beginning' : `snapshot ${replay.snapshot}`,
    replayedRecords: replay.records,
  });
}
