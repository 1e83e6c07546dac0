/**
 * What a GNSS receiver told over the span of the evidence, in NMEA or UBX: the seconds it named,
 * and everything that speaks for or against them. A two-digit year is of this century.
 */
import { ProofError } from '../proof-error.ts';
import type { NmeaSentence, Rmc } from './nmea.ts';
import { parseNmea } from './nmea.ts';
import { PPB } from './segment.ts';
import type { Frames } from './source-reading.ts';
import type { SourceProblem } from './source-verdict.ts';
import type { TimeFrame } from './raw-time-evidence.ts';
import type { UbxMessage } from './ubx.ts';
import { parseUbx } from './ubx.ts';
import type { NavPvt } from './ubx-navigation.ts';

const CENTURY = 2000;
const MS_PER_SECOND = 1000;
/** NMEA modes that are no fix by satellites: dead reckoning, typed in, simulated. */
const UNREAL_MODES: ReadonlySet<string> = new Set(['E', 'M', 'S']);
const UNREAL_QUALITIES: ReadonlySet<number> = new Set([6, 7, 8]);

/** A second that the receiver named. */
export interface Epoch {
  readonly rawBeforeNs: bigint;
  readonly rawAfterNs: bigint;
  readonly taiNs: bigint;
  /** Of the whole second, in UTC. */
  readonly unixSeconds: number;
  /** The receiver's own estimate, one sigma; null where it has none to give. */
  readonly accuracyNs: bigint | null;
  readonly hasFix: boolean;
}

interface Utc {
  readonly year: number;
  readonly month: number;
  readonly day: number;
  readonly hour: number;
  readonly minute: number;
  readonly second: number;
  readonly nanosecond: number;
}

export class GnssView {
  readonly epochs: readonly Epoch[];
  /** Raw times before and after each pulse's edge. */
  readonly pulses: readonly TimeFrame[];
  readonly problems: readonly SourceProblem[];
  readonly receiverIds: readonly Uint8Array[];
  readonly fixTypes: readonly number[];
  readonly satellites: readonly number[];
  readonly positions: readonly { readonly latitudeE7: number; readonly longitudeE7: number }[];
  readonly spoofingStates: readonly number[];
  readonly jammingStates: readonly number[];
  readonly gpsMinusUtcSeconds: readonly number[];
  readonly isSimulated: boolean;
  readonly isLeapAnnounced: boolean;

  constructor(frames: Frames, taiMinusUtcSeconds: number) {
    const heard = frames.map((frame) => ({ frame, message: read(frame) }));
    this.problems = heard.some(({ message }) => message === 'malformed') ? ['malformed'] : [];
    const sound = heard.flatMap(({ frame, message }) =>
      message === null || message === 'malformed' ? [] : [{ frame, message }],
    );
    const messages = sound.map(({ message }) => message);
    const pvts = messages.filter((message) => message.kind === 'nav-pvt');
    const rmcs = messages.filter((message) => message.kind === 'rmc');
    const ggas = messages.filter((message) => message.kind === 'gga');
    const signals = messages.filter((message) => message.kind === 'sec-sig');
    const leaps = messages.filter((message) => message.kind === 'nav-timels');
    const named = sound.flatMap(({ frame, message }) =>
      message.kind === 'nav-pvt' || (pvts.length === 0 && message.kind === 'rmc')
        ? [epochOf(frame, message, taiMinusUtcSeconds)]
        : [],
    );
    this.epochs = named.filter((epoch) => epoch !== null);
    this.pulses = frames.filter(({ kind }) => kind === 'pps');
    this.receiverIds = messages.flatMap((m) => (m.kind === 'sec-uniqid' ? [m.uniqueId] : []));
    this.fixTypes = pvts.map(({ fixType }) => fixType);
    this.satellites = [
      ...pvts.map(({ satellites }) => satellites),
      ...ggas.flatMap(({ satellites }) => (satellites === null ? [] : [satellites])),
    ];
    this.positions = [
      ...pvts,
      ...[...rmcs, ...ggas].flatMap(({ position }) => (position === null ? [] : [position])),
    ];
    this.spoofingStates = messages.flatMap((message) =>
      message.kind === 'nav-status' || message.kind === 'sec-sig' ? [message.spoofingState] : [],
    );
    this.jammingStates = [
      ...signals.map(({ jammingState }) => jammingState),
      ...messages.flatMap((m) => (m.kind === 'mon-hw' ? [m.jammingState] : [])),
      ...messages.flatMap((m) => (m.kind === 'mon-rf' ? m.blocks.map((b) => b.jammingState) : [])),
    ];
    this.gpsMinusUtcSeconds = leaps.flatMap((leap) =>
      leap.isCurrentValid ? [leap.currentLeapSeconds] : [],
    );
    this.isLeapAnnounced = leaps.some(
      ({ isEventValid, change, timeToEventSeconds }) =>
        isEventValid && change !== 0 && timeToEventSeconds > 0,
    );
    this.isSimulated =
      rmcs.some(({ mode }) => mode !== null && UNREAL_MODES.has(mode)) ||
      ggas.some(({ quality }) => UNREAL_QUALITIES.has(quality));
  }
}

/** Null for what carries no message. */
function read({ kind, bytes }: TimeFrame): NmeaSentence | UbxMessage | 'malformed' | null {
  try {
    if (kind === 'nmea') return parseNmea(bytes);
    return kind === 'ubx' ? parseUbx(bytes) : null;
  } catch (error) {
    if (error instanceof ProofError) return 'malformed';
    throw error;
  }
}

function epochOf(
  { rawBeforeNs, rawAfterNs }: TimeFrame,
  message: NavPvt | Rmc,
  taiMinusUtcSeconds: number,
): Epoch | null {
  const utc = message.kind === 'nav-pvt' ? message.utc : utcOf(message);
  if (utc === null) return null;
  const unixSeconds = unixOf(utc);
  const tai = BigInt(unixSeconds + taiMinusUtcSeconds) * PPB + BigInt(utc.nanosecond);
  return {
    ...{ rawBeforeNs, rawAfterNs, unixSeconds },
    taiNs: tai,
    accuracyNs: message.kind === 'nav-pvt' ? BigInt(message.timeAccuracyNs) : null,
    hasFix:
      message.kind === 'nav-pvt'
        ? message.isFixOk && message.isDateValid && message.isTimeValid && message.isFullyResolved
        : message.isValid,
  };
}

function utcOf({ date, time }: Rmc): Utc | null {
  return date === null || time === null ? null : { ...date, ...time, year: CENTURY + date.year };
}

function unixOf({ year, month, day, hour, minute, second }: Utc): number {
  return Date.UTC(year, month - 1, day, hour, minute, second) / MS_PER_SECOND;
}
