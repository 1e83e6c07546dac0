/** A grandmaster of the lab: a ptp4l whose clock is TAI, as on a reference, and what it claims. */
import type { LabClock } from './clocks.ts';
import type { Station } from './network.ts';
import { Ptp4l, type Ptp4lOptions } from './ptp4l.ts';

/** GRANDMASTER_SETTINGS_NP, with pmc's names. */
export interface GrandmasterSettings {
  readonly clockClass: number;
  readonly clockAccuracy: number;
  readonly offsetScaledLogVariance: number;
  readonly currentUtcOffset: number;
  readonly leap61: 0 | 1;
  readonly leap59: 0 | 1;
  readonly currentUtcOffsetValid: 0 | 1;
  readonly ptpTimescale: 0 | 1;
  readonly timeTraceable: 0 | 1;
  readonly frequencyTraceable: 0 | 1;
  readonly timeSource: number;
}

/** Locked to a primary reference: a GNSS receiver, to 100 ns. */
export const LOCKED_GRANDMASTER: GrandmasterSettings = {
  clockClass: 6,
  clockAccuracy: 0x21,
  offsetScaledLogVariance: 0x4e5d,
  currentUtcOffset: 37,
  leap61: 0,
  leap59: 0,
  currentUtcOffsetValid: 1,
  ptpTimescale: 1,
  timeTraceable: 1,
  frequencyTraceable: 1,
  timeSource: 0x20,
};

/** Fields that pmc takes and prints in hexadecimal. */
const hexadecimal: ReadonlySet<string> = new Set([
  'clockAccuracy',
  'offsetScaledLogVariance',
  'timeSource',
]);

export class Grandmaster {
  readonly ptp4l: Ptp4l;
  readonly clock: LabClock;
  readonly station: Station;
  #settings: GrandmasterSettings;

  constructor(options: Ptp4lOptions, settings: GrandmasterSettings, priority1: number) {
    this.clock = options.clock;
    this.station = options.station;
    this.#settings = settings;
    // Its clock is not for another grandmaster to move.
    const own = { free_running: 1, priority1, priority2: priority1, clockClass: 6 };
    this.ptp4l = new Ptp4l({ ...options, settings: { ...own, ...options.settings } });
  }

  /** Back when it is the master of its segment and claims what it should. */
  async start(): Promise<void> {
    await this.ptp4l.start();
    await this.announce({});
    await this.ptp4l.untilPortState('MASTER');
  }

  /** Back when it claims this, and else what it did before. */
  async announce(changed: Partial<GrandmasterSettings>): Promise<void> {
    this.#settings = { ...this.#settings, ...changed };
    const words = Object.entries(this.#settings).map(([name, value]: [string, number]) => {
      return `${name} ${hexadecimal.has(name) ? `0x${value.toString(16)}` : value}`;
    });
    await this.ptp4l.set('GRANDMASTER_SETTINGS_NP', words.join(' '));
  }
}
