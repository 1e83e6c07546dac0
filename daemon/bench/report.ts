/** The figures of a run: for programs as one flat object, for people as a table. */
import type { Anchoring } from './anchoring.ts';
import { anchoringFigures, anchoringRows } from './report-anchoring.ts';
import type { DeviceRates } from './device-rates.ts';
import type { Fairness } from './fairness.ts';
import type { FsckRate } from './fsck-rate.ts';
import type { GrowthPoint } from './growth.ts';
import { BUILDER_THREAD, type CatchUp, type QueryFigures } from './index-rates.ts';
import type { MachineFacts } from './machine.ts';
import type { BareVerify, LatencyOfOne, Load } from './measures.ts';
import type { Memory } from './process-facts.ts';
import type { ClockFigures, Latency } from './programs.ts';
import type { Recovery } from './recovery.ts';

export interface Measured {
  readonly bareVerify?: BareVerify;
  readonly clock?: ClockFigures;
  readonly latency1?: LatencyOfOne;
  readonly ingest1?: Load;
  readonly fairness?: Fairness;
  readonly ingest64?: Load;
  readonly memory?: Memory;
  readonly recovery?: Recovery;
  readonly catchUp?: CatchUp;
  readonly queries?: QueryFigures;
  readonly fsck?: FsckRate;
  readonly anchoring?: Anchoring;
  readonly devices?: DeviceRates;
}

/** Only what was measured is in it. */
export function flatFigures(measured: Measured): Record<string, number> {
  const { bareVerify, latency1, ingest1, ingest64, memory, fsck } = measured;
  const checks = bareVerify?.whileSigning.perSecond;
  const figures: Record<string, number | undefined> = {
    'ingest64.actionsPerSecond': ingest64?.actionsPerSecond,
    'ingest64.cpuUsPerAction': ingest64?.cpuUsPerAction,
    'ingest1.actionsPerSecond': ingest1?.actionsPerSecond,
    'ingest1.cpuUsPerAction': ingest1?.cpuUsPerAction,
    'ingest1.ratioToBareVerify':
      ingest1 === undefined || checks === undefined ? undefined : ingest1.actionsPerSecond / checks,
    'bareVerify.perSecond': checks,
    'clock.nowNs': measured.clock?.nowNs,
    'clock.nowP99Ns': measured.clock?.nowP99Ns,
    'latency1.p50Ms': latency1?.load.figures.latency.p50Ms,
    'latency1.p99Ms': latency1?.load.figures.latency.p99Ms,
    'fairness.slowestToMedian': measured.fairness?.slowestToMedian,
    'fairness.actionsPerSecond': measured.fairness?.load.actionsPerSecond,
    'fairness.p50Ms': measured.fairness?.load.figures.latency.p50Ms,
    'fairness.p99Ms': measured.fairness?.load.figures.latency.p99Ms,
    'fdatasync.p50Ms': latency1?.bare.latency.p50Ms,
    'fdatasync.p99Ms': latency1?.bare.latency.p99Ms,
    'daemon.rssMiB': memory?.residentMib,
    'recovery.afterKillMs': measured.recovery?.afterKillMs,
    'index.rowsPerSecond': rowsPerSecond(measured.catchUp),
    'index.cpuUsPerRow': longEnough(measured.catchUp)?.cpuUsPerEntry,
    'index.ingest64CpuUsPerAction': indexUsOf(ingest64),
    'fsck.entriesPerSecond': fsck?.entriesPerSecond,
    'fsck.entriesPerSecondUnsigned': fsck?.entriesPerSecondUnsigned,
    'fsck.cpuUsPerEntry': fsck?.cpuUsPerEntry,
    ...anchoringFigures(measured),
  };
  return Object.fromEntries(
    Object.entries(figures).flatMap(([name, value]) =>
      value === undefined ? [] : [[name, rounded(value)] as const],
    ),
  );
}

export function machineLines(machine: MachineFacts, seconds: number): string {
  return lines([
    ['date', `${new Date().toISOString().slice(0, 16)}Z`],
    ['processor', `${machine.processor}, ${machine.cores} cores, ${machine.memoryGib} GiB`],
    ['kernel, runtime', `Linux ${machine.kernel}, node ${machine.runtime}`],
    ['state folder on', machine.fileSystem],
    ['load before', `${machine.loadBefore} (above 0.2, others were at work)`],
    ['each load', `${seconds} s; generator, devices and daemon on the same cores`],
  ]);
}

export function resultLines(measured: Measured): string {
  const { bareVerify, latency1, ingest1, ingest64, memory, fsck } = measured;
  const rows: [string, string][] = [];
  if (bareVerify !== undefined) {
    const { whileSigning, alone } = bareVerify;
    rows.push(['bare checks while signing', `${count(whileSigning.perSecond)}/s`]);
    rows.push(['bare checks alone', `${count(alone.perSecond)}/s`]);
  }
  if (measured.clock !== undefined) {
    const { nowNs, nowP99Ns, readNs } = measured.clock;
    const text = `${nowNs.toFixed(0)} ns, p99 ${nowP99Ns.toFixed(0)} ns`;
    rows.push(['time, windows and level', `${text}; ${readNs.toFixed(0)} ns of it the clock read`]);
  }
  if (latency1 !== undefined) {
    rows.push([`bare fdatasync, ${latency1.bare.bytes} B`, latencyText(latency1.bare.latency)]);
    rows.push(['one action in flight', latencyText(latency1.load.figures.latency)]);
  }
  if (ingest1 !== undefined) rows.push(...loadRows('1 action a submission', ingest1));
  if (ingest1 !== undefined && bareVerify !== undefined) {
    const ratio = ingest1.actionsPerSecond / bareVerify.whileSigning.perSecond;
    rows.push(['  of the bare checks', ratio.toFixed(2)]);
  }
  if (measured.fairness !== undefined) {
    const { load, slowestToMedian } = measured.fairness;
    rows.push(...loadRows('1,000 agents, one in flight each', load));
    rows.push(['  slowest to median', slowestToMedian.toFixed(2)]);
  }
  if (ingest64 !== undefined) rows.push(...loadRows('64 actions a submission', ingest64));
  if (memory !== undefined) {
    const [now, most] = [memory.residentMib, memory.residentMostMib];
    const text = `${now.toFixed(0)} MiB after the load, ${most.toFixed(0)} at most`;
    rows.push(['daemon in memory', text]);
  }
  if (measured.recovery !== undefined) {
    const { entries, afterKillMs } = measured.recovery;
    rows.push([
      'ready after a kill',
      `${afterKillMs.toFixed(0)} ms, over ${count(entries)} entries`,
    ]);
  }
  rows.push(...indexLines(measured));
  if (fsck !== undefined) rows.push(...fsckRows(fsck));
  rows.push(...anchoringRows(measured));
  return lines(rows);
}

/** A short way is mostly waiting to be seen to have ended. */
const CATCH_UP_ENTRIES_MIN = 200_000;

function longEnough(catchUp: CatchUp | undefined): CatchUp | undefined {
  return catchUp === undefined || catchUp.entries < CATCH_UP_ENTRIES_MIN ? undefined : catchUp;
}

function rowsPerSecond(catchUp: CatchUp | undefined): number | undefined {
  const long = longEnough(catchUp);
  return long === undefined ? undefined : long.entries / long.seconds;
}

/** What the index's builder took of the processor for an action while that load ran. */
function indexUsOf(load: Load | undefined): number | undefined {
  if (load === undefined) return undefined;
  return load.cpuByThread.find(([thread]) => thread === BUILDER_THREAD)?.[1] ?? 0;
}

function indexLines({ catchUp, queries, ingest64 }: Measured): [string, string][] {
  const rows: [string, string][] = [];
  const rate = rowsPerSecond(catchUp);
  if (catchUp !== undefined && rate !== undefined) {
    const { entries, seconds, cpuUsPerEntry } = catchUp;
    const lag = `${count(entries)} entries behind after the load, caught up in`;
    rows.push(['search index follows', `${count(rate)} rows/s: ${lag} ${seconds.toFixed(1)} s`]);
    rows.push(['  processor time', `${cpuUsPerEntry.toFixed(1)} µs a row`]);
  }
  const us = indexUsOf(ingest64);
  if (us !== undefined) {
    rows.push(['  while ingesting', `${us.toFixed(2)} µs of processor time an action`]);
  }
  if (queries === undefined) return rows;
  const { entries, files, times } = queries;
  rows.push(['search index asked', `${count(entries)} entries in ${files} files`]);
  for (const { name, p50Ms, p99Ms } of times) {
    rows.push([`  ${name}`, `p50 ${p50Ms.toFixed(2)} ms, p99 ${p99Ms.toFixed(2)} ms`]);
  }
  return rows;
}

export function growthLines(points: readonly GrowthPoint[]): string {
  return lines(
    points.map((point) => [
      `${count(point.entries)} entries`,
      `${count(point.actionsPerSecond)} actions/s, ` +
        `${point.cpuUsPerAction.toFixed(1)} µs an action, ` +
        `${point.residentMib.toFixed(0)} MiB, bundle ${point.bundleMs.toFixed(1)} ms, ` +
        `${point.diskBytesPerEntry.toFixed(0)} B of disk an entry`,
    ]),
  );
}

const threadsShown = 5;
const threadUsMin = 0.05;

function loadRows(name: string, load: Load): [string, string][] {
  const { figures, actionsPerSecond, cpuUsPerAction, cpuByThread, journalBytesPerAction } = load;
  const threads = cpuByThread
    .filter(([, us]) => us >= threadUsMin)
    .slice(0, threadsShown)
    .map(([thread, us]) => `${thread} ${us.toFixed(1)}`);
  return [
    [name, `${count(actionsPerSecond)} durable actions/s`],
    ['  to the receipt', latencyText(figures.latency)],
    [
      '  slowest connection',
      `${figures.slowestConnection} of ${figures.medianConnection} (median)`,
    ],
    ['  daemon CPU', `${cpuUsPerAction.toFixed(1)} µs an action: ${threads.join(', ')}`],
    [
      '  generator CPU',
      `${((1e6 * figures.cpuSeconds) / figures.actions).toFixed(1)} µs an action`,
    ],
    ['  journal', `${journalBytesPerAction.toFixed(0)} B an action`],
  ];
}

function fsckRows(fsck: FsckRate): [string, string][] {
  const { entries, journalMib, entriesPerSecond, entriesPerSecondUnsigned, cpuUsPerEntry } = fsck;
  return [
    ['fsck, bodies of 64 B', `${count(entriesPerSecond)} entries/s with signatures`],
    ['  without signatures', `${count(entriesPerSecondUnsigned)} entries/s`],
    ['  CPU without them', `${cpuUsPerEntry.toFixed(2)} µs an entry, over all threads`],
    ['  ledger', `${count(entries)} entries, journal of ${journalMib.toFixed(0)} MiB`],
  ];
}

function latencyText({ p50Ms, p99Ms, maxMs, count: samples }: Latency): string {
  return (
    `p50 ${p50Ms.toFixed(2)} ms, p99 ${p99Ms.toFixed(2)} ms, ` +
    `most ${maxMs.toFixed(2)} ms (${count(samples)})`
  );
}

function lines(rows: readonly (readonly [string, string])[]): string {
  const width = Math.max(0, ...rows.map(([name]) => name.length));
  return rows.map(([name, text]) => `${name.padEnd(width)}  ${text}\n`).join('');
}

function count(value: number): string {
  return Math.round(value).toLocaleString('en-GB');
}

/** Six significant digits: more than any of them means. */
function rounded(value: number): number {
  return Number(value.toPrecision(6));
}
