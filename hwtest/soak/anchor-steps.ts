/** Every mishap at every step of an anchor, in a random order, in twenty rounds. */
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { withTable } from '../faults/table.ts';
import {
  ANCHOR_STEPS,
  casesOf,
  compareTrace,
  MISHAPS,
  ROUNDS,
} from '../scenarios/anchor-step-list.ts';
import { AnchorSteps, tellCase, type OnOutcome } from '../scenarios/anchor-steps.ts';
import type { Soak, SoakOptions } from './soak.ts';
import { StepTable } from './step-table.ts';

/** At the same time, each on an appliance of its own. */
const lanes = 2;

export const anchorStepsSoak: Soak = {
  name: 'anchor-steps',
  about: 'kill -9, resets of the TPM and power cuts at each step of an anchor, 20 rounds',
  async run(options) {
    const { minutes, tableFile, say } = options;
    const campaign = new Campaign(options, performance.now() + minutes * 60_000);
    await Promise.all(Array.from({ length: lanes }, () => campaign.lane()));
    const { counts, findings, table } = campaign;
    const text = table.format();
    for (const line of text.split('\n')) say(line);
    if (counts.rounds < ROUNDS) findings.push(`${counts.rounds} of ${ROUNDS} rounds were done`);
    if (findings.length === 0 && tableFile !== null) {
      writeFileSync(tableFile, withTable(readFileSync(tableFile, 'utf8'), 'anchor-steps', text));
    }
    return { counts, findings, cells: table.cells() };
  },
};

const rows = ANCHOR_STEPS.map(({ name, phases }) => ({ name, where: phases.join(', ') }));

class Campaign {
  readonly counts = { mishaps: 0, receipts: 0, rounds: 0 };
  readonly findings: string[] = [];
  readonly table = new StepTable(rows, MISHAPS);
  readonly #options: SoakOptions;
  readonly #untilMs: number;
  #next = 0;

  constructor(options: SoakOptions, untilMs: number) {
    this.#options = options;
    this.#untilMs = untilMs;
  }

  async lane(): Promise<void> {
    while (this.#next < ROUNDS && this.#hasTime) await this.#round(this.#next++);
  }

  get #hasTime(): boolean {
    return performance.now() < this.#untilMs;
  }

  /** On an appliance of its own. */
  async #round(round: number): Promise<void> {
    const { seed, say } = this.#options;
    const folder = join(this.#options.folder, String(round));
    mkdirSync(folder);
    const onOutcome: OnOutcome = (one, outcome) => {
      const row = rows.find(({ name }) => name === one.step);
      if (row !== undefined) this.table.add(row, one.mishap, outcome);
      say(`round ${round + 1}: ${tellCase(one)}: ${outcome}`);
    };
    const appliance = await AnchorSteps.begin({ folder, seed: seed + round, onOutcome });
    try {
      this.findings.push(...compareTrace(await appliance.trace()));
      for (const one of shuffled(casesOf(round), seed + round)) {
        if (!this.#hasTime) break;
        await appliance.run(one);
      }
      this.findings.push(...(await appliance.verdict()));
      if (this.#hasTime) this.counts.rounds += 1;
    } catch (error) {
      const finding = `round ${round + 1}: ${String(error)}`;
      say(finding);
      this.findings.push(finding);
    } finally {
      this.counts.mishaps += appliance.met;
      this.counts.receipts += appliance.receipts;
      await appliance.end();
      rmSync(folder, { recursive: true });
    }
  }
}

/** The same order for the same seed (Park and Miller's generator). */
function shuffled<One>(cases: readonly One[], seed: number): One[] {
  let state = (seed % 2_147_483_646) + 1;
  const weighed = cases.map((one) => {
    state = (state * 48_271) % 2_147_483_647;
    return { one, weight: state };
  });
  return weighed.sort((left, right) => left.weight - right.weight).map(({ one }) => one);
}
