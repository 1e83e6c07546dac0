/** What the steps of a drill act on: a lab with its grandmaster, and what is believed in it. */
import type { Grandmaster } from '../lab/grandmaster.ts';
import type { GrandmasterOptions, Lab } from '../lab/lab.ts';
import type { Believed } from './drill.ts';

/** Who believes: a probe beside ptp4l, or the daemon. */
export interface Believer {
  /** Readings since the last time this was asked, oldest first. */
  readings(): Promise<readonly Believed[]>;
  end(): Promise<void>;
}

export class Stage {
  readonly lab: Lab;
  /** The one that the appliance is commissioned with. */
  readonly grandmaster: Grandmaster;
  readonly #others: Grandmaster[] = [];

  constructor(lab: Lab, grandmaster: Grandmaster) {
    this.lab = lab;
    this.grandmaster = grandmaster;
  }

  /** Another grandmaster, started. */
  async addGrandmaster(
    options: GrandmasterOptions,
    prepare: (grandmaster: Grandmaster) => Promise<void> = async () => undefined,
  ): Promise<void> {
    const other = await this.lab.grandmaster(options);
    this.#others.push(other);
    await prepare(other);
    await other.start();
  }

  /** The last one added. */
  get other(): Grandmaster {
    const other = this.#others.at(-1);
    if (other === undefined) throw new Error('no other grandmaster was added');
    return other;
  }
}
