/** What a run measures. Each gives its figures under the names of the report. */
import { join } from 'node:path';
import { availableParallelism } from 'node:os';

import type { House } from './house.ts';
import { journalBytesOf } from './journal-bytes.ts';
import { cpuSecondsByThread, cpuSecondsOf } from './process-facts.ts';
import {
  runProgram,
  type ClockFigures,
  type Latency,
  type LoadFigures,
  type SyncFigures,
  type VerifyFigures,
} from './programs.ts';

/** Agents that hand in at the same time. */
export const CONNECTIONS = 8;
const BODY_BYTES = 512;
const SMALL_BODY_BYTES = 64;
/** As many as one connection may have in flight: the most that small submissions can use. */
const DEPTH_OF_ONES = 64;
/** 128 submissions, 8,192 actions in flight: half of what one group takes. */
const DEPTH_OF_BATCHES = 16;
const ACTIONS_OF_BATCH = 64;
const SYNC_ROUNDS = 500;
const VERIFY_SECONDS = 3;
/** Before the latency is taken: how many bytes one group writes, and caches filled. */
const PROBE_SUBMISSIONS = 100;

export interface RunFiles {
  /** The agents' ids and seeds. */
  readonly agents: string;
  /** Folder for the receipts of each load and for the file that is synced bare. */
  readonly folder: string;
}

export interface Bench {
  readonly house: House;
  readonly files: RunFiles;
  readonly seconds: number;
  readonly stop: AbortSignal;
}

export interface BareVerify {
  /** Checks a second while each checked signature is also made, on the same cores. */
  readonly whileSigning: VerifyFigures;
  readonly alone: VerifyFigures;
}

export async function measureBareVerify(agents: string, stop: AbortSignal): Promise<BareVerify> {
  const common = { agents, threads: availableParallelism(), seconds: VERIFY_SECONDS };
  const run = async (signing: 'yes' | 'no'): Promise<VerifyFigures> =>
    runProgram('bare-verify', { ...common, signing }, stop);
  return { whileSigning: await run('yes'), alone: await run('no') };
}

/** Rounds of a thousand readings. */
const CLOCK_ROUNDS = 2000;

export function measureClock(stop: AbortSignal): Promise<ClockFigures> {
  return runProgram('clock-now', { rounds: CLOCK_ROUNDS }, stop);
}

export interface Load {
  readonly figures: LoadFigures;
  readonly actionsPerSecond: number;
  /** Of the daemon's process, in microseconds. */
  readonly cpuUsPerAction: number;
  /** The same by thread, the busiest first. */
  readonly cpuByThread: readonly (readonly [thread: string, usPerAction: number])[];
  readonly journalBytesPerAction: number;
  readonly receiptsFile: string;
}

export async function measureIngest(bench: Bench, actions: 1 | 64): Promise<Load> {
  return underLoad(bench, {
    name: `ingest${actions}`,
    connections: CONNECTIONS,
    actions: actions === 1 ? 1 : ACTIONS_OF_BATCH,
    depth: actions === 1 ? DEPTH_OF_ONES : DEPTH_OF_BATCHES,
    seconds: bench.seconds,
  });
}

/** The 64-actions load until the tree has about that many entries more. */
export async function measureGrowthStep(bench: Bench, entries: number): Promise<Load> {
  return underLoad(bench, {
    name: `growth-${entries}`,
    connections: CONNECTIONS,
    actions: ACTIONS_OF_BATCH,
    depth: DEPTH_OF_BATCHES,
    seconds: bench.seconds,
    submissions: Math.max(1, Math.round(entries / (ACTIONS_OF_BATCH + 1))),
  });
}

/** As many small entries as go in. */
export async function measureSmallBodies(bench: Bench): Promise<Load> {
  return underLoad(bench, {
    name: 'smallBodies',
    connections: CONNECTIONS,
    actions: ACTIONS_OF_BATCH,
    depth: DEPTH_OF_BATCHES,
    seconds: bench.seconds,
    bodyBytes: SMALL_BODY_BYTES,
  });
}

export interface LatencyOfOne {
  readonly load: Load;
  readonly probe: Load;
  readonly bare: { readonly bytes: number; readonly latency: Latency };
}

/** The bare syncs are of as many bytes as one action's group writes, right before. */
export async function measureLatency(bench: Bench): Promise<LatencyOfOne> {
  const { files, seconds, stop } = bench;
  const one = { connections: 1, actions: 1, depth: 1 };
  const probe = await underLoad(bench, {
    ...one,
    name: 'probe',
    seconds,
    submissions: PROBE_SUBMISSIONS,
  });
  const bare = await runProgram<SyncFigures>(
    'bare-sync',
    {
      file: join(files.folder, 'bare-sync'),
      bytes: Math.round(probe.journalBytesPerAction),
      rounds: SYNC_ROUNDS,
    },
    stop,
  );
  return { probe, bare, load: await underLoad(bench, { ...one, name: 'latency1', seconds }) };
}

interface LoadForm {
  readonly name: string;
  readonly connections: number;
  readonly actions: number;
  readonly depth: number;
  readonly seconds: number;
  readonly submissions?: number;
  readonly bodyBytes?: number;
}

export async function underLoad(bench: Bench, form: LoadForm): Promise<Load> {
  const { house, files, stop } = bench;
  const { name, bodyBytes = BODY_BYTES, ...shape } = form;
  const receiptsFile = join(files.folder, `${name}.receipts`);
  const before = takeStock(house);
  const figures = await runProgram<LoadFigures>(
    'load-generator',
    {
      socket: house.agentSocket,
      agents: files.agents,
      receipts: receiptsFile,
      'body-bytes': bodyBytes,
      ...shape,
    },
    stop,
  );
  const after = takeStock(house);
  const refused = Object.keys(figures.refusals);
  if (refused.length > 0) throw new Error(`${name}: the ledger refused: ${refused.join(', ')}`);
  const perAction = (before_: number, after_: number): number =>
    (after_ - before_) / figures.actions;
  return {
    figures,
    actionsPerSecond: figures.actions / figures.seconds,
    cpuUsPerAction: 1e6 * perAction(before.cpuSeconds, after.cpuSeconds),
    cpuByThread: [...after.byThread]
      .map(([thread, seconds]): [string, number] => [
        thread,
        1e6 * perAction(before.byThread.get(thread) ?? 0, seconds),
      ])
      .toSorted(([, one], [, other]) => other - one),
    journalBytesPerAction: perAction(before.journalBytes, after.journalBytes),
    receiptsFile,
  };
}

interface Stock {
  readonly cpuSeconds: number;
  readonly byThread: ReadonlyMap<string, number>;
  readonly journalBytes: number;
}

function takeStock({ pid, state }: House): Stock {
  return {
    cpuSeconds: cpuSecondsOf(pid),
    byThread: cpuSecondsByThread(pid),
    journalBytes: journalBytesOf(state),
  };
}
