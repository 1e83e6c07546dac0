// Discontinuities of the kernel's clocks: told by the kernel the moment that somebody sets one, and
// found by comparing what every clock did with what CLOCK_MONOTONIC_RAW did.
import { getSystemErrorName } from 'node:util';

import { type ClockBracket, type KernelClockName, readBracket } from './clock-devices.ts';
import { nativePart } from './load.ts';
import { NativeError } from './native-error.ts';

/** Every clock of the kernel at about one moment. */
export type ClockSnapshot = Readonly<Record<KernelClockName, ClockBracket>>;

/** A clock went by `byNs` more (or, below zero, less) than the raw clock explains. */
export interface ClockStep {
  readonly clock: KernelClockName | 'suspend';
  readonly byNs: bigint;
}

interface SetWatchPart {
  startSetWatch(listener: (error: number, rawNs: bigint, realtimeNs: bigint) => void): number;
  stopSetWatch(): void;
}

const native = nativePart<SetWatchPart>();

export function readClocks(): ClockSnapshot {
  return {
    tai: readBracket('tai'),
    realtime: readBracket('realtime'),
    boottime: readBracket('boottime'),
    monotonic: readBracket('monotonic'),
  };
}

/**
 * What no slewing explains between two snapshots of one boot: adjtime(3) and NTP change a clock's
 * rate by 500 ppm, PTP by what `slewPpm` says. BOOTTIME against MONOTONIC is the time that the
 * machine was suspended. Half the brackets' widths count as scatter.
 */
export function clockSteps(
  earlier: ClockSnapshot,
  later: ClockSnapshot,
  slewPpm: bigint,
): readonly ClockStep[] {
  const steps: ClockStep[] = [];
  for (const clock of ['tai', 'realtime', 'monotonic'] as const) {
    const byNs = gainOf(earlier[clock], later[clock]);
    const elapsedNs = later[clock].rawAfterNs - earlier[clock].rawBeforeNs;
    const slackNs = (elapsedNs * slewPpm) / 1_000_000n + scatterOf(earlier[clock], later[clock]);
    if (absolute(byNs) > slackNs) steps.push({ clock, byNs });
  }
  const suspendedNs =
    gainOf(earlier.boottime, later.boottime) - gainOf(earlier.monotonic, later.monotonic);
  const scatterNs =
    scatterOf(earlier.boottime, later.boottime) + scatterOf(earlier.monotonic, later.monotonic);
  // BOOTTIME and MONOTONIC are slewed alike, over spans that differ by their brackets alone.
  if (absolute(suspendedNs) > scatterNs + suspendMinNs) {
    steps.push({ clock: 'suspend', byNs: suspendedNs });
  }
  return steps;
}

/** Below this a machine was not suspended: the brackets of two clocks are not taken at once. */
const suspendMinNs = 1_000_000n;

/**
 * Calls `listener` whenever somebody sets CLOCK_REALTIME, with the time just after on the raw clock
 * and on that one. One watch for each thread; does not keep the process alive. Gives what ends it.
 * @throws NativeError errno; a watch that fails later calls `listener` with its error
 */
export function watchClockSet(
  listener: (news: { rawNs: bigint; realtimeNs: bigint } | NativeError) => void,
): () => void {
  if (typeof listener !== 'function') throw new TypeError('listener is not a function');
  const error = native.startSetWatch((failure, rawNs, realtimeNs) => {
    listener(failure === 0 ? { rawNs, realtimeNs } : watchError(failure));
  });
  if (error !== 0) throw watchError(error);
  return () => native.stopSetWatch();
}

function watchError(error: number): NativeError {
  const code = getSystemErrorName(-error);
  return new NativeError(`cannot watch CLOCK_REALTIME for being set: ${code}`, {
    domain: 'errno',
    code,
    operation: 'watchClockSet',
  });
}

/** By how much more than the raw clock a clock went from one bracket to the other. */
function gainOf(earlier: ClockBracket, later: ClockBracket): bigint {
  const rawNs = middleOf(later) - middleOf(earlier);
  return later.valueNs - earlier.valueNs - rawNs;
}

function scatterOf(earlier: ClockBracket, later: ClockBracket): bigint {
  return (widthOf(earlier) + widthOf(later)) / 2n + 1n;
}

function middleOf({ rawBeforeNs, rawAfterNs }: ClockBracket): bigint {
  return (rawBeforeNs + rawAfterNs) / 2n;
}

function widthOf({ rawBeforeNs, rawAfterNs }: ClockBracket): bigint {
  return rawAfterNs - rawBeforeNs;
}

function absolute(value: bigint): bigint {
  return value < 0n ? -value : value;
}
