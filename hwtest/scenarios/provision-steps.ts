/**
 * Provisions one box through a chain of kills: the command is killed at one TPM command after
 * another, before the TPM has done it and after, and run again each time. At the end everything is
 * there once, and nothing of it needed a person.
 */
import { rmSync } from 'node:fs';
import { join } from 'node:path';

import type { StatusView } from '../../daemon/src/control/views.ts';
import { Appliance } from '../backends/appliance.ts';
import { askJson } from '../backends/control.ts';
import { makeOperatorKey } from '../backends/operator-key.ts';
import { commandCode, startTpmProxy, type TpmProxy } from '../backends/tpm-proxy.ts';
import { kudurru, type CommandEnd } from './kudurru.ts';
import { checkFiles } from './scenario.ts';

export type StepName = keyof typeof commandCode;

export interface ProvisionStepsOptions {
  /** Made, with a short path, and removed. */
  readonly folder: string;
  readonly steps: readonly StepName[];
  readonly onKill?: (line: string) => void;
}

export interface ProvisionStepsResult {
  readonly kills: number;
  /** What does not hold, in words; empty when all is well. */
  readonly findings: readonly string[];
}

/** Those that change the TPM for good, in their order; an index, and a hierarchy, each its own. */
export const lastingSteps: readonly StepName[] = [
  ...(['evictControl', 'nvDefineSpace', 'nvIncrement', 'nvDefineSpace'] as const),
  ...(['nvExtend', 'hierarchyChangeAuth', 'hierarchyChangeAuth'] as const),
];

/** All that provisioning sends, but what only reads. */
export const allSteps: readonly StepName[] = [
  ...(['dictionaryAttackParameters', 'createPrimary', 'evictControl', 'create', 'load'] as const),
  ...(['certifyCreation', 'nvDefineSpace', 'nvIncrement', 'nvDefineSpace'] as const),
  ...(['nvExtend', 'startAuthSession', 'hierarchyChangeAuth', 'hierarchyChangeAuth'] as const),
];

export async function runProvisionSteps(
  options: ProvisionStepsOptions,
): Promise<ProvisionStepsResult> {
  const appliance = await Appliance.prepare(join(options.folder, 'state'));
  try {
    const proxy = await startTpmProxy(options.folder, appliance.devices.tpm.socketPath);
    try {
      return await new ProvisionSteps(options, appliance, proxy).run();
    } finally {
      await proxy.stop();
    }
  } finally {
    await appliance.stop();
    rmSync(options.folder, { recursive: true });
  }
}

class ProvisionSteps {
  readonly #options: ProvisionStepsOptions;
  readonly #appliance: Appliance;
  readonly #proxy: TpmProxy;
  readonly #findings: string[] = [];
  #kills = 0;

  constructor(options: ProvisionStepsOptions, appliance: Appliance, proxy: TpmProxy) {
    this.#options = options;
    this.#appliance = appliance;
    this.#proxy = proxy;
  }

  async run(): Promise<ProvisionStepsResult> {
    makeOperatorKey(this.#options.folder, 'ana');
    for (const step of this.#options.steps) {
      for (const kind of ['lost-before', 'lost-after'] as const) await this.#killAt(step, kind);
    }
    this.#proxy.clear();
    const done = await this.#provision();
    if (done.code === 0) await this.#checkBox(done);
    else this.#findings.push(`the last run ended with ${done.code}: ${done.stderr}`);
    return { kills: this.#kills, findings: this.#findings };
  }

  async #killAt(step: StepName, kind: 'lost-before' | 'lost-after'): Promise<void> {
    const met = Promise.withResolvers<void>();
    this.#proxy.clear();
    const when = (): boolean => {
      met.resolve();
      return true;
    };
    this.#proxy.add({ command: commandCode[step], kind, when, times: Infinity });
    const { signal, stderr } = await this.#provision(met.promise);
    if (signal !== 'SIGKILL') this.#findings.push(`${step}, ${kind}: not killed there: ${stderr}`);
    else this.#kills += 1;
    this.#options.onKill?.(`killed at ${step}, ${kind}`);
  }

  /** Each thing was made once, by whichever run, and the daemon starts on it. */
  async #checkBox({ stdout }: CommandEnd): Promise<void> {
    const { appliance } = (JSON.parse(stdout) as { identity: Identity }).identity;
    if (appliance.counter.base !== 1) {
      this.#findings.push(`the counter begins at ${appliance.counter.base}, not at 1`);
    }
    const daemon = await this.#appliance.start({ flags: ['--tcti', this.#proxy.tcti] });
    const status = await askJson<StatusView>(this.#appliance.controlSocket, '/v1/status');
    const { authorisationsSet } = status.custody;
    if (authorisationsSet.length !== 2) this.#findings.push('an authorisation is not set');
    await daemon.stop();
    await checkFiles(this.#appliance.state);
  }

  async #provision(killWhen?: Promise<void>): Promise<CommandEnd> {
    const words = ['provision', '--operator', 'ana=ana.pub', '--json'];
    const options = { currentFolder: this.#options.folder, tcti: this.#proxy.tcti };
    return kudurru([...words, '--state', this.#appliance.state], {
      ...options,
      ...(killWhen === undefined ? {} : { killWhen }),
    });
  }
}

interface Identity {
  readonly appliance: { readonly counter: { readonly base: number } };
}
