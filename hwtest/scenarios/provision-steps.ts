/**
 * Provisions one box through a chain of mishaps: the command meets one at each of its steps, before
 * the step is done or after, and is run again where it ended. At the end everything is there once,
 * and nothing of it needed a person.
 */
import { randomInt } from 'node:crypto';
import { rmSync } from 'node:fs';
import { join } from 'node:path';

import type { StatusView } from '../../daemon/src/control/views.ts';
import { Appliance } from '../backends/appliance.ts';
import { askJson } from '../backends/control.ts';
import { makeOperatorKey } from '../backends/operator-key.ts';
import type { TapSide } from '../backends/tpm-proxy.ts';
import { StepTap, type StepAnswer } from '../faults/step-tap.ts';
import type { Mishap } from './anchor-step-list.ts';
import { kudurru, type CommandEnd } from './kudurru.ts';
import { compareSteps, PROVISION_STEPS, type TokenKind } from './provision-step-list.ts';
import { checkFiles } from './scenario.ts';

/** What was needed afterwards: nothing; the same command again; a hand, because that did not do. */
export type ProvisionOutcome = 'went on' | 'same command again' | 'human needed';

export interface ProvisionStepsOptions {
  /** Made, with a short path, and removed. */
  readonly folder: string;
  readonly token: TokenKind;
  /** A state folder whose devices are ready; made where it is not given. */
  readonly copyState?: (state: string) => void;
  readonly steps: readonly string[];
  readonly mishap: Mishap;
  /** Odd and even ones meet a step on its other side; it is also the seed of a power cut. */
  readonly number: number;
  readonly onOutcome: (step: string, outcome: ProvisionOutcome) => void;
}

/** What does not hold, in words; empty when all is well. */
export async function runProvisionSteps(options: ProvisionStepsOptions): Promise<string[]> {
  return onBox(options, (box) => box.run());
}

/** Differences between the list and what a run without a mishap passes, in words. */
export async function compareProvisioning(
  options: Pick<ProvisionStepsOptions, 'folder' | 'token' | 'copyState'>,
): Promise<string[]> {
  const nothing = { steps: [], mishap: 'kill -9', number: 0, onOutcome: () => undefined } as const;
  return onBox({ ...options, ...nothing }, async (box) => {
    const passed = new Set<string>();
    const findings = await box.run(passed);
    return [...findings, ...compareSteps(PROVISION_STEPS[options.token], passed)];
  });
}

/** The device helper. What is in the token's own folder is its maker's to keep. */
const helper = {
  program: 'daemon/devices/main.ts',
  only: ['devices', 'devices/tpm-keys', 'devices/tpm-keys/*'],
};

async function onBox<Value>(
  options: ProvisionStepsOptions,
  act: (box: ProvisionSteps) => Promise<Value>,
): Promise<Value> {
  const { folder, token, copyState } = options;
  const state = join(folder, 'state');
  copyState?.(state);
  const appliance = await Appliance.prepare(state, token);
  try {
    const upstream = appliance.devices.tpm.socketPath;
    const program = 'daemon/cli/kudurru.ts';
    const own = { folder, state: appliance.state, upstream };
    const tap = await StepTap.start({ ...own, program, helper });
    try {
      return await act(new ProvisionSteps(options, appliance, tap));
    } finally {
      await tap.stop();
    }
  } finally {
    await appliance.stop();
    rmSync(folder, { recursive: true });
  }
}

class ProvisionSteps {
  readonly #options: ProvisionStepsOptions;
  readonly #appliance: Appliance;
  readonly #tap: StepTap;
  readonly #module: string;
  readonly #findings: string[] = [];
  /** Met in this run, and in runs that ended there. */
  #met: string[] = [];
  readonly #unproven: string[] = [];
  #next = 0;

  constructor(options: ProvisionStepsOptions, appliance: Appliance, tap: StepTap) {
    this.#options = options;
    this.#appliance = appliance;
    this.#tap = tap;
    this.#module = tap.tapToken(appliance.devices.settings.token.module);
  }

  async run(passed?: Set<string>): Promise<string[]> {
    makeOperatorKey(this.#options.folder, 'ana');
    for (;;) {
      const from = this.#next;
      const end = await this.#provision(passed);
      const isDone = end.code === 0;
      if (isDone || this.#next > from) this.#settle(isDone);
      if (isDone) {
        const left = this.#options.steps.slice(this.#next);
        this.#findings.push(...left.map((step) => `"${step}" was not passed`));
        await this.#checkBox(end);
        return this.#findings;
      }
      if (this.#next > from) continue;
      for (const step of this.#unproven) this.#options.onOutcome(step, 'human needed');
      this.#findings.push(`the command ended with ${end.code}: ${end.stderr}`);
      return this.#findings;
    }
  }

  /** The command went further than where it met what came before. */
  #settle(isDone: boolean): void {
    const { onOutcome } = this.#options;
    for (const step of this.#unproven.splice(0)) onOutcome(step, 'same command again');
    const went = isDone ? this.#met : this.#met.slice(0, -1);
    for (const step of went) onOutcome(step, 'went on');
    if (!isDone) this.#unproven.push(...this.#met.slice(-1));
    this.#met = [];
  }

  /** Each thing was made once, by whichever run, and the daemon starts on it. */
  async #checkBox({ stdout }: CommandEnd): Promise<void> {
    const { appliance } = (JSON.parse(stdout) as { identity: Identity }).identity;
    if (appliance.counter.base !== 1) {
      this.#findings.push(`the counter begins at ${appliance.counter.base}, not at 1`);
    }
    this.#tap.clear();
    const daemon = await this.#appliance.start({ flags: ['--tcti', this.#tap.tcti] });
    const status = await askJson<StatusView>(this.#appliance.controlSocket, '/v1/status');
    const { authorisationsSet, pin } = status.custody;
    if (authorisationsSet.length !== 2) this.#findings.push('an authorisation is not set');
    if (pin.kind !== 'sealed' || !pin.isApproved) this.#findings.push('the PIN is not sealed');
    await daemon.stop();
    await checkFiles(this.#appliance.state);
  }

  async #provision(passed?: Set<string>): Promise<CommandEnd> {
    const words = ['provision', '--operator', 'ana=ana.pub', '--json'];
    const killed = Promise.withResolvers<void>();
    const plan = this.#tap.prepare(this.#options.number + this.#next);
    this.#tap.hook = async (side, name) => {
      passed?.add(name);
      return this.#meet(side, name, killed.resolve);
    };
    return kudurru([...words, '--state', this.#appliance.state], {
      currentFolder: this.#options.folder,
      tcti: this.#tap.tcti,
      environment: { ...plan, KUDURRU_PKCS11_MODULE: this.#module },
      killWhen: killed.promise,
    });
  }

  async #meet(side: TapSide, name: string, kill: () => void): Promise<StepAnswer> {
    const { steps, mishap, number } = this.#options;
    const at = this.#next;
    const isOver = mishap !== 'TPM reset' && this.#met.length > 0;
    if (isOver) return mishap === 'kill -9' ? 'is lost' : 'goes on';
    const wanted: TapSide = (at + number) % 2 === 0 ? 'before' : 'after';
    if (name !== steps[at] || side !== wanted) return 'goes on';
    this.#next += 1;
    this.#met.push(name);
    if (mishap === 'kill -9') kill();
    if (mishap !== 'kill -9') await this.#appliance.devices.tpm.powerCycle(randomInt(2) === 0);
    if (mishap === 'TPM reset') return 'goes on';
    return mishap === 'kill -9' ? 'is lost' : 'power is cut';
  }
}

interface Identity {
  readonly appliance: { readonly counter: { readonly base: number } };
}
