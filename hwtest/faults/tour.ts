/**
 * The load of one run: several agents at once, submissions of one action, of hundreds, of megabytes
 * and of a body in chunks, evidence bundles in between, and an orderly stop. It goes as far as the
 * daemon lives; the agents then wait for the next one and send again what was not answered.
 */
import { randomBytes } from 'node:crypto';

import { AgentError, connect, type Action, type Agent, type Receipt } from '@kudurru/agent';

import type { Appliance, RunningDaemon } from '../backends/appliance.ts';
import type { EnrolledAgent } from '../backends/control.ts';
import { bundleOf, someAction } from '../scenarios/scenario.ts';

const largeBodies = 12;
const largeBodyBytes = 250_000;
/** More than one segment of 8 MiB. */
const largeSubmissions = 4;
/** Travels and is kept in chunks, ahead of its statement. */
const chunkedBodyBytes = 1_500_000;
/** More than one entry bundle, and than one tile of the lowest level. */
const manyActions = 300;
const turns = 6;
const inFlight = 4;
/** A start takes seconds, and on a busy machine minutes: an agent waits for any. */
const reconnectTimeoutMs = 3_600_000;
/** A daemon that dropped a question and lives this long was not ending. */
const endWithinMs = 10_000;

/** Some megabytes. */
export function largeActions(): Action[] {
  return Array.from({ length: largeBodies }, (_, number) =>
    actionWith(`large ${number}`, largeBodyBytes),
  );
}

function actionWith(name: string, bodyBytes: number): Action {
  return { ...someAction(name), private: { input: new Uint8Array(randomBytes(bodyBytes)) } };
}

export interface TourOptions {
  /** The agents, two or more; asked when a daemon lives that knows them or can. */
  readonly enrol: () => Promise<readonly EnrolledAgent[]>;
  /** Load that fills a segment. */
  readonly isHeavy?: boolean;
}

export class Tour {
  readonly receipts: Receipt[] = [];
  /** What was put off, in the daemon's words: lawful where a fault was met. */
  readonly refusals: string[] = [];
  /** What must not be. */
  readonly problems: string[] = [];
  readonly #appliance: Appliance;
  readonly #enrol: () => Promise<readonly EnrolledAgent[]>;
  readonly #isHeavy: boolean;
  #agents: Agent[] = [];
  readonly #pending: Promise<void>[] = [];

  constructor(appliance: Appliance, options: TourOptions) {
    this.#appliance = appliance;
    this.#enrol = options.enrol;
    this.#isHeavy = options.isHeavy ?? false;
  }

  /** The whole load and the stop, or as much of it as the daemon lives for. */
  async run(daemon: RunningDaemon): Promise<void> {
    let lives = true;
    const ended = daemon.ended.then(() => {
      lives = false;
    });
    const load = this.#load(() => lives).catch(async (error: unknown) => {
      // A daemon that dies leaves questions unanswered: that is its result and not theirs.
      await Promise.race([ended, longEnough()]);
      if (lives) this.refusals.push(String(error));
    });
    await Promise.race([load, ended]);
    await daemon.stop();
  }

  /** With the next daemon: everything that waits is answered, and each agent can go on. */
  async settle(): Promise<void> {
    await this.#connect();
    await Promise.all(this.#pending);
    const before = this.refusals.length;
    await this.#smallOnes(() => true);
    this.problems.push(...this.refusals.slice(before));
    await this.#bundle();
  }

  end(): void {
    for (const agent of this.#agents) agent.destroy();
    this.#agents = [];
  }

  async #load(goesOn: () => boolean): Promise<void> {
    await this.#connect();
    const [large, many] = this.#agents;
    if (large === undefined || many === undefined) throw new Error('too few agents');
    const largeOnes = async (): Promise<void> => {
      const submissions = this.#isHeavy ? largeSubmissions : 1;
      for (let turn = 0; turn < submissions && goesOn(); turn++) {
        await this.#submit(large, largeActions());
      }
      if (goesOn()) await this.#submit(large, [actionWith('in chunks', chunkedBodyBytes)]);
    };
    const manyOnes = Array.from({ length: manyActions }, (_, at) => someAction(`many ${at}`));
    await Promise.all([largeOnes(), this.#submit(many, manyOnes), this.#smallOnes(goesOn)]);
    if (goesOn()) await this.#bundle();
    await this.#smallOnes(goesOn);
    if (goesOn()) await this.#bundle();
  }

  async #connect(): Promise<void> {
    if (this.#agents.length > 0) return;
    const socketPath = this.#appliance.agentSocket;
    const made = await Promise.all(
      (await this.#enrol()).map((agent) => connect({ socketPath, ...agent, reconnectTimeoutMs })),
    );
    this.#agents.push(...made);
  }

  async #bundle(): Promise<void> {
    await bundleOf(this.#appliance.controlSocket, this.receipts.at(-1)?.statementIndex ?? 0n);
  }

  async #smallOnes(goesOn: () => boolean): Promise<void> {
    const lane = async (agent: Agent): Promise<void> => {
      for (let turn = 0; turn < turns && goesOn(); turn++) {
        await this.#submit(agent, [someAction('small')]);
      }
    };
    const lanes = this.#agents.flatMap((agent) => Array.from({ length: inFlight }, () => agent));
    await Promise.all(lanes.map(lane));
  }

  async #submit(agent: Agent, actions: readonly Action[]): Promise<void> {
    const submitted = agent.submit(actions).then(
      (receipt) => void this.receipts.push(receipt),
      (error: unknown) => {
        const isPutOff = error instanceof AgentError && error.retry === 'later';
        (isPutOff ? this.refusals : this.problems).push(`no receipt: ${String(error)}`);
      },
    );
    this.#pending.push(submitted);
    await submitted;
  }
}

async function longEnough(): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, endWithinMs).unref();
  });
}
