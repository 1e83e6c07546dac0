/**
 * Kills the real daemon under load, again and again, on a disk that forgets what was not synced,
 * and holds every receipt it gave against the log that is left. The agents live through it all:
 * after each start they take their sessions up again and send again what was not answered.
 */
import { randomInt } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import { connect, type Agent, type Receipt } from '@kudurru/agent';
import {
  CHECKPOINT_PATH,
  decodeEntry,
  encodeHex,
  equalBytes,
  leafHash,
  MerkleTree,
  parseCheckpoint,
  TileReader,
  verify,
} from '@kudurru/proof';

import { Appliance, type DaemonOptions, type RunningDaemon } from '../backends/appliance.ts';
import { enrolAgent } from '../backends/control.ts';
import { preloadLibrary } from '../faults/preload.ts';
import { bundleOf, checkFiles, policyOf, someAction } from './scenario.ts';

export interface KillCycleOptions {
  /** State folder; on a real disk. */
  readonly folder: string;
  readonly cycles: number;
  readonly agents: number;
  /** Makes every sync of the journal a lie: the run must then find something lost. */
  readonly ignoreSync?: boolean;
  readonly onCycle?: (line: string) => void;
}

export interface KillCycleResult {
  /** Cycles, and starts that were killed too. */
  readonly kills: number;
  readonly receipts: number;
  readonly actions: number;
  readonly entries: bigint;
  /** What does not hold, in words; empty when all is well. */
  readonly contradictions: readonly string[];
}

/** How long a daemon serves, after its first receipt, before it is killed. */
const SERVING_MS_MIN = 5;
const SERVING_MS_MAX = 400;
/** One start in so many is killed too, at a moment before or after it is ready. */
const STARTS_A_KILL = 5;
const STARTING_MS_MAX = 3000;
/** Receipts proven at the end by an evidence bundle each. */
const BUNDLES_VERIFIED = 20;
const IN_FLIGHT = 8;
const ACTIONS_MAX = 4;

export async function runKillCycles(options: KillCycleOptions): Promise<KillCycleResult> {
  const appliance = await Appliance.prepare(options.folder);
  try {
    return await new KillCycles(appliance, options).run();
  } finally {
    await appliance.stop();
  }
}

class KillCycles {
  readonly #appliance: Appliance;
  readonly #options: KillCycleOptions;
  readonly #receipts: Receipt[] = [];
  readonly #failures: string[] = [];
  #feeding = true;
  #kills = 0;
  /** Resolves with the next receipt, or the next failure. */
  #next = Promise.withResolvers<void>();
  #running: RunningDaemon | null = null;

  constructor(appliance: Appliance, options: KillCycleOptions) {
    this.#appliance = appliance;
    this.#options = options;
  }

  async run(): Promise<KillCycleResult> {
    const agents = await this.#enrolAgents();
    const feeders = agents.map((agent, number) => this.#feed(agent, number));
    const { cycles, onCycle } = this.#options;
    for (let cycle = 1; cycle <= cycles && this.#failures.length === 0; cycle++) {
      if (!(await this.#killAndRestart(cycle))) break;
      onCycle?.(`cycle ${cycle}/${cycles}: ${this.#receipts.length} receipts`);
    }
    this.#feeding = false;
    if (this.#failures.length > 0) for (const agent of agents) agent.destroy();
    await Promise.all(feeders);
    return this.#verdict();
  }

  /** Founds the ledger on an honest disk; what may be lost is what comes after. */
  async #enrolAgents(): Promise<Agent[]> {
    const { agentSocket, controlSocket } = this.#appliance;
    const founded = await this.#appliance.start();
    const numbers = Array.from({ length: this.#options.agents }, (_, number) => number);
    const enrolled = await Promise.all(
      numbers.map((number) => enrolAgent(controlSocket, `feeder-${number}`)),
    );
    await founded.stop();
    this.#running = await this.#appliance.start(this.#daemonOptions());
    const reconnectTimeoutMs = 60_000;
    return Promise.all(
      enrolled.map((agent) => connect({ socketPath: agentSocket, ...agent, reconnectTimeoutMs })),
    );
  }

  /** False when the daemon refuses to go on: what it said is a contradiction then. */
  async #killAndRestart(cycle: number): Promise<boolean> {
    await this.#next.promise;
    await sleep(randomInt(SERVING_MS_MIN, SERVING_MS_MAX));
    await this.#running?.kill();
    this.#kills++;
    if (randomInt(STARTS_A_KILL) === 0) {
      const starting = this.#appliance.launch(this.#daemonOptions());
      await sleep(randomInt(STARTING_MS_MAX));
      await starting.kill();
      this.#kills++;
    }
    const daemon = this.#appliance.launch(this.#daemonOptions());
    this.#running = daemon;
    try {
      await daemon.ready;
      this.#next = Promise.withResolvers();
      return true;
    } catch (error) {
      this.#fail(`start after kill ${cycle} refused: ${String(error)}`);
      return false;
    }
  }

  #fail(what: string): void {
    this.#failures.push(what);
    this.#next.resolve();
  }

  #daemonOptions(): DaemonOptions {
    return {
      environment: {
        LD_PRELOAD: preloadLibrary('forget-unsynced'),
        FORGET_PREFIX: join(this.#appliance.state, 'journal'),
        FORGET_SEED: String(randomInt(2 ** 31)),
        FORGET_IGNORE_SYNC: this.#options.ignoreSync === true ? '1' : '0',
      },
    };
  }

  /** Keeps some submissions of one agent in flight until told to stop. */
  async #feed(agent: Agent, number: number): Promise<void> {
    const lane = async (): Promise<void> => {
      for (let turn = 0; this.#feeding; turn++) {
        const actions = Array.from({ length: randomInt(1, ACTIONS_MAX + 1) }, (_, offset) =>
          someAction(`${number}/${turn}/${offset}`),
        );
        try {
          this.#receipts.push(await agent.submit(actions));
        } catch (error) {
          if (this.#feeding) this.#fail(`agent ${number}: ${String(error)}`);
          return;
        }
        this.#next.resolve();
      }
    };
    await Promise.all(Array.from({ length: IN_FLIGHT }, lane));
  }

  async #verdict(): Promise<KillCycleResult> {
    const contradictions = [...this.#failures];
    let entries = 0n;
    if (contradictions.length === 0) {
      contradictions.push(...(await this.#verifyBundles()));
      await this.#running?.stop();
      contradictions.push(...(await this.#checkFiles()));
      entries = await this.#compare(contradictions);
    }
    const actions = this.#receipts.reduce((sum, receipt) => sum + receipt.actions.length, 0);
    return {
      kills: this.#kills,
      receipts: this.#receipts.length,
      actions,
      entries,
      contradictions,
    };
  }

  /** Of receipts drawn at random. */
  async #verifyBundles(): Promise<string[]> {
    const { controlSocket } = this.#appliance;
    const policy = await policyOf(controlSocket);
    const problems: string[] = [];
    for (let turn = 0; turn < BUNDLES_VERIFIED; turn++) {
      const receipt = this.#receipts[randomInt(this.#receipts.length)];
      const index = receipt?.actions[randomInt(receipt.actions.length)]?.index;
      if (index === undefined) continue;
      const { overall, checks } = await verify(await bundleOf(controlSocket, index), policy);
      const failed = checks.filter(({ outcome }) => outcome !== 'pass').map(({ text }) => text);
      if (overall !== 'VALID')
        problems.push(`bundle of ${index}: ${overall}: ${failed.join('; ')}`);
    }
    return problems;
  }

  async #checkFiles(): Promise<string[]> {
    try {
      await checkFiles(this.#appliance.state);
      return [];
    } catch (error) {
      return [`fsck: ${String(error)}`];
    }
  }

  /**
   * Derives the tree anew from the published entries and looks up each receipt in it. An orderly
   * stop has published a checkpoint of all that was acknowledged.
   */
  async #compare(contradictions: string[]): Promise<bigint> {
    const { state } = this.#appliance;
    const { size, root } = parseCheckpoint(
      new Uint8Array(await readFile(join(state, CHECKPOINT_PATH))),
    );
    const checker = new ReceiptChecker(this.#receipts);
    const reader = new TileReader((path) => readFile(join(state, path)), size);
    for await (const entry of reader.entries(0n, size)) checker.add(entry);
    contradictions.push(...checker.finish(root));
    return size;
  }
}

/** Walks the log once, beside the receipts in the order of their trees. */
class ReceiptChecker {
  readonly #tree = new MerkleTree();
  readonly #bySize: Receipt[];
  readonly #places = new Map<bigint, { session: Uint8Array; sequence: bigint }>();
  readonly #sessions = new Map<bigint, Uint8Array>();
  readonly #problems: string[] = [];
  #next = 0;

  constructor(receipts: readonly Receipt[]) {
    this.#bySize = receipts.toSorted((a, b) => (a.treeSize < b.treeSize ? -1 : 1));
    for (const { actions } of receipts) {
      for (const { index, reference } of actions) {
        if (this.#places.has(index)) this.#problems.push(`index ${index} was given out twice`);
        this.#places.set(index, reference);
      }
    }
  }

  add(bytes: Uint8Array): void {
    const index = this.#tree.size;
    const entry = decodeEntry(bytes);
    if (entry.kind === 'session.open') this.#sessions.set(index, leafHash(bytes));
    const promised = this.#places.get(index);
    if (promised !== undefined) {
      const session = entry.kind === 'action' ? this.#sessions.get(entry.sessionIndex) : undefined;
      const isKept =
        entry.kind === 'action' &&
        entry.sequence === promised.sequence &&
        session !== undefined &&
        equalBytes(session, promised.session);
      if (!isKept) {
        const place = `${encodeHex(promised.session).slice(0, 8)}/${promised.sequence}`;
        this.#problems.push(`the entry at ${index} is not the acknowledged action ${place}`);
      }
    }
    this.#tree.append(bytes);
    this.#compareRoots();
  }

  finish(root: Uint8Array): readonly string[] {
    if (!equalBytes(root, this.#tree.root())) {
      this.#problems.push('the published entries do not give the root of the checkpoint');
    }
    const missing = this.#bySize.length - this.#next;
    if (missing > 0) this.#problems.push(`${missing} receipts are of a tree longer than the log`);
    return this.#problems;
  }

  #compareRoots(): void {
    for (; this.#bySize[this.#next]?.treeSize === this.#tree.size; this.#next++) {
      const receipt = this.#bySize[this.#next];
      if (receipt !== undefined && !equalBytes(receipt.root, this.#tree.root())) {
        this.#problems.push(`the root at ${receipt.treeSize} is not the one of the receipt`);
      }
    }
  }
}
