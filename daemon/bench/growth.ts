/**
 * What an entry costs while one ledger grows from ten thousand entries to ten million: the same
 * load again and again, and at each size what the daemon's process took for it. Flat curves are the
 * aim: nothing may grow with the log's length but the disk.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { growthPlot } from './growth-plot.ts';
import { House } from './house.ts';
import { untilIndexed } from './index-rates.ts';
import { CONNECTIONS, measureGrowthStep, type Bench } from './measures.ts';
import { memoryOf } from './process-facts.ts';
import { diskBytesOf } from './state-bytes.ts';

/** Half a decade between two sizes. */
const STEPS_A_DECADE = 2;
const SMALLEST_DECADE = 4;
const BUNDLES_TIMED = 20;

export interface GrowthPoint {
  /** Of the tree, when the figures were taken. */
  readonly entries: number;
  /** Of the load since the point before. */
  readonly actionsPerSecond: number;
  readonly cpuUsPerAction: number;
  readonly residentMib: number;
  /** Median time of making one evidence bundle of an entry drawn at random. */
  readonly bundleMs: number;
  /** Of the whole state folder. */
  readonly diskBytesPerEntry: number;
}

export interface GrowthOptions {
  readonly entries: number;
  /** Gets the plot. */
  readonly svg: string;
}

/** Sizes at which figures are taken: 10^4, 10^4.5 … up to `entries`. */
export function growthSizes(entries: number): number[] {
  const sizes: number[] = [];
  for (let step = SMALLEST_DECADE * STEPS_A_DECADE; ; step += 1) {
    const size = Math.round(10 ** (step / STEPS_A_DECADE));
    if (size >= entries) return [...sizes, entries];
    sizes.push(size);
  }
}

/** Grows a fresh ledger in `folder`; says each point as it is taken. */
export async function measureGrowth(
  folder: string,
  options: GrowthOptions,
  each: { readonly stop: AbortSignal; readonly say: (words: string) => void },
): Promise<readonly GrowthPoint[]> {
  const state = join(folder, 'state');
  mkdirSync(state, { mode: 0o700 });
  const house = await House.start(state, join(folder, 'daemon.log'));
  const points: GrowthPoint[] = [];
  try {
    const agents = join(folder, 'agents');
    await house.enrol(CONNECTIONS, agents);
    const bench = { house, files: { folder, agents }, seconds: 3600, stop: each.stop };
    for (const size of growthSizes(options.entries)) {
      const point = await growTo(bench, size);
      points.push(point);
      each.say(sayPoint(point));
    }
  } catch (error) {
    await house.abandon();
    throw error;
  }
  await house.stop();
  writeFileSync(options.svg, growthPlot(points));
  return points;
}

async function growTo(bench: Bench, size: number): Promise<GrowthPoint> {
  const before = await entriesOf(bench.house);
  const load = await measureGrowthStep(bench, Math.max(0, size - before));
  const entries = await entriesOf(bench.house);
  await untilIndexed(bench.house, bench.stop);
  return {
    entries,
    actionsPerSecond: load.actionsPerSecond,
    cpuUsPerAction: load.cpuUsPerAction,
    residentMib: memoryOf(bench.house.pid).residentMib,
    bundleMs: await medianBundleMs(bench.house, entries),
    diskBytesPerEntry: diskBytesOf(bench.house.state) / entries,
  };
}

async function entriesOf({ control }: House): Promise<number> {
  const { size } = await control.get<{ readonly size: number }>('/v1/status');
  return size;
}

async function medianBundleMs({ control }: House, entries: number): Promise<number> {
  const times: number[] = [];
  for (let i = 0; i < BUNDLES_TIMED; i += 1) {
    const index = Math.floor((entries * (i + 0.5)) / BUNDLES_TIMED);
    const startedMs = performance.now();
    await control.postForBytes('/v1/bundles', { index, disclose: false });
    times.push(performance.now() - startedMs);
  }
  times.sort((one, other) => one - other);
  return times[times.length >> 1] ?? 0;
}

function sayPoint(point: GrowthPoint): string {
  return (
    `${point.entries.toLocaleString('en-GB')} entries: ` +
    `${Math.round(point.actionsPerSecond).toLocaleString('en-GB')} actions/s, ` +
    `${point.cpuUsPerAction.toFixed(1)} µs an action, ${point.residentMib.toFixed(0)} MiB, ` +
    `bundle ${point.bundleMs.toFixed(1)} ms, ${point.diskBytesPerEntry.toFixed(0)} B an entry`
  );
}
