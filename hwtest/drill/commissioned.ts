/**
 * An appliance as a customer has it: provisioned with an operator, its sources in the configuration
 * file, and a time profile that the operator signed. It lives on the clock of its lab.
 */
import { execFileSync } from 'node:child_process';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { formatTimeProfile, type TimeProfile } from '@kudurru/proof';

import { makeOperatorKey } from '../backends/operator-key.ts';
import { kudurru } from '../scenarios/kudurru.ts';
import { makeScratchFolder, Scenario } from '../scenarios/scenario.ts';
import type { LabSource } from './lab-profile.ts';

export type Environment = Readonly<Record<string, string>>;

const operator = 'ana';

export class Commissioned {
  readonly scenario: Scenario;
  readonly #folder: string;
  readonly #environment: Environment;

  private constructor(scenario: Scenario, folder: string, environment: Environment) {
    this.scenario = scenario;
    this.#folder = folder;
    this.#environment = environment;
  }

  /** Founded; no daemon runs. */
  static async provision(environment: Environment): Promise<Commissioned> {
    const scenario = await Scenario.prepare();
    const made = new Commissioned(scenario, makeScratchFolder(), environment);
    try {
      makeOperatorKey(made.#folder, operator);
      await made.#command(['provision', '--operator', `${operator}=${operator}.pub`]);
      return made;
    } catch (error) {
      await made.end();
      throw error;
    }
  }

  /** Starts the daemon, which knows where these are. */
  async start(sources: readonly LabSource[]): Promise<void> {
    const file = join(this.#folder, 'kudurru.toml');
    const tables = sources.map(({ source, place }) => {
      const lines = Object.entries(place).map(([name, value]) => {
        return `${name} = ${JSON.stringify(value)}`;
      });
      return [`[time.sources.${source.id}]`, ...lines, ''].join('\n');
    });
    writeFileSync(file, tables.join('\n'));
    const added = sources.map(({ environment }) => environment);
    const environment = Object.assign({}, this.#environment, ...added) as Environment;
    await this.scenario.appliance.start({ flags: ['--config', file], environment });
  }

  /** Ordered, signed and in force. */
  async useProfile(profile: TimeProfile): Promise<void> {
    writeFileSync(join(this.#folder, 'profile.json'), formatTimeProfile(profile));
    await this.#command(['time', 'profile', 'order', 'profile.json', '-o', 'time.order']);
    // A signature that is there already would be asked about.
    rmSync(join(this.#folder, 'time.order.sig'), { force: true });
    const words = ['-q', '-Y', 'sign', '-n', 'kudurru', '-f', operator, 'time.order'];
    execFileSync('ssh-keygen', words, { cwd: this.#folder, stdio: 'ignore' });
    await this.#command(['time', 'profile', 'activate', '--authorisation', 'time.order.sig']);
  }

  async end(): Promise<void> {
    await this.scenario.end();
    rmSync(this.#folder, { recursive: true });
  }

  async #command(words: readonly string[]): Promise<void> {
    const all = [...words, '--state', this.scenario.appliance.state];
    const options = { currentFolder: this.#folder, environment: this.#environment };
    const { code, stderr } = await kudurru(all, options);
    if (code !== 0) throw new Error(`kudurru ${words.join(' ')}: ${stderr}`);
  }
}
