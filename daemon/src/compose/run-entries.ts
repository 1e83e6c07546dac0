/** The entries that a run of the daemon makes about itself. */
import { decodeEntry, encodeUtf8 } from '@kudurru/proof';

import { isKudurruError } from '../base/errors.ts';
import type { Log } from '../base/log.ts';
import { leafIndex } from '../base/units.ts';
import { RefusalTally } from '../intake/refusals.ts';
import type { Ledger } from '../ledger/ledger.ts';
import { systemEntry, type SystemEntry } from '../ledger/system-entry.ts';
import type { Clock } from '../time/clock.ts';
import type { FoundedLedger } from './founding.ts';

export interface RunEntriesOptions {
  readonly founded: FoundedLedger;
  readonly ledger: Ledger;
  readonly clock: Clock;
  readonly log: Log;
}

const nsPerSecond = 1_000_000_000n;
/** UTF-8 bytes of an alarm's message (SPEC.md §7). */
const alarmSizeBytesMax = 512;
const stopReasonSizeBytesMax = 256;

export class RunEntries {
  readonly #options: RunEntriesOptions;
  readonly #tally = new RefusalTally();
  #talliedFromTaiNs: bigint;

  constructor(options: RunEntriesOptions) {
    this.#options = options;
    this.#talliedFromTaiNs = options.clock.now().taiNs;
  }

  /** Genesis where there is none, boot, and what an unclean end may have cost; in one group. */
  async begin(boot: SystemEntry): Promise<void> {
    const { founded, ledger } = this.#options;
    const { store, provisioningRecord, logKeyText: logKey, applianceDocument } = founded;
    const { size } = ledger.head();
    const entries: SystemEntry[] = [];
    if (size === 0n) {
      const genesis = { provisioningRecord, logKey, applianceDocument };
      entries.push(systemEntry('genesis', genesis));
    }
    entries.push(boot);
    // A ledger that was provisioned and never ran has lost nothing.
    if (store.bootCount() > 0 && !store.stoppedCleanly) entries.push(await this.#uncleanStart());
    for (const outcome of await ledger.append(entries)) {
      if ('refusal' in outcome) throw outcome.refusal;
    }
  }

  /** Never fails: the log has it in any case. */
  raiseAlarm(code: string, message: string): void {
    const { ledger, log } = this.#options;
    log.warning('alarm', { code, message });
    ledger
      .appendOne(systemEntry('alarm', { code, message: cut(message, alarmSizeBytesMax) }))
      .catch((error: unknown) => log.error('alarm not recorded', error));
  }

  /** One entry for what was refused since the last, none where nothing was. */
  async summariseRefusals(total: Readonly<Record<string, number>>): Promise<void> {
    const { ledger, clock, log } = this.#options;
    const refusals = this.#tally.take(total);
    const fromTaiNs = this.#talliedFromTaiNs;
    const toTaiNs: bigint = clock.now().taiNs;
    this.#talliedFromTaiNs = toTaiNs;
    if (refusals.length === 0) return;
    try {
      await ledger.appendOne(systemEntry('refusal-summary', { fromTaiNs, toTaiNs, refusals }));
    } catch (error) {
      // A full disk is one cause of refusals; the entry is worth less than going on.
      if (!isKudurruError(error) || error.retry !== 'later') throw error;
      log.error('refusals not recorded', error);
    }
  }

  async stop(reason: string, openSessions: number): Promise<void> {
    const fields = { reason: cut(reason, stopReasonSizeBytesMax), openSessions };
    await this.#options.ledger.appendOne(systemEntry('stop', fields));
  }

  async #uncleanStart(): Promise<SystemEntry> {
    const { clock, ledger, founded } = this.#options;
    const { bootIndex } = founded.store.lastTime();
    const sinceNs: bigint = clock.now().taiNs - (await this.#lastOfRun());
    return systemEntry('unclean-start', {
      previousBootIndex: bootIndex,
      treeSize: ledger.head().size,
      // Rounded up: what came in the last fraction of a second may be missing too.
      secondsAtRisk: Number((sinceNs + nsPerSecond - 1n) / nsPerSecond),
    });
  }

  /** Time of the last entry that a run made: restore entries are made between runs. */
  async #lastOfRun(): Promise<bigint> {
    const { ledger } = this.#options;
    for (let index = ledger.head().size - 1n; ; index -= 1n) {
      const { kind, time } = decodeEntry(await ledger.readEntry(leafIndex(index)));
      if (kind !== 'restore') return time.taiNs;
    }
  }
}

/** At most `sizeBytesMax` bytes of UTF-8 without control characters, cut between characters. */
function cut(text: string, sizeBytesMax: number): string {
  let kept = '';
  let sizeBytes = 0;
  for (const character of text.toWellFormed().replaceAll(/[\u0000-\u001f\u007f]+/gu, ' ')) {
    sizeBytes += encodeUtf8(character).length;
    if (sizeBytes > sizeBytesMax) break;
    kept += character;
  }
  return kept;
}
