/**
 * Boxes provisioned through a mishap at each step: each step is killed and reset in twenty of them,
 * and loses power in ten. A box with a blank token goes through all steps, one whose token is taken
 * over through those that are different then.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { Appliance } from '../backends/appliance.ts';
import { withTable } from '../faults/table.ts';
import { copyFolder } from '../faults/templates.ts';
import { MISHAPS, type Mishap } from '../scenarios/anchor-step-list.ts';
import {
  PROVISION_STEPS,
  TAKE_OVER_STEPS,
  TOKEN_KINDS,
  type TokenKind,
} from '../scenarios/provision-step-list.ts';
import { compareProvisioning, runProvisionSteps } from '../scenarios/provision-steps.ts';
import type { Soak, SoakOptions, SoakResult } from './soak.ts';
import { StepTable } from './step-table.ts';

const rounds: Readonly<Record<Mishap, number>> = {
  'kill -9': 20,
  'TPM reset': 20,
  'power cut': 10,
};
/** Provisioned at the same time. */
const lanes = 2;

const places: Readonly<Record<TokenKind, string>> = {
  blank: 'provisioning',
  initialised: 'a token is taken over',
};
const stepsOf: Readonly<Record<TokenKind, readonly string[]>> = {
  blank: PROVISION_STEPS.blank,
  initialised: TAKE_OVER_STEPS,
};

export const provisionSteps: Soak = {
  name: 'provision-steps',
  about: 'kill -9, resets of the TPM and power cuts at each step of provisioning, 20 rounds',
  async run(options) {
    const { tableFile, say } = options;
    const campaign = new Campaign(options);
    await campaign.prepare();
    await Promise.all(Array.from({ length: lanes }, () => campaign.lane()));
    const result = campaign.result();
    const text = campaign.table.format();
    for (const line of text.split('\n')) say(line);
    const missing = campaign.missing();
    const left = missing === 0 ? [] : [`${missing} boxes are still to be done`];
    const findings = [...result.findings, ...left];
    if (findings.length === 0 && tableFile !== null) {
      const document = readFileSync(tableFile, 'utf8');
      writeFileSync(tableFile, withTable(document, 'provision-steps', text));
    }
    return { ...result, findings };
  },
};

/** The boxes with one kind of token that meet one mishap. */
interface Series {
  readonly name: string;
  readonly token: TokenKind;
  readonly mishap: Mishap;
  readonly wanted: number;
  begun: number;
  done: number;
}

class Campaign {
  readonly table: StepTable;
  readonly #series: readonly Series[];
  readonly #findings: string[] = [];
  readonly #options: SoakOptions;
  readonly #untilMs: number;
  #mishaps: number;

  constructor(options: SoakOptions) {
    const { before, minutes } = options;
    this.#options = options;
    this.#untilMs = performance.now() + minutes * 60_000;
    this.#mishaps = before?.counts['mishaps'] ?? 0;
    this.#series = TOKEN_KINDS.flatMap((token) =>
      MISHAPS.map((mishap) => {
        const name = `boxes, token ${token}, ${mishap}`;
        const done = before?.counts[name] ?? 0;
        return { name, token, mishap, wanted: rounds[mishap], begun: done, done };
      }),
    );
    const rows = TOKEN_KINDS.flatMap((token) =>
      stepsOf[token].map((name) => ({ name, where: places[token] })),
    );
    this.table = new StepTable(rows, MISHAPS, before?.cells);
  }

  /** A state folder with devices for each kind of token; and each list against a run. */
  async prepare(): Promise<void> {
    for (const token of TOKEN_KINDS) {
      const prepared = await Appliance.prepare(this.#template(token), token);
      await prepared.devices.stop();
      const folder = this.#makeFolder(`traced-${token}`);
      const copyState = (state: string): void => copyFolder(this.#template(token), state);
      this.#findings.push(...(await compareProvisioning({ folder, token, copyState })));
    }
  }

  async lane(): Promise<void> {
    while (performance.now() < this.#untilMs) {
      const series = this.#furthestBehind();
      if (series === undefined) return;
      await this.#box(series);
    }
  }

  missing(): number {
    return this.#series.reduce((sum, { wanted, done }) => sum + wanted - done, 0);
  }

  result(): SoakResult {
    const boxes = this.#series.map(({ name, done }) => [name, done] as const);
    const counts = { mishaps: this.#mishaps, ...Object.fromEntries(boxes) };
    return { counts, findings: [...this.#findings], cells: this.table.cells() };
  }

  #furthestBehind(): Series | undefined {
    const open = this.#series.filter(({ begun, wanted }) => begun < wanted);
    return open.toSorted((one, other) => one.begun / one.wanted - other.begun / other.wanted)[0];
  }

  /** Boxes of one series meet a step on one side and on the other in turn. */
  async #box(series: Series): Promise<void> {
    const { token, mishap } = series;
    const number = series.begun++;
    const { seed, say, save } = this.#options;
    const name = `${series.name} ${number + 1}`;
    const found = await runProvisionSteps({
      folder: this.#makeFolder(name.replaceAll(/\W+/gu, '-')),
      token,
      copyState: (state) => copyFolder(this.#template(token), state),
      steps: stepsOf[token],
      mishap,
      number: seed + number,
      onOutcome: (step, outcome) => {
        this.#mishaps += 1;
        this.table.add({ name: step, where: places[token] }, mishap, outcome);
        if (outcome === 'human needed') say(`${name}: at "${step}": ${outcome}`);
      },
    });
    series.done += 1;
    for (const finding of found) say(`${name}: ${finding}`);
    this.#findings.push(...found.map((text) => `${name}: ${text}`));
    say(`${name} of ${series.wanted}; still to be done: ${this.missing()} boxes`);
    save(this.result());
  }

  #template(token: TokenKind): string {
    return join(this.#options.folder, `template-${token}`);
  }

  #makeFolder(name: string): string {
    const folder = join(this.#options.folder, name);
    mkdirSync(folder);
    return folder;
  }
}
