/** Boxes provisioned through a mishap at each step, fifty of them. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { Appliance } from '../backends/appliance.ts';
import { withTable } from '../faults/table.ts';
import { copyFolder } from '../faults/templates.ts';
import { MISHAPS, type Mishap } from '../scenarios/anchor-step-list.ts';
import {
  compareProvisioning,
  PROVISION_STEPS,
  runProvisionSteps,
} from '../scenarios/provision-steps.ts';
import type { Soak, SoakOptions } from './soak.ts';
import { StepTable } from './step-table.ts';

/** What a box meets; twenty of fifty each are killed and reset, ten lose power. */
const turns: readonly Mishap[] = ['kill -9', 'TPM reset', 'kill -9', 'TPM reset', 'power cut'];
const boxes = 50;
/** Provisioned at the same time. */
const lanes = 2;

export const provisionSteps: Soak = {
  name: 'provision-steps',
  about: 'kill -9, resets of the TPM and power cuts at each step of provisioning, 50 boxes',
  async run(options) {
    const { folder, tableFile, say } = options;
    const template = join(folder, 'template');
    const prepared = await Appliance.prepare(template);
    await prepared.devices.stop();
    const campaign = new Campaign(options, (state) => copyFolder(template, state));
    await campaign.compare();
    await Promise.all(Array.from({ length: lanes }, () => campaign.lane()));
    const { counts, findings, table } = campaign;
    const text = table.format();
    for (const line of text.split('\n')) say(line);
    if (counts.boxes < boxes) findings.push(`${counts.boxes} of ${boxes} boxes were provisioned`);
    if (findings.length === 0 && tableFile !== null) {
      const document = readFileSync(tableFile, 'utf8');
      writeFileSync(tableFile, withTable(document, 'provision-steps', text));
    }
    return { counts, findings, cells: table.cells() };
  },
};

class Campaign {
  readonly counts = { boxes: 0, mishaps: 0 };
  readonly findings: string[] = [];
  readonly table = new StepTable(
    PROVISION_STEPS.map((name) => ({ name, where: 'provisioning' })),
    MISHAPS,
  );
  readonly #options: SoakOptions;
  readonly #copyState: (state: string) => void;
  readonly #untilMs: number;
  #next = 0;

  constructor(options: SoakOptions, copyState: (state: string) => void) {
    this.#options = options;
    this.#copyState = copyState;
    this.#untilMs = performance.now() + options.minutes * 60_000;
  }

  async compare(): Promise<void> {
    const folder = this.#makeFolder('traced');
    const copyState = this.#copyState;
    this.findings.push(...(await compareProvisioning({ folder, copyState })));
  }

  async lane(): Promise<void> {
    while (this.#next < boxes && performance.now() < this.#untilMs) await this.#box(this.#next++);
  }

  async #box(number: number): Promise<void> {
    const { seed, say } = this.#options;
    const mishap = turns[number % turns.length] ?? 'kill -9';
    const folder = this.#makeFolder(String(number));
    // Boxes of one mishap meet a step on one side and on the other in turn.
    const turn = Math.floor(number / turns.length);
    const found = await runProvisionSteps({
      folder,
      copyState: this.#copyState,
      steps: PROVISION_STEPS,
      mishap,
      number: seed + turn,
      onOutcome: (step, outcome) => {
        this.counts.mishaps += 1;
        this.table.add(step, mishap, outcome);
        say(`box ${number + 1}: ${mishap} at "${step}": ${outcome}`);
      },
    });
    this.counts.boxes += 1;
    const findings = found.map((text) => `box ${number + 1}, ${mishap}: ${text}`);
    for (const finding of findings) say(finding);
    this.findings.push(...findings);
  }

  #makeFolder(name: string): string {
    const folder = join(this.#options.folder, name);
    mkdirSync(folder);
    return folder;
  }
}
