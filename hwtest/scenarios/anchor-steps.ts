/**
 * The real daemon on a software TPM, killed at each command and each durable record of an anchor,
 * and its TPM reset at each of them: what comes up afterwards, until the whole log is replayed at
 * the end.
 */
import { randomInt } from 'node:crypto';
import { join } from 'node:path';

import { connect, type Agent, type Receipt } from '@kudurru/agent';
import { decodeBase64, decodeEntry, verify } from '@kudurru/proof';

import type { StatusView } from '../../daemon/src/control/views.ts';
import { Appliance, type RunningDaemon } from '../backends/appliance.ts';
import { askJson, enrolAgent } from '../backends/control.ts';
import { StepTap, type StepAnswer } from '../faults/step-tap.ts';
import type { Phase, StepCase } from './anchor-step-list.ts';
import { compareReceipts } from './receipt-checker.ts';
import { bundleOf, checkFiles, policyOf, someAction } from './scenario.ts';

/** What was needed afterwards: nothing; a start, which came up; a hand, because it did not. */
export type Outcome = 'went on' | 'came up' | 'human needed';

export type OnOutcome = (one: StepCase, outcome: Outcome) => void;

export interface AnchorStepsOptions {
  /** With a short path. */
  readonly folder: string;
  /** Of what a power cut leaves of the disk. */
  readonly seed: number;
  readonly onOutcome: OnOutcome;
}

export function tellCase({ step, side, mishap, phase }: StepCase): string {
  return `${mishap} ${side} "${step}" while ${phase}`;
}

/** Bundles that are verified at the end: every entry's, or every so many's of a long run. */
const bundlesMax = 25n;
/** Seconds; on a busy machine a minute. After this the daemon hangs. */
const caseTimeoutMs = 900_000;
const intervalFlags = ['--anchor-interval-ms', '100'];
/** A start has them only behind an orderly stop. */
const ofNewSegment: ReadonlySet<string> = new Set(['fdatasync of next-segment', 'segment named']);
const daemonProgram = 'daemon/src/main.ts';

export class AnchorSteps {
  readonly #appliance: Appliance;
  readonly #tap: StepTap;
  readonly #receipts: Receipt[] = [];
  readonly #seed: number;
  readonly #onOutcome: OnOutcome;
  /** Killed, and not seen to come up yet. */
  readonly #unproven: StepCase[] = [];
  #agent: Agent | null = null;
  #daemon: RunningDaemon | null = null;
  #inFlight: Promise<void> | null = null;
  #counter = 0;
  #met = 0;

  private constructor(appliance: Appliance, tap: StepTap, options: AnchorStepsOptions) {
    this.#appliance = appliance;
    this.#tap = tap;
    this.#seed = options.seed;
    this.#onOutcome = options.onOutcome;
  }

  /** An appliance with one agent in `folder`, whose TPM and disk are watched. */
  static async begin(options: AnchorStepsOptions): Promise<AnchorSteps> {
    const { folder } = options;
    const appliance = await Appliance.prepare(join(folder, 'state'));
    const { state, devices } = appliance;
    const upstream = devices.tpm.socketPath;
    const tap = await StepTap.start({ folder, state, upstream, program: daemonProgram });
    const steps = new AnchorSteps(appliance, tap, options);
    await steps.#serve();
    const enrolled = await enrolAgent(appliance.controlSocket, 'stepper');
    // A start takes seconds, and on a busy machine minutes: an agent waits for any.
    const reconnectTimeoutMs = 3_600_000;
    const socketPath = appliance.agentSocket;
    steps.#agent = await connect({ socketPath, ...enrolled, reconnectTimeoutMs });
    await steps.#submit();
    return steps;
  }

  /** Mishaps that came where they were meant to. */
  get met(): number {
    return this.#met;
  }

  get receipts(): number {
    return this.#receipts.length;
  }

  /** The steps that a normal start, anchor and stop pass, in their order. */
  async trace(): Promise<ReadonlyMap<Phase, readonly string[]>> {
    const traced = new Map<Phase, string[]>();
    const during = async (phase: Phase, act: () => Promise<unknown>): Promise<void> => {
      const names: string[] = [];
      traced.set(phase, names);
      this.#tap.hook = (side, name) => {
        if (side === 'before') names.push(name);
        return Promise.resolve('goes on');
      };
      await act();
    };
    await this.#serve();
    await during('serving', () => this.#submit());
    await during('stopping', () => this.#running().stop());
    this.#launch();
    await during('starting', () => this.#running().ready);
    return traced;
  }

  /**
   * The mishap comes; what came of it is told when it is known: a daemon that was killed is started
   * by the next case, which may kill it again while it starts.
   * @throws Error where the daemon does not do what it should
   */
  async run(one: StepCase): Promise<void> {
    const hung = Promise.withResolvers<never>();
    const fail = (): void => hung.reject(new Error(`hung:\n${this.#daemon?.log}`));
    const timer = setTimeout(fail, caseTimeoutMs);
    try {
      await Promise.race([this.#meet(one), hung.promise]);
    } catch (error) {
      for (const each of [...this.#unproven.splice(0), one]) this.#onOutcome(each, 'human needed');
      throw error;
    } finally {
      clearTimeout(timer);
    }
  }

  async #meet(one: StepCase): Promise<void> {
    await this.#approach(one);
    const isMet = this.#arm(one);
    const pending = this.#pass(one.phase);
    await Promise.race([isMet.begun, pending]);
    if (!isMet.hasBegun()) throw new Error(`not passed:\n${this.#running().log}`);
    await isMet.done;
    this.#met += 1;
    await this.#settle(one, pending);
  }

  /** What does not hold, in words, once the daemon has stopped in order. */
  async verdict(): Promise<string[]> {
    await this.#serve();
    await this.#submit();
    const invalid = await this.#invalidBundles();
    await this.#stop();
    if (invalid.length > 0) return invalid;
    try {
      await checkFiles(this.#appliance.state);
    } catch (error) {
      return [String(error)];
    }
    return (await compareReceipts(this.#appliance.state, this.#receipts)).problems.slice();
  }

  async end(): Promise<void> {
    this.#agent?.destroy();
    this.#tap.clear();
    await this.#appliance.stop();
    await this.#tap.stop();
  }

  /** To where the phase begins. */
  async #approach({ step, phase }: StepCase): Promise<void> {
    const isKilled = this.#daemon === null;
    if (phase !== 'starting') await this.#serve();
    if (phase === 'stopping') await this.#submit();
    if (phase !== 'starting') return;
    if (isKilled && ofNewSegment.has(step)) await this.#serve();
    await this.#stop();
    this.#launch();
  }

  /** What passes the steps of the phase; a daemon that ends under it ends it too. */
  #pass(phase: Phase): Promise<unknown> {
    const daemon = this.#running();
    if (phase === 'starting') return Promise.race([daemon.ready, daemon.ended]).catch(() => null);
    if (phase === 'stopping') return daemon.stop();
    this.#inFlight = this.#submit();
    return Promise.race([this.#inFlight, daemon.ended]);
  }

  async #settle(one: StepCase, pending: Promise<unknown>): Promise<void> {
    const daemon = this.#running();
    if (one.mishap !== 'TPM reset') {
      await daemon.ended;
      this.#daemon = null;
      this.#unproven.push(one);
      return;
    }
    await pending;
    if (one.phase === 'stopping') {
      const { code, signal } = await daemon.ended;
      if (code !== 0) throw new Error(`stop ended with ${signal ?? code}:\n${daemon.log}`);
      this.#daemon = null;
    }
    await this.#serve();
    await this.#prove();
    this.#onOutcome(one, 'went on');
  }

  /** A daemon serves: it anchors, and has all that was acknowledged. */
  async #prove(): Promise<void> {
    await this.#inFlight;
    this.#inFlight = null;
    await this.#submit();
    await this.#checkLog();
    for (const one of this.#unproven.splice(0)) this.#onOutcome(one, 'came up');
  }

  #arm({ step, side, mishap, skip = 0 }: StepCase): {
    readonly begun: Promise<void>;
    readonly done: Promise<void>;
    readonly hasBegun: () => boolean;
  } {
    const begun = Promise.withResolvers<void>();
    const done = Promise.withResolvers<void>();
    let left = skip;
    let hasBegun = false;
    const { child } = this.#running();
    this.#tap.hook = async (atSide, name): Promise<StepAnswer> => {
      if (hasBegun && mishap === 'kill -9') return 'is lost';
      if (hasBegun || name !== step || atSide !== side) return 'goes on';
      if (left > 0) {
        left -= 1;
        return 'goes on';
      }
      hasBegun = true;
      begun.resolve();
      if (mishap === 'kill -9') child.kill('SIGKILL');
      if (mishap !== 'kill -9') await this.#appliance.devices.tpm.powerCycle(randomInt(2) === 0);
      done.resolve();
      if (mishap === 'TPM reset') return 'goes on';
      if (mishap === 'kill -9') return 'is lost';
      return 'power is cut';
    };
    return { begun: begun.promise, done: done.promise, hasBegun: () => hasBegun };
  }

  /** Every receipt's entries of late, and a counter that never goes back. */
  async #checkLog(): Promise<void> {
    const { controlSocket } = this.#appliance;
    for (const { actions } of this.#receipts.slice(-3)) {
      for (const { index, reference } of actions) {
        const path = `/v1/entries/${index}`;
        const { bytes } = await askJson<{ bytes: string }>(controlSocket, path);
        const entry = decodeEntry(decodeBase64(bytes));
        if (entry.kind === 'action' && entry.sequence === reference.sequence) continue;
        throw new Error(`receipt lost: the entry at ${index} is another one`);
      }
    }
    const { anchor } = await askJson<StatusView>(controlSocket, '/v1/status');
    const counter = anchor.counter ?? 0;
    if (counter < this.#counter) throw new Error(`counter ${counter} after ${this.#counter}`);
    this.#counter = counter;
  }

  /** What a reader would say of the bundles of entries, where it is anything but VALID. */
  async #invalidBundles(): Promise<string[]> {
    const { controlSocket } = this.#appliance;
    const policy = await policyOf(controlSocket);
    const end = this.#receipts.at(-1)?.statementIndex ?? 0n;
    const problems: string[] = [];
    const step = end / bundlesMax + 1n;
    for (let index = 0n; index <= end; index += step) {
      const verdict = await verify(await bundleOf(controlSocket, index), policy);
      const bad = verdict.checks.filter(({ outcome }) => !['pass', 'skipped'].includes(outcome));
      problems.push(...bad.map(({ id, text }) => `bundle of entry ${index}: ${id}: ${text}`));
    }
    return problems;
  }

  /** A daemon that is ready and has looked at its TPM, which takes commands of its own. */
  async #serve(): Promise<void> {
    this.#tap.clear();
    if (this.#daemon === null) this.#launch();
    await this.#running().ready;
    await this.#running().untilSaid('TPM examined');
    if (this.#unproven.length > 0) await this.#prove();
  }

  async #stop(): Promise<void> {
    this.#tap.clear();
    await this.#daemon?.stop();
    this.#daemon = null;
  }

  #launch(): void {
    const environment = this.#tap.prepare(this.#seed + this.#met);
    const flags = ['--tcti', this.#tap.tcti, ...intervalFlags];
    this.#daemon = this.#appliance.launch({ flags, environment });
  }

  #running(): RunningDaemon {
    if (this.#daemon === null) throw new Error('no daemon runs');
    return this.#daemon;
  }

  /** Answered by this daemon or, where it is killed, by a later one; anchored too. */
  async #submit(): Promise<void> {
    if (this.#agent === null) throw new Error('no agent yet');
    const onCommitted = (receipt: Receipt): void => void this.#receipts.push(receipt);
    const actions = [someAction(`step ${this.#met}`)];
    await this.#agent.submit(actions, { level: 'anchored', onCommitted });
  }
}
