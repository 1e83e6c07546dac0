/**
 * The real daemon on a software TPM, killed at each command of an anchor, and its TPM reset at each
 * of them: what the next start makes of it, until the whole log is replayed at the end.
 */
import { randomInt } from 'node:crypto';
import { join } from 'node:path';

import { connect, type Agent, type Receipt } from '@kudurru/agent';
import { verify } from '@kudurru/proof';

import {
  defaultCounterIndex,
  defaultExtendIndex,
} from '../../daemon/src/hardware/device-settings.ts';
import { Appliance, type DaemonOptions, type RunningDaemon } from '../backends/appliance.ts';
import { enrolAgent } from '../backends/control.ts';
import { commandCode, startTpmProxy, type TpmFault, type TpmProxy } from '../backends/tpm-proxy.ts';
import { compareReceipts } from './receipt-checker.ts';
import { bundleOf, checkFiles, policyOf, someAction } from './scenario.ts';

/** A command of an anchor, as the TPM is sent it. */
interface AnchorStep {
  readonly name: string;
  readonly fault: Pick<TpmFault, 'command' | 'when' | 'after'>;
  /** In a counter-anchor only. */
  readonly counts?: boolean;
}

/** The anchor PCR alone, at the end of TPM2_Quote; a boot entry's quote has others too. */
const anchorPcrBits = Buffer.from('004000', 'hex');
const quotesAnchorPcr = (command: Buffer) => command.subarray(-3).equals(anchorPcrBits);
/** NV_Certify names the key, the authorisation and the index behind its header. */
const certifies = (index: number) => (command: Buffer) => command.readUInt32BE(18) === index;

export const anchorSteps: readonly AnchorStep[] = [
  { name: 'read', fault: { command: commandCode.readClock } },
  { name: 'increment', fault: { command: commandCode.nvIncrement }, counts: true },
  { name: 'L', fault: { command: commandCode.getTime } },
  { name: 'R', fault: { command: commandCode.getTime, after: 1 } },
  { name: 'N', fault: { command: commandCode.nvCertify, when: certifies(defaultCounterIndex) } },
  { name: 'extend the PCR', fault: { command: commandCode.pcrExtend } },
  { name: 'extend the index', fault: { command: commandCode.nvExtend }, counts: true },
  { name: 'quote', fault: { command: commandCode.quote, when: quotesAnchorPcr } },
  {
    name: 'certify the index',
    fault: { command: commandCode.nvCertify, when: certifies(defaultExtendIndex) },
    counts: true,
  },
  { name: 'sign', fault: { command: commandCode.sign } },
];

export type Side = 'before' | 'after';
export type Mishap = 'kill' | 'reset' | 'kill and reset';
/** In the counter-anchor of a start, or in an anchor of a daemon that serves. */
export type Phase = 'starting' | 'serving';

export interface StepCase {
  readonly step: AnchorStep;
  readonly side: Side;
  readonly mishap: Mishap;
  readonly phase: Phase;
}

/** A mishap that waits for its step. */
interface ArmedMishap {
  readonly begun: Promise<void>;
  readonly done: Promise<void>;
  readonly hasBegun: () => boolean;
}

/** Every case there is. */
export function allCases(): StepCase[] {
  return (['starting', 'serving'] as const).flatMap((phase) =>
    (['kill', 'reset', 'kill and reset'] as const).flatMap((mishap) =>
      (['before', 'after'] as const).flatMap((side) =>
        anchorSteps
          .filter(({ counts }) => phase === 'starting' || counts !== true)
          .map((step) => ({ step, side, mishap, phase })),
      ),
    ),
  );
}

export function tellCase({ step, side, mishap, phase }: StepCase): string {
  return `${mishap} ${side} "${step.name}" while ${phase}`;
}

/** Bundles that are verified at the end: every entry's, or every so many's of a long run. */
const BUNDLES_MAX = 400n;

export class AnchorSteps {
  readonly #appliance: Appliance;
  readonly #proxy: TpmProxy;
  readonly #agent: Agent;
  readonly #receipts: Receipt[] = [];
  #daemon: RunningDaemon | null;
  #met = 0;

  private constructor(parts: {
    readonly appliance: Appliance;
    readonly proxy: TpmProxy;
    readonly agent: Agent;
    readonly daemon: RunningDaemon;
  }) {
    this.#appliance = parts.appliance;
    this.#proxy = parts.proxy;
    this.#agent = parts.agent;
    this.#daemon = parts.daemon;
  }

  /** An appliance with one agent in `folder`, whose TPM is behind a proxy. */
  static async begin(folder: string): Promise<AnchorSteps> {
    const appliance = await Appliance.prepare(join(folder, 'state'));
    const proxy = await startTpmProxy(folder, appliance.devices.tpm.socketPath);
    const daemon = await appliance.start(optionsFor(proxy));
    const enrolled = await enrolAgent(appliance.controlSocket, 'stepper');
    // A start takes seconds, and on a busy machine minutes: an agent waits for any.
    const reconnectTimeoutMs = 3_600_000;
    const socketPath = appliance.agentSocket;
    const agent = await connect({ socketPath, ...enrolled, reconnectTimeoutMs });
    return new AnchorSteps({ appliance, proxy, agent, daemon });
  }

  /** Mishaps that came where they were meant to. */
  get met(): number {
    return this.#met;
  }

  get receipts(): number {
    return this.#receipts.length;
  }

  /** @throws Error where the daemon does not do what it should */
  async run(one: StepCase): Promise<void> {
    if (one.phase === 'starting') await this.#stop();
    else await this.#serve();
    const isMet = this.#arm(one);
    if (one.phase === 'starting') this.#launch();
    const daemon = this.#running();
    if (one.phase === 'serving') void this.#submit();
    await Promise.race([isMet.begun, daemon.ended]);
    if (!isMet.hasBegun()) throw new Error(`the daemon ended by itself:\n${daemon.log}`);
    await isMet.done;
    this.#met += 1;
    if (one.mishap === 'reset') {
      await daemon.ready;
      await this.#submit();
    } else {
      await daemon.ended;
      this.#daemon = null;
    }
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

  /** What a reader would say of the bundles of entries, where it is anything but VALID. */
  async #invalidBundles(): Promise<string[]> {
    const { controlSocket } = this.#appliance;
    const policy = await policyOf(controlSocket);
    const end = this.#receipts.at(-1)?.statementIndex ?? 0n;
    const problems: string[] = [];
    const step = end / BUNDLES_MAX + 1n;
    for (let index = 0n; index <= end; index += step) {
      const verdict = await verify(await bundleOf(controlSocket, index), policy);
      const bad = verdict.checks.filter(({ outcome }) => !['pass', 'skipped'].includes(outcome));
      problems.push(...bad.map(({ id, text }) => `bundle of entry ${index}: ${id}: ${text}`));
    }
    return problems;
  }

  async end(): Promise<void> {
    this.#agent.destroy();
    await this.#appliance.stop();
    await this.#proxy.stop();
  }

  #arm({ step, side, mishap }: StepCase): ArmedMishap {
    const begun = Promise.withResolvers<void>();
    const done = Promise.withResolvers<void>();
    let hasBegun = false;
    const happen = async (): Promise<void> => {
      hasBegun = true;
      begun.resolve();
      if (mishap !== 'reset') this.#running().child.kill('SIGKILL');
      if (mishap !== 'kill') await this.#appliance.devices.tpm.powerCycle(randomInt(2) === 0);
      done.resolve();
    };
    this.#proxy.clear();
    const isLost = mishap !== 'reset';
    const before = async () => {
      await happen();
      return isLost ? ('is lost' as const) : ('goes on' as const);
    };
    this.#proxy.add({ ...step.fault, kind: side === 'before' ? { before } : { after: happen } });
    return { begun: begun.promise, done: done.promise, hasBegun: () => hasBegun };
  }

  async #serve(): Promise<void> {
    this.#proxy.clear();
    if (this.#daemon === null) this.#launch();
    await this.#running().ready;
  }

  async #stop(): Promise<void> {
    this.#proxy.clear();
    await this.#daemon?.stop();
    this.#daemon = null;
  }

  #launch(): void {
    this.#daemon = this.#appliance.launch(optionsFor(this.#proxy));
  }

  #running(): RunningDaemon {
    if (this.#daemon === null) throw new Error('no daemon runs');
    return this.#daemon;
  }

  /** Answered by this daemon or, where it is killed, by a later one. */
  async #submit(): Promise<void> {
    this.#receipts.push(await this.#agent.submit([someAction(`step ${this.#met}`)]));
  }
}

function optionsFor({ tcti }: TpmProxy): DaemonOptions {
  return { flags: ['--tcti', tcti, '--anchor-interval-ms', '100'] };
}
