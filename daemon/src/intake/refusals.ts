/** Counts of refusals since they were last taken, for the entries that summarise them. */

export interface RefusalCount {
  readonly code: string;
  readonly count: number;
}

/** Said to every connection at an orderly stop: nothing that was sent is refused by it. */
const farewell = 'stopping';

export class RefusalTally {
  #taken: Readonly<Record<string, number>> = {};

  /** `total` counts from the start of the run. Gives what is new, sorted by code, bytewise. */
  take(total: Readonly<Record<string, number>>): readonly RefusalCount[] {
    const taken = this.#taken;
    this.#taken = { ...total };
    return Object.entries(total)
      .map(([code, count]) => ({ code, count: count - (taken[code] ?? 0) }))
      .filter(({ code, count }) => count > 0 && code !== farewell)
      .sort((left, right) => (left.code < right.code ? -1 : 1));
  }
}
