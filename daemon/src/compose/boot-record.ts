/**
 * Boot entries: what this run is, and how the TPM found the box. A run begins with one, and makes
 * another where the TPM was reset under it, because PCRs then begin anew.
 */
import { readFileSync } from 'node:fs';

import { decodeHex, encodeHex, type WriterLevel } from '@kudurru/proof';

import {
  compareBootQuotes,
  quoteBoot,
  tellBootQuote,
  type BootQuote,
  type BootState,
} from '../anchor/boot-quote.ts';
import type { QuotedBoot } from '../anchor/start-rule.ts';
import { isKudurruError } from '../base/errors.ts';
import type { Log } from '../base/log.ts';
import { leafIndex } from '../base/units.ts';
import type { Settings } from '../config/schema.ts';
import type { PcrValue } from '../hardware/boot-approval.ts';
import { entryOfKind } from '../ledger/entry-of-kind.ts';
import type { Ledger } from '../ledger/ledger.ts';
import { systemEntry, type SystemEntry } from '../ledger/system-entry.ts';
import type { Devices } from './devices.ts';
import { readEventLog, type EventLog } from './event-log.ts';
import type { FoundedLedger } from './founding.ts';

export interface BootRecorderOptions {
  readonly founded: FoundedLedger;
  readonly ledger: Ledger;
  readonly devices: Devices;
  readonly settings: Settings;
  readonly version: string;
  readonly writerLevel: WriterLevel;
  readonly log: Log;
}

export interface BootRecord {
  readonly entry: SystemEntry;
  readonly quoted: QuotedBoot;
}

/** For the status. */
export interface BootFacts {
  readonly state: BootState;
  /** Why there is no event log; null where there is one. */
  readonly eventLogMissing: string | null;
  /** PCRs of the ledger's first boot, but the anchors' own; null where that is not known. */
  readonly first: readonly PcrValue[] | null;
}

/** The genesis entry is the first. */
const firstBootIndex = leafIndex(1n);

/** Of the kernel's boot, 16 bytes. */
export function readBootId(): Uint8Array {
  const text = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8');
  return decodeHex(text.trim().replaceAll('-', ''));
}

export class BootRecorder {
  readonly #options: BootRecorderOptions;
  readonly #pcrs: readonly number[];
  #facts: BootFacts = {
    state: { kind: 'unknown', reason: 'nothing is quoted yet' },
    eventLogMissing: null,
    first: null,
  };

  constructor(options: BootRecorderOptions) {
    this.#options = options;
    this.#pcrs = options.settings.bootPcrs.split(',').map(Number);
  }

  /** Of the newest boot entry. */
  get facts(): BootFacts {
    return this.#facts;
  }

  /** A boot entry that is not written yet. @throws DeviceError */
  async make(): Promise<BootRecord> {
    const { founded, devices, settings, version, writerLevel, log } = this.#options;
    const { document, store, ledgerId, applianceId } = founded;
    const identity = { bootNumber: store.bootCount(), kernelBootId: readBootId() };
    const { quote, quoted } = await quoteBoot(
      {
        device: devices.attestation,
        identity: { ledgerId, applianceId },
        pcrs: this.#pcrs,
        anchorPcr: document.pcrIndex,
        deviceTimeoutMs: settings.deviceTimeoutMs,
      },
      identity,
    );
    const eventLog = readEventLog(settings.eventLog);
    await this.#noteFacts(quote, eventLog);
    log.info('boot quoted', { ...tellBootQuote(quote), safe: quoted.moment.safe });
    const fields = {
      ...identity,
      softwareVersion: version,
      writerLevel,
      attestationLabel: document.label,
      tokenLabel: document.tokenLabel,
      bootQuote: quote,
    };
    const body = { field: 'eventLog', mediaType: 'application/octet-stream' } as const;
    const bodies = 'bytes' in eventLog ? [{ ...body, bytes: eventLog.bytes }] : [];
    return { entry: systemEntry('boot', fields, bodies), quoted };
  }

  async #noteFacts(quote: BootQuote, eventLog: EventLog): Promise<void> {
    const { founded, ledger, log } = this.#options;
    const isFirst = founded.store.bootCount() === 0;
    const first = isFirst ? { quote } : await this.#firstQuote(ledger);
    const { pcrIndex } = founded.document;
    const compared: BootState =
      'quote' in first
        ? compareBootQuotes(first.quote, quote, pcrIndex)
        : { kind: 'unknown', reason: first.missing };
    const state = this.#approved(compared, quote);
    const values = 'quote' in first ? first.quote?.values : undefined;
    this.#facts = {
      state,
      eventLogMissing: 'missing' in eventLog ? eventLog.missing : null,
      first: values?.filter(({ pcr }) => pcr !== pcrIndex) ?? null,
    };
    if (state.kind === 'differs') {
      log.warning('the box is not as it was provisioned', { pcrs: state.pcrs.join(', ') });
    }
  }

  /** A boot that differs is as wanted where the operators approved just what it shows. */
  #approved(state: BootState, { values }: BootQuote): BootState {
    const { pin } = this.#options.founded;
    if (state.kind !== 'differs' || pin.kind !== 'sealed') return state;
    const shown = new Map(values.map(({ pcr, value }) => [pcr, encodeHex(value)]));
    const isApproved = pin.approvals.some((approval) =>
      approval.values.every(({ pcr, value }) => shown.get(pcr) === encodeHex(value)),
    );
    return isApproved ? { kind: 'approved', pcrs: state.pcrs } : state;
  }

  async #firstQuote(
    ledger: Ledger,
  ): Promise<{ readonly quote: BootQuote | null } | { readonly missing: string }> {
    try {
      const entry = entryOfKind(await ledger.readEntry(firstBootIndex), 'boot', firstBootIndex);
      return { quote: entry.bootQuote };
    } catch (error) {
      if (!isKudurruError(error, 'not-held')) throw error;
      return { missing: 'the first boot entry was moved away' };
    }
  }
}
