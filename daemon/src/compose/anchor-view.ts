/** What `status` says of anchors: the window that remains, and how long the TPM endures them. */
import type { Anchorer } from '../anchor/anchorer.ts';
import type { AnchorStatusView, BootStatusView } from '../control/views.ts';
import type { Settings } from '../config/schema.ts';
import type { Ledger } from '../ledger/ledger.ts';
import type { BootFacts } from './boot-record.ts';
import type { FoundedLedger } from './founding.ts';

export interface AnchorViewOptions {
  readonly anchorer: Anchorer;
  readonly ledger: Ledger;
  readonly founded: FoundedLedger;
  readonly settings: Pick<Settings, 'counterIntervalMs'>;
}

/**
 * Flash cycles over the full range of temperatures, as the data brief of STMicroelectronics'
 * ST33GTPMISPI has them. Other vendors name 100,000 to 500,000, or nothing.
 */
const nvWritesEndured = 500_000;
const msPerYear = 365.25 * 86_400_000;

export function anchorView(options: AnchorViewOptions): AnchorStatusView {
  const { anchorer, ledger, founded, settings } = options;
  const { lastAnchor, ageMs, countedAgeMs, countedSize } = anchorer;
  const { size } = ledger.head();
  const anchoredSize = lastAnchor?.size ?? 0n;
  const { extendPublic, pcrIndex } = founded.document;
  return {
    index: lastAnchor === null ? null : Number(lastAnchor.index),
    size: Number(anchoredSize),
    ageMs: ageMs === null ? null : Math.round(ageMs),
    counter: lastAnchor === null ? null : Number(lastAnchor.counterExpected),
    entriesNotAnchored: Number(size - anchoredSize),
    entriesNotCounted: Number(size - countedSize),
    countedAgeMs: countedAgeMs === null ? null : Math.round(countedAgeMs),
    pcr: pcrIndex,
    wearYears: wearYears(settings.counterIntervalMs, extendPublic === null ? 1 : 2),
  };
}

/** With a counter-anchor each interval, each of so many writes, all to the same cells. */
export function wearYears(counterIntervalMs: number, writesPerAnchor: number): number {
  const years = (nvWritesEndured / writesPerAnchor) * (counterIntervalMs / msPerYear);
  return Math.round(years * 10) / 10;
}

export function bootView({
  state,
  eventLogMissing,
}: Pick<BootFacts, 'state' | 'eventLogMissing'>): BootStatusView {
  return {
    state: state.kind,
    pcrs: 'pcrs' in state ? state.pcrs : [],
    reason: state.kind === 'unknown' ? state.reason : null,
    eventLogMissing,
  };
}
