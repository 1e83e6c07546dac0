/**
 * How soon a lost grandmaster shows in the level, and how wide the windows are: by the entries of a
 * real daemon, as all of a drill.
 */
import { setTimeout as sleep } from 'node:timers/promises';

import { readClock } from '@kudurru/native';
import { TIME_LEVELS } from '@kudurru/proof';

import type { Believed } from './drill.ts';
import { type DrillSet, withAppliance } from './run-drill.ts';

const losses = 12;
const lookMs = 100;
const holdoverS = 120n;
const lockedForS = 3n;
const nsPerS = 1_000_000_000n;
const locked = TIME_LEVELS.indexOf('LOCKED');

export interface Figures {
  /** From the end of the grandmaster's process to the arrival of the first action below LOCKED. */
  readonly lossMs: readonly number[];
  readonly lockedUs: { readonly statistical: Spread; readonly adversarial: Spread };
  /** By how much each window grew in a minute of holdover. */
  readonly minuteOfHoldoverUs: { readonly statistical: number; readonly adversarial: number };
}

export interface Spread {
  readonly p50: number;
  readonly max: number;
  readonly count: number;
}

export async function measureFigures(say: (line: string) => void): Promise<Figures> {
  return withAppliance({ name: 'figures', about: '', steps: [] }, async (set) => {
    const measuring = new Measuring(set);
    const lossMs: number[] = [];
    for (let times = 0; times < losses; times += 1) {
      await measuring.untilLocked();
      lossMs.push(await measuring.loseGrandmaster());
      say(`loss ${times + 1}: below LOCKED after ${lossMs.at(-1)} ms`);
      if (times === losses - 1) await measuring.holdOver();
      await set.stage.grandmaster.start();
    }
    return { lossMs, ...measuring.widths() };
  });
}

class Measuring {
  readonly #set: DrillSet;
  readonly #locked: Believed[] = [];
  #held: readonly Believed[] = [];

  constructor(set: DrillSet) {
    this.#set = set;
  }

  /** For some seconds, whose entries are counted. */
  async untilLocked(): Promise<void> {
    let since: bigint | null = null;
    await this.#until((now) => {
      if (!isLocked(now)) since = null;
      else since ??= now.rawNs;
      if (since !== null) this.#locked.push(now);
      return since !== null && now.rawNs - since > lockedForS * nsPerS;
    });
  }

  async loseGrandmaster(): Promise<number> {
    await this.#set.stage.grandmaster.ptp4l.kill();
    const { monotonicRawNs: lostNs } = readClock();
    const { rawNs } = await this.#until((now) => now.rawNs > lostNs && !isLocked(now));
    return Number((rawNs - lostNs) / 1_000_000n);
  }

  async holdOver(): Promise<void> {
    const held: Believed[] = [];
    await this.#until((now) => {
      held.push(now);
      return now.rawNs - (held[0]?.rawNs ?? now.rawNs) > holdoverS * nsPerS;
    });
    this.#held = held;
  }

  widths(): Omit<Figures, 'lossMs'> {
    const [first, last] = [this.#held[0], this.#held.at(-1)];
    if (first === undefined || last === undefined) throw new Error('no holdover was measured');
    const passedNs = last.rawNs - first.rawNs;
    const aMinute = (from: bigint | null, to: bigint | null): number => {
      return Number((((to ?? 0n) - (from ?? 0n)) * 60n * nsPerS) / passedNs / 1000n);
    };
    return {
      lockedUs: {
        statistical: spreadOf(this.#locked.map(({ statisticalNs }) => statisticalNs)),
        adversarial: spreadOf(this.#locked.map(({ adversarialNs }) => adversarialNs)),
      },
      minuteOfHoldoverUs: {
        statistical: aMinute(first.statisticalNs, last.statisticalNs),
        adversarial: aMinute(first.adversarialNs, last.adversarialNs),
      },
    };
  }

  async #until(isSo: (now: Believed) => boolean): Promise<Believed> {
    for (;;) {
      for (const now of await this.#set.drilled.readings()) if (isSo(now)) return now;
      await sleep(lookMs);
    }
  }
}

function isLocked({ level }: Believed): boolean {
  return TIME_LEVELS.indexOf(level) >= locked;
}

function spreadOf(widthsNs: readonly (bigint | null)[]): Spread {
  const sorted = widthsNs.map((width) => Number((width ?? 0n) / 1000n)).toSorted((a, b) => a - b);
  const p50 = sorted[Math.floor(sorted.length / 2)] ?? 0;
  return { p50, max: sorted.at(-1) ?? 0, count: sorted.length };
}
