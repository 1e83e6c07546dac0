/** What the steps of a drill act on: a lab with its grandmaster, and the appliance in it. */
import type { Grandmaster } from '../lab/grandmaster.ts';
import type { GrandmasterOptions, Lab } from '../lab/lab.ts';
import type { DrilledAppliance } from './drilled-appliance.ts';

export class Stage {
  readonly lab: Lab;
  /** The one that the appliance is commissioned with. */
  readonly grandmaster: Grandmaster;
  readonly #others: Grandmaster[] = [];
  #appliance: DrilledAppliance | null = null;

  constructor(lab: Lab, grandmaster: Grandmaster) {
    this.lab = lab;
    this.grandmaster = grandmaster;
  }

  /** Another grandmaster, started. */
  async addGrandmaster(
    options: GrandmasterOptions,
    prepare: (grandmaster: Grandmaster) => Promise<void> = async () => undefined,
  ): Promise<Grandmaster> {
    const other = await this.lab.grandmaster(options);
    this.#others.push(other);
    await prepare(other);
    await other.start();
    return other;
  }

  /** The last one added. */
  get other(): Grandmaster {
    const other = this.#others.at(-1);
    if (other === undefined) throw new Error('no other grandmaster was added');
    return other;
  }

  set drilled(appliance: DrilledAppliance) {
    this.#appliance = appliance;
  }

  get drilled(): DrilledAppliance {
    if (this.#appliance === null) throw new Error('the appliance has not started yet');
    return this.#appliance;
  }
}
