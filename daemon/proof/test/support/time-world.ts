/**
 * A small world with a known truth: a grandmaster, a network whose delays an attacker sets, ptp4l
 * with its filter and servo, and an oscillator that wanders. What ptp4l would answer comes out as
 * real datagrams between readings of the raw clock. No randomness but the numbers it is given.
 */
import type { LeapSeconds } from '../../src/tai.ts';
import type { TimeFrame } from '../../src/time/raw-time-evidence.ts';
import type { PtpState } from './ptp-encode.ts';
import { LOCKED_STATE, ptpAnswers } from './ptp-encode.ts';
import { SeededNumbers } from './seeded-numbers.ts';

const SECOND = 1e9;
/** Truth, and every clock, at the start: 2026-11-22, in ns of TAI. */
export const WORLD_START_TAI_NS = 1_795_336_237_000_000_000n;
const CONSTANT = { steps: [{ fromUnixSeconds: 0, taiMinusUtcSeconds: 37 }] };
const SYNC_NS = 125_000_000;
const BRACKET_NS = 2_000;
const READ_NS = 40_000;
/** ptp4l's own: `delay_filter_length`, and the constants of its servo for eight syncs a second. */
const FILTER_LENGTH = 10;
const [PROPORTIONAL, INTEGRAL] = [0.7, 0.3];
const RATE_MAX = 100e-6;

export interface World {
  readonly seed: number;
  /** Truth at the start; WORLD_START_TAI_NS by default. */
  readonly startTaiNs?: bigint;
  /** The leap seconds that the kernel of the box makes; none by default, TAI−UTC being 37 s. */
  readonly leap?: LeapSeconds;
  /** Whether ptp4l sets a network card's clock, in TAI, and not CLOCK_REALTIME. */
  readonly isPhc?: boolean;
  /** By how much the raw clock goes wrong, at the start and at most, in parts of one. */
  readonly drift: number;
  readonly driftMax: number;
  /** One-way delays without an attack, and what jitter adds at most. */
  readonly delayNs: readonly [toUs: number, fromUs: number];
  readonly jitterNs: number;
  /** By how much the disciplined clock is wrong at the start. */
  readonly startErrorNs: number;
  /** What is added to the delays in either direction, by time in seconds. */
  readonly attack: (seconds: number) => readonly [toUs: number, fromUs: number];
  /** Whether delay requests or their answers are lost. */
  readonly dropsDelays?: (seconds: number) => boolean;
  /** When the grandmaster is there. */
  readonly isPresent?: (seconds: number) => boolean;
  /** By how much the grandmaster's own time is wrong. */
  readonly lieNs?: (seconds: number) => number;
  /** What else ptp4l answers otherwise. */
  readonly state?: (seconds: number) => Partial<PtpState>;
}

/** Steps the world in real order; all times are ns of truth since the start. */
export class TimeWorld {
  readonly #world: World;
  readonly #numbers: SeededNumbers;
  readonly #startTaiNs: bigint;
  #nowNs = 0;
  #rawNs = SECOND;
  #drift: number;
  /** Disciplined clock minus truth. */
  #errorNs: number;
  #rate = 0;
  #integral = 0;
  #delays: number[] = [];
  #lastSyncNs = 0;
  #nextDelayNs = 0;
  #responses = 0n;
  #offsetNs = 0;
  #ingressNs = 0;

  constructor(world: World) {
    this.#world = world;
    this.#numbers = new SeededNumbers(world.seed);
    this.#startTaiNs = world.startTaiNs ?? WORLD_START_TAI_NS;
    this.#drift = world.drift;
    this.#errorNs = world.startErrorNs;
  }

  get seconds(): number {
    return this.#nowNs / SECOND;
  }

  get rawNs(): bigint {
    return BigInt(Math.round(this.#rawNs));
  }

  /** Truth now. */
  get taiNs(): bigint {
    return this.#startTaiNs + BigInt(Math.round(this.#nowNs));
  }

  /** What the raw clock showed at an instant of truth that is not long ago. */
  rawAt(taiNs: bigint): bigint {
    return BigInt(Math.round(this.#rawNs - Number(this.taiNs - taiNs) * (1 - this.#drift)));
  }

  /** Lets `seconds` pass, sync by sync. */
  run(seconds: number): void {
    const endNs = this.#nowNs + seconds * SECOND;
    while (this.#nowNs + SYNC_NS <= endNs) {
      this.#advance(SYNC_NS);
      this.#tick();
    }
    this.#advance(endNs - this.#nowNs);
  }

  /** One round of questions to ptp4l, of the source at `place` in the profile. */
  poll(place: number): TimeFrame[] {
    const isPhc = this.#world.isPhc === true;
    const answers = ptpAnswers(this.#state()).map((bytes): TimeFrame => {
      const rawBeforeNs = this.rawNs;
      this.#advance(BRACKET_NS * this.#numbers.next());
      const clockNs = isPhc ? null : this.#clockNs();
      this.#advance(BRACKET_NS * this.#numbers.next());
      const rawAfterNs = this.rawNs;
      this.#advance(READ_NS * this.#numbers.next());
      return { source: place, kind: 'ptp-management', rawBeforeNs, rawAfterNs, clockNs, bytes };
    });
    return isPhc ? [...answers, this.bracket(place)] : answers;
  }

  /** A reading of the clock that ptp4l sets, alone. */
  bracket(place: number): TimeFrame {
    const kind = this.#world.isPhc === true ? 'phc-bracket' : 'clock-bracket';
    const rawBeforeNs = this.rawNs;
    this.#advance(BRACKET_NS);
    const clockNs = this.#clockNs();
    const bytes = new Uint8Array(0);
    return { source: place, kind, rawBeforeNs, rawAfterNs: this.rawNs, clockNs, bytes };
  }

  #clockNs(): bigint {
    return this.#shownOf(this.taiNs + BigInt(Math.round(this.#errorNs)));
  }

  /** Of UTC as Linux has it: the second before an inserted one is there twice. */
  #shownOf(taiNs: bigint): bigint {
    if (this.#world.isPhc === true) return taiNs;
    const { steps } = this.#world.leap ?? CONSTANT;
    const at = steps.findLast(({ fromUnixSeconds }, i) => {
      const before = steps[i - 1]?.taiMinusUtcSeconds ?? 0;
      return BigInt(fromUnixSeconds + before) * BigInt(SECOND) <= taiNs;
    });
    return taiNs - BigInt(at?.taiMinusUtcSeconds ?? 0) * BigInt(SECOND);
  }

  #advance(ns: number): void {
    const rawNs = ns * (1 - this.#drift);
    this.#nowNs += ns;
    this.#rawNs += rawNs;
    this.#errorNs += rawNs * (1 + this.#rate) - ns;
  }

  #tick(): void {
    const { driftMax } = this.#world;
    const wander = this.#drift + (this.#numbers.next() - 0.5) * driftMax * 0.01;
    this.#drift = Math.min(driftMax, Math.max(-driftMax, wander));
    const isPresent = this.#world.isPresent?.(this.seconds) ?? true;
    if (!isPresent) return;
    const toUs = this.#sync();
    if (this.#nowNs < this.#nextDelayNs) return;
    this.#nextDelayNs = this.#nowNs + SECOND * (0.2 + 1.2 * this.#numbers.next());
    if (this.#world.dropsDelays?.(this.seconds) === true) return;
    const lie = this.#world.lieNs?.(this.seconds) ?? 0;
    // (t2 − t1) + (t4 − t3): the clock's own error and the grandmaster's lie cancel out.
    const forth = this.#errorNs + toUs - lie;
    const back = this.#delay(1) + lie - this.#errorNs;
    this.#delays = [...this.#delays, (forth + back) / 2].slice(-FILTER_LENGTH);
    this.#responses += 1n;
  }

  /** One sync; returns how long it was under way. */
  #sync(): number {
    const toUs = this.#delay(0);
    const lie = this.#world.lieNs?.(this.seconds) ?? 0;
    this.#lastSyncNs = this.#nowNs;
    this.#ingressNs = this.#nowNs + this.#errorNs;
    if (this.#delays.length === 0) return toUs;
    this.#offsetNs = this.#errorNs + toUs - lie - this.#filteredDelay();
    this.#serve(this.#offsetNs);
    return toUs;
  }

  #serve(offsetNs: number): void {
    if (Math.abs(offsetNs) > 1e6) {
      this.#errorNs -= offsetNs;
      return;
    }
    const perSecond = offsetNs / SECOND;
    this.#integral -= perSecond * INTEGRAL * 0.125;
    this.#integral = Math.min(RATE_MAX, Math.max(-RATE_MAX, this.#integral));
    const rate = this.#integral - perSecond * PROPORTIONAL;
    this.#rate = Math.min(RATE_MAX, Math.max(-RATE_MAX, rate));
  }

  #delay(direction: 0 | 1): number {
    const { delayNs, jitterNs, attack } = this.#world;
    const added = attack(this.seconds)[direction];
    const square = this.#numbers.next() ** 2;
    return delayNs[direction] + added + jitterNs * square * square;
  }

  #filteredDelay(): number {
    const sorted = this.#delays.toSorted((a, b) => a - b);
    const middle = sorted.length >> 1;
    if (sorted.length % 2 === 1) return sorted[middle] ?? 0;
    return ((sorted[middle - 1] ?? 0) + (sorted[middle] ?? 0)) / 2;
  }

  #state(): PtpState {
    const isPresent = this.#world.isPresent?.(this.seconds) ?? true;
    // As linuxptp 3.1.1: what the grandmaster announced stays, only the port and the ingress tell.
    const isLost = !isPresent && this.#nowNs - this.#lastSyncNs > 3 * SECOND;
    return {
      ...LOCKED_STATE,
      offsetNs: BigInt(Math.round(this.#offsetNs)),
      ingressNs: isLost
        ? 0n
        : this.#shownOf(this.#startTaiNs + BigInt(Math.round(this.#ingressNs))),
      delayNs: BigInt(Math.round(this.#filteredDelay())),
      portState: isLost ? 4 : this.#delays.length === 0 ? 8 : 9,
      delayResponses: this.#responses,
      ...this.#world.state?.(this.seconds),
    };
  }
}
