// Clocks read between two reads of CLOCK_MONOTONIC_RAW: the kernel's own, a network card's (PHC),
// and when the last pulse came (PPS). All in nanoseconds; the raw clock starts anew with each boot.
import { getSystemErrorName } from 'node:util';

import { checkInteger } from './arguments.ts';
import { nativePart } from './load.ts';
import { NativeError } from './native-error.ts';

const clockNames = ['tai', 'realtime', 'boottime', 'monotonic'] as const;
export type KernelClockName = (typeof clockNames)[number];

/** The clock was read after `rawBeforeNs` and before `rawAfterNs`. */
export interface ClockBracket {
  readonly rawBeforeNs: bigint;
  readonly valueNs: bigint;
  readonly rawAfterNs: bigint;
}

/** What adjtimex(2) says of CLOCK_REALTIME. */
export interface KernelClock {
  /** TIME_OK 0 to TIME_ERROR 5. */
  readonly state: number;
  /** STA_ bits. */
  readonly status: number;
  /** In ns where STA_NANO is set, else in microseconds. */
  readonly offset: number;
  /** Parts of a million, times 2^16. */
  readonly frequency: number;
  readonly maxErrorUs: number;
  readonly estimatedErrorUs: number;
  /** Of a tick at 100 Hz: 10,000 where nobody turns the clock by it. */
  readonly tickUs: number;
  /** 0 where nobody told the kernel. */
  readonly taiMinusUtcSeconds: number;
}

const rungs = ['precise', 'extended', 'plain'] as const;
/** Which of the driver's ways gave a reading, from best to worst. */
export type PhcRung = (typeof rungs)[number];
const systemClocks = ['monotonic-raw', 'realtime'] as const;

export interface PhcReading {
  readonly rung: PhcRung;
  /** The clock that the card's was read between: `systemBeforeNs` and `systemAfterNs` are its. */
  readonly systemClock: (typeof systemClocks)[number];
  readonly systemBeforeNs: bigint;
  readonly phcNs: bigint;
  readonly systemAfterNs: bigint;
  /** CLOCK_MONOTONIC_RAW around the whole call. */
  readonly rawBeforeNs: bigint;
  readonly rawAfterNs: bigint;
}

export interface PulseReading {
  /** Edges since the device exists; 0 before the first. Their times are CLOCK_REALTIME's. */
  readonly assertSequence: number;
  readonly assertRealtimeNs: bigint;
  readonly clearSequence: number;
  readonly clearRealtimeNs: bigint;
  /** CLOCK_REALTIME just after, which relates those to CLOCK_MONOTONIC_RAW. */
  readonly realtime: ClockBracket;
}

interface ClockDevicesPart {
  readRawNs(): bigint;
  readBracket(clock: number, attempts: number): ClockBracket;
  readSuspendedNs(attempts: number): bigint;
  readKernelClock(): KernelClock | null;
  readPhc(path: string, samples: number): RawPhcReading | number;
  readPulse(path: string): PulseReading | number;
}
type RawPhcReading = Omit<PhcReading, 'rung' | 'systemClock'> & {
  readonly rung: number;
  readonly systemClock: number;
};

const native = nativePart<ClockDevicesPart>();

export const CLOCK_ATTEMPTS_MAX = 1000;
/** The kernel's own limit. */
export const PHC_SAMPLES_MAX = 25;

/** CLOCK_MONOTONIC_RAW. */
export function readRawNs(): bigint {
  return native.readRawNs();
}

/** The narrowest of `attempts` brackets of a clock. */
export function readBracket(clock: KernelClockName, attempts = 5): ClockBracket {
  const id = clockNames.indexOf(clock);
  if (id < 0) throw new TypeError(`clock is '${clock}', not one of ${clockNames.join(', ')}`);
  checkInteger(attempts, 'attempts', { min: 1, max: CLOCK_ATTEMPTS_MAX });
  return native.readBracket(id, attempts);
}

/**
 * How long the machine has been suspended since it booted, which CLOCK_MONOTONIC_RAW does not
 * count: the longest of `attempts` readings, as a pause within one makes it shorter, never longer.
 */
export function readSuspendedNs(attempts = 5): bigint {
  checkInteger(attempts, 'attempts', { min: 1, max: CLOCK_ATTEMPTS_MAX });
  return native.readSuspendedNs(attempts);
}

/** null where the kernel does not tell. */
export function readKernelClock(): KernelClock | null {
  return native.readKernelClock();
}

/**
 * The clock at `path` (`/dev/ptp0`), by the best way that its driver has; of the two worse ones the
 * narrowest of `samples`. @throws NativeError errno
 */
export function readPhc(path: string, samples = 5): PhcReading {
  checkInteger(samples, 'samples', { min: 1, max: PHC_SAMPLES_MAX });
  const reading = orThrow(native.readPhc(checkedPath(path), samples), path, 'readPhc');
  const [rung, systemClock] = [rungs[reading.rung], systemClocks[reading.systemClock]];
  if (rung === undefined || systemClock === undefined) throw new TypeError('not a reading');
  return { ...reading, rung, systemClock };
}

/** Last edges of the pulse at `path` (`/dev/pps0`); waits for none. @throws NativeError errno */
export function readPulse(path: string): PulseReading {
  return orThrow(native.readPulse(checkedPath(path)), path, 'readPulse');
}

function checkedPath(path: string): string {
  if (typeof path !== 'string') throw new TypeError('path is not a string');
  if (path.includes('\0')) throw new TypeError('path holds a zero byte');
  return path;
}

function orThrow<Reading>(result: Reading | number, path: string, operation: string): Reading {
  if (typeof result !== 'number') return result;
  const code = getSystemErrorName(-result);
  throw new NativeError(`cannot read the clock device "${path}": ${code}`, {
    domain: 'errno',
    code,
    operation,
  });
}
