/** Time as people see it: level, windows, what they rest on, and how each source does. */
import { readRawNs } from '@kudurru/native';
import { affineTai, formatTai, type SegmentReading } from '@kudurru/proof';

import type { TimeSourceView, TimeView, TimeWindowsView } from '../control/time-views.ts';
import type { SourceWatch } from '../time/source-watch.ts';
import type { Timekeeper } from '../time/timekeeper.ts';
import type { Timekeeping } from './timekeeping.ts';

const nsPerMs = 1_000_000n;

/** The level in force and both windows, without more. */
export function timeWindowsOf(time: Timekeeping): TimeWindowsView {
  return windowsIn(time.reading());
}

function windowsIn(reading: SegmentReading | null): TimeWindowsView {
  return {
    level: reading?.level ?? 'UNKNOWN',
    statisticalNs: nanoseconds(reading?.statisticalNs ?? null),
    adversarialNs: nanoseconds(reading?.adversarialNs ?? null),
  };
}

export function timeViewOf(time: Timekeeping): TimeView {
  const { keeper, clock, profiles } = time;
  const rawNs = readRawNs();
  const { lastTaiNs } = time;
  const reading = time.reading();
  const taiNs = reading?.taiNs ?? clock.now().taiNs;
  const segment = keeper?.inForce?.told.segment ?? null;
  const affineNs = segment === null ? taiNs : affineTai(segment, rawNs);
  const left = (untilRawNs: bigint): number => millisecondsOf(untilRawNs - rawNs);
  const { inForce } = profiles;
  return {
    ...windowsIn(reading),
    taiNs: String(taiNs),
    utc: formatTai(taiNs),
    clock: segment === null ? 'system-clock' : 'evidence',
    heldUpNs: String(lastTaiNs > affineNs ? lastTaiNs - affineNs : 0n),
    advice: adviceOf(keeper),
    profile: inForce === null ? null : { name: inForce.profile.name, index: Number(inForce.index) },
    evidence: evidenceOf(keeper, rawNs),
    lockedForMs: segment === null ? null : left(segment.lockedUntilRawNs),
    holdoverForMs: segment === null ? null : left(segment.holdoverUntilRawNs),
    widthMaxNs: nanoseconds(keeper?.profile.limits.widthMaxNs ?? null),
    sources: sourcesOf(keeper, rawNs),
  };
}

function adviceOf(keeper: Timekeeper | null): string | null {
  if (keeper === null) {
    return (
      "time is the system clock's, and nothing says how wrong it is: let operators sign a " +
      'time profile ("kudurru time profile order --help"), and name its sources in the ' +
      'configuration ([time.sources.ID])'
    );
  }
  if (keeper.watches.some((watch) => watch.process !== 'none')) return null;
  return (
    'nothing reads a source of the time profile here: name each in the configuration ' +
    '([time.sources.ID], "kudurrud --help") and start the daemon again'
  );
}

function evidenceOf(keeper: Timekeeper | null, rawNs: bigint): TimeView['evidence'] {
  if (keeper === null || keeper.inForce === null) return null;
  const { evidenceIndex, told } = keeper.inForce;
  return {
    index: Number(evidenceIndex),
    cause: told.cause,
    ageMs: millisecondsOf(rawNs - told.takenRawNs),
    groups: told.groups,
    liars: told.liars,
  };
}

function sourcesOf(keeper: Timekeeper | null, rawNs: bigint): TimeSourceView[] {
  if (keeper === null) return [];
  return keeper.watches.flatMap((watch, place) => {
    const source = keeper.profile.sources[place];
    if (source === undefined) return [];
    const { id, kind, label, group } = source;
    const verdict = keeper.latest?.verdicts[place];
    const judged = {
      state: verdict?.state ?? 'not-judged',
      problems: verdict?.problems ?? [],
      latched: verdict?.latched ?? [],
      sky: verdict?.sky ?? null,
    };
    return [{ id, kind, label, group, ...judged, ...watchedView(watch, rawNs) }];
  });
}

function watchedView(
  { process, restarts, heardRawNs, notes, samples }: SourceWatch,
  nowRawNs: bigint,
): Pick<TimeSourceView, 'process' | 'restarts' | 'heardAgeMs' | 'notes' | 'samples'> {
  return {
    process,
    restarts,
    heardAgeMs: heardRawNs === null ? null : millisecondsOf(nowRawNs - heardRawNs),
    notes: Object.fromEntries(notes),
    samples: samples.map(({ rawNs, offsetNs, delayNs }) => ({
      ageMs: millisecondsOf(nowRawNs - rawNs),
      offsetNs: String(offsetNs),
      delayNs: String(delayNs),
    })),
  };
}

function nanoseconds(ns: bigint | null): string | null {
  return ns === null ? null : String(ns);
}

/** Rounded down; 0 of what is over. */
function millisecondsOf(ns: bigint): number {
  return ns <= 0n ? 0 : Number(ns / nsPerMs);
}
