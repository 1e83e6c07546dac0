/** What is believed against the truth, over a whole drill: the time line, and what comes of it. */
import { TIME_LEVELS, type TimeLevel } from '@kudurru/proof';

import type { Clocks } from '../lab/clocks.ts';
import type { Believed } from './drill.ts';

const nsPerUs = 1000n;
const locked = TIME_LEVELS.indexOf('LOCKED');

/** A reading that was not inside its own adversarial window. */
export interface Excursion extends Believed {
  readonly errorNs: bigint;
}

export interface WatchOptions {
  readonly say: (line: string) => void;
  /** A line of the time line at each change, and at least so often. */
  readonly lineEveryS: number;
}

export class Watch {
  readonly #clocks: Clocks;
  readonly #say: (line: string) => void;
  readonly #lineEveryS: number;
  readonly #startedMs = performance.now();
  readonly levels: TimeLevel[] = [];
  readonly excursions: Excursion[] = [];
  worstNs = 0n;
  worstWhenLockedNs = 0n;
  readings = 0;
  last: Believed | null = null;
  #lineAtS = -Infinity;
  #shown = '';

  constructor(clocks: Clocks, { say, lineEveryS }: WatchOptions) {
    this.#clocks = clocks;
    this.#say = say;
    this.#lineEveryS = lineEveryS;
  }

  get seconds(): number {
    return (performance.now() - this.#startedMs) / 1000;
  }

  /** A line of the time line that is no reading. */
  tell(line: string): void {
    this.#say(`${this.seconds.toFixed(1).padStart(7)} s  ${line}`);
  }

  take(believed: Believed): void {
    const errorNs = believed.taiNs - this.#clocks.truthAt(believed.rawNs);
    const sizeNs = magnitude(errorNs);
    const isLocked = TIME_LEVELS.indexOf(believed.level) >= locked;
    this.readings += 1;
    this.last = believed;
    if (believed.level !== 'UNKNOWN') this.worstNs = larger(this.worstNs, sizeNs);
    if (isLocked) this.worstWhenLockedNs = larger(this.worstWhenLockedNs, sizeNs);
    const isOutside = believed.adversarialNs === null || sizeNs > believed.adversarialNs;
    if (isLocked && isOutside) this.excursions.push({ ...believed, errorNs });
    if (this.levels.at(-1) !== believed.level) this.levels.push(believed.level);
    this.#show(believed, errorNs, isLocked && isOutside);
  }

  #show(believed: Believed, errorNs: bigint, isOutside: boolean): void {
    const shown = [believed.level, ...believed.verdicts, isOutside].join(' ');
    if (shown === this.#shown && this.seconds - this.#lineAtS < this.#lineEveryS) return;
    this.#shown = shown;
    this.#lineAtS = this.seconds;
    const { adversarialNs, statisticalNs } = believed;
    const windows = `±${microseconds(adversarialNs)} (±${microseconds(statisticalNs)})`;
    const mark = isOutside ? '  OUTSIDE' : '';
    this.tell(
      `${believed.level.padEnd(9)} error ${microseconds(errorNs)} in ${windows}${mark}` +
        `  ${believed.verdicts.join(', ')}`,
    );
  }
}

function microseconds(ns: bigint | null): string {
  return ns === null ? 'unknown' : `${ns / nsPerUs} us`;
}

function magnitude(ns: bigint): bigint {
  return ns < 0n ? -ns : ns;
}

function larger(left: bigint, right: bigint): bigint {
  return left > right ? left : right;
}
