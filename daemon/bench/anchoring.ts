/**
 * What anchoring costs the ledger, and how fast it is. Two daemons in turns under the same load,
 * one with every default on, one that anchors once an hour: nothing turns anchoring off, so this is
 * as close as it comes. A turn begins once the index of the one before has caught up, as that work
 * would slow whoever comes next. Then, on the first one, how long a durable action waits for its
 * anchor; and on a third, how many anchors a second there can be.
 */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';

import { connect, type Action, type Agent } from '@kudurru/agent';

import { House } from './house.ts';
import { untilIndexed } from './index-rates.ts';
import { CONNECTIONS, measureIngest } from './measures.ts';
import { summaryOf, type TimeSummary } from './time-summary.ts';

export interface Anchoring {
  /** 64 actions a submission, all turns together. */
  readonly onPerSecond: number;
  readonly offPerSecond: number;
  /** Median over pairs of turns: others at work disturb some pairs, not most. */
  readonly onToOff: number;
  /** From the receipt `committed` to the receipt `anchored`, one action in flight. */
  readonly wait: TimeSummary;
  readonly anchorsPerSecond: number;
}

type Side = 'on' | 'off';
/** Long turns would fill a disk. */
const turnSecondsMax = 2;
/** Either comes first as often as the other: what the machine does meanwhile meets both alike. */
const pairs = Array.from({ length: 10 }, (_, i): readonly Side[] =>
  i % 2 === 0 ? ['on', 'off'] : ['off', 'on'],
);
const flagsOf: Readonly<Record<Side | 'fast', readonly string[]>> = {
  on: [],
  off: ['--anchor-interval-ms', '3600000'],
  fast: ['--anchor-interval-ms', '10'],
};
const awaited = 100;
const action: Action = {
  kind: 'observation',
  actionType: 'decision',
  operation: 'bench/anchored',
  coverage: 'self-reported',
  private: { input: 'a small body' },
};

/** @throws Error where a daemon fails */
export async function measureAnchoring(
  folder: string,
  { seconds, stop }: { readonly seconds: number; readonly stop: AbortSignal },
): Promise<Anchoring> {
  const on = await begin(folder, 'on');
  try {
    const off = await begin(folder, 'off');
    try {
      const rates = await ingestInTurns(folder, { on, off }, { seconds, stop });
      const wait = await waitForAnchors(on.house);
      return { ...rates, wait, anchorsPerSecond: await anchorFast(folder, seconds) };
    } finally {
      await off.house.stop();
    }
  } finally {
    await on.house.stop();
  }
}

interface Begun {
  readonly house: House;
  readonly agents: string;
}

async function ingestInTurns(
  folder: string,
  sides: Readonly<Record<Side, Begun>>,
  { seconds, stop }: { readonly seconds: number; readonly stop: AbortSignal },
): Promise<Pick<Anchoring, 'onPerSecond' | 'offPerSecond' | 'onToOff'>> {
  const actions = { on: 0, off: 0 };
  const took = { on: 0, off: 0 };
  const ratios: number[] = [];
  for (const [turn, pair] of pairs.entries()) {
    const rate = { on: 0, off: 0 };
    for (const side of pair) {
      const { house, agents } = sides[side];
      const receipts = join(folder, `turn-${turn}-${side}`);
      mkdirSync(receipts);
      const files = { agents, folder: receipts };
      const turnSeconds = Math.min(seconds, turnSecondsMax);
      const { figures } = await measureIngest({ house, files, seconds: turnSeconds, stop }, 64);
      actions[side] += figures.actions;
      took[side] += figures.seconds;
      rate[side] = figures.actions / figures.seconds;
      await untilIndexed(house, stop);
    }
    ratios.push(rate.on / rate.off);
  }
  return {
    onPerSecond: actions.on / took.on,
    offPerSecond: actions.off / took.off,
    onToOff: medianOf(ratios),
  };
}

function medianOf(values: readonly number[]): number {
  const sorted = values.toSorted((one, other) => one - other);
  const middle = sorted.length / 2;
  return ((sorted[Math.ceil(middle) - 1] ?? 0) + (sorted[Math.floor(middle)] ?? 0)) / 2;
}

async function begin(folder: string, side: Side | 'fast'): Promise<Begun> {
  const state = join(folder, `anchoring-${side}`);
  mkdirSync(state, { mode: 0o700 });
  const agents = join(folder, `anchoring-${side}-agents`);
  const log = join(folder, `anchoring-${side}.log`);
  const house = await House.start(state, log, flagsOf[side]);
  try {
    await house.enrol(CONNECTIONS, agents);
    return { house, agents };
  } catch (error) {
    await house.abandon();
    throw error;
  }
}

async function waitForAnchors(house: House): Promise<TimeSummary> {
  await using agent = await connectTo(house);
  const tookMs: number[] = [];
  for (let turn = 0; turn < awaited; turn += 1) {
    let committedMs = performance.now();
    const onCommitted = (): void => void (committedMs = performance.now());
    await agent.submit([action], { level: 'anchored', onCommitted });
    tookMs.push(performance.now() - committedMs);
  }
  return summaryOf(tookMs);
}

/** Each is awaited, so that the next one follows at once. */
async function anchorFast(folder: string, seconds: number): Promise<number> {
  const { house } = await begin(folder, 'fast');
  try {
    await using agent = await connectTo(house);
    const before = await anchorsOf(house);
    const startedMs = performance.now();
    while (performance.now() - startedMs < 1000 * seconds) {
      await agent.submit([action], { level: 'anchored' });
    }
    const made = (await anchorsOf(house)) - before;
    return (1000 * made) / (performance.now() - startedMs);
  } finally {
    await house.stop();
  }
}

async function connectTo(house: House): Promise<Agent> {
  const enrolled = await house.enrolOne('patient');
  return connect({ socketPath: house.agentSocket, ...enrolled });
}

/** Anchors of the ledger so far, as the last one counts itself. */
async function anchorsOf({ control }: House): Promise<number> {
  const { anchor } = await control.get<{ anchor: { index: number | null } }>('/v1/status');
  const path = `/v1/entries/${anchor.index ?? 0}`;
  return (await control.get<{ anchorSequence: number }>(path)).anchorSequence;
}
