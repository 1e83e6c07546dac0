/**
 * Measures the product on its own path: `npm run bench`. Emulated devices, the daemon with every
 * default on, agents that sign what they hand in while it runs, a real disk; beside each figure the
 * bare cost of what it leans on, in the same run. Afterwards the state must pass `fsck`, a thousand
 * receipts drawn at random must hold against the published files, and a few bundles must be VALID:
 * else there is no figure, and the exit code is 1. README.md here says what each figure means.
 *
 * Tables go to stdout, progress to stderr. Exit codes: 0 measured; 1 failed; 2 wrong use.
 */
import { mkdirSync, mkdtempSync, rmdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

import { reasonOf } from '../src/base/errors.ts';
import { checkState, proveAfterwards, verifyBundles } from './aftermath.ts';
import { measureAnchoring } from './anchoring.ts';
import { parseBench, usage, type BenchOptions, type MeasurementName } from './arguments.ts';
import { measureDevices } from './device-rates.ts';
import { measureFairness } from './fairness.ts';
import { measureGrowth } from './growth.ts';
import { measureFsck } from './fsck-rate.ts';
import { House } from './house.ts';
import { ledgerIdOf, measureQueries, untilIndexed } from './index-rates.ts';
import { machineFacts, requireDisk } from './machine.ts';
import {
  CONNECTIONS,
  measureBareVerify,
  measureClock,
  measureIngest,
  measureLatency,
  type Bench,
  type RunFiles,
} from './measures.ts';
import { memoryOf } from './process-facts.ts';
import { buildPrograms } from './programs.ts';
import { measureRecovery } from './recovery.ts';
import { flatFigures, growthLines, machineLines, resultLines, type Measured } from './report.ts';

const EXIT = { good: 0, failed: 1, wrongUse: 2 } as const;
const checkout = join(import.meta.dirname, '..', '..');
const stopSignals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

async function main(words: readonly string[]): Promise<number> {
  let options: BenchOptions;
  try {
    options = parseBench(words, checkout);
  } catch (error) {
    process.stderr.write(`bench: ${reasonOf(error)}\n${usage}`);
    return EXIT.wrongUse;
  }
  const stopped = new AbortController();
  for (const signal of stopSignals) process.on(signal, () => stopped.abort(new Error(signal)));
  try {
    await run(options, stopped.signal);
    return EXIT.good;
  } catch (error) {
    process.stderr.write(`bench: ${reasonOf(error)}\n`);
    return EXIT.failed;
  }
}

async function run(options: BenchOptions, stop: AbortSignal): Promise<void> {
  say('building the load generator');
  buildPrograms();
  stop.throwIfAborted();
  makeOnDisk(options.parent);
  const folder = mkdtempSync(join(options.parent, 'run-'));
  try {
    process.stdout.write(`${machineLines(machineFacts(folder), options.seconds)}\n`);
    if (options.growth !== undefined) {
      const points = await measureGrowth(folder, options.growth, { stop, say });
      say('fsck');
      await checkState(join(folder, 'state'), stop);
      process.stdout.write(growthLines(points));
      return;
    }
    const measured = await measureAll(options, folder, stop);
    process.stdout.write(resultLines(measured));
    if (options.json !== undefined) {
      writeFileSync(options.json, `${JSON.stringify(flatFigures(measured), null, 2)}\n`);
    }
  } finally {
    if (options.keeps) say(`kept: ${folder}`);
    else remove(folder);
  }
}

function makeOnDisk(parent: string): void {
  const made = mkdirSync(parent, { recursive: true, mode: 0o700 });
  try {
    requireDisk(parent);
  } catch (error) {
    if (made !== undefined) rmSync(made, { recursive: true });
    throw error;
  }
}

async function measureAll(
  options: BenchOptions,
  folder: string,
  stop: AbortSignal,
): Promise<Measured> {
  const state = join(folder, 'state');
  const files: RunFiles = { folder, agents: join(folder, 'agents') };
  mkdirSync(state, { mode: 0o700 });
  say('starting devices and daemon, enrolling agents');
  const house = await House.start(state, join(folder, 'daemon.log'));
  let measured: Measured;
  let receiptFiles: readonly string[];
  let ledgerId: Uint8Array;
  try {
    await house.enrol(CONNECTIONS, files.agents);
    const bench: Bench = { house, files, seconds: options.seconds, stop };
    measured = await measureEach(options, bench);
    say('the search index follows');
    measured = { ...measured, catchUp: await untilIndexed(house, stop) };
    measured = { ...measured, memory: memoryOf(house.pid) };
    say('killed, and started again');
    measured = { ...measured, recovery: await measureRecovery(house) };
    ledgerId = await ledgerIdOf(house);
    receiptFiles = receiptFilesOf(measured);
    say('bundles of random actions');
    const bundles = receiptFiles.length === 0 ? 0 : await verifyBundles(house, receiptFiles);
    say(`${bundles} bundles are VALID; stopping the daemon`);
  } catch (error) {
    await house.abandon();
    throw error;
  }
  await house.stop();
  say('fsck, every row of the index included');
  await checkState(state, stop);
  if (receiptFiles.length > 0) {
    say('the index asked');
    measured = { ...measured, queries: measureQueries(state, ledgerId) };
    say('the tree grown again from the published entries');
    const { receipts, entries } = await proveAfterwards(state, receiptFiles, stop);
    say(`${receipts} receipts drawn at random hold, over ${entries} entries`);
  }
  if (options.only === undefined || options.only === 'fsck') {
    say('fsck of a ledger of its own');
    measured = { ...measured, fsck: await measureFsck(folder, options.seconds, stop) };
  }
  return { ...measured, ...(await measureAnchors(options, folder, stop)) };
}

/** On daemons and devices of their own. */
async function measureAnchors(
  { only, seconds }: BenchOptions,
  folder: string,
  stop: AbortSignal,
): Promise<Measured> {
  let measured: Measured = {};
  if (only === undefined || only === 'anchoring') {
    say('anchoring on and off, in turns');
    measured = { ...measured, anchoring: await measureAnchoring(folder, { seconds, stop }) };
    for (const side of ['on', 'off']) await checkState(join(folder, `anchoring-${side}`), stop);
  }
  if (only === undefined || only === 'devices') {
    say('signatures, and each operation of the TPM');
    measured = { ...measured, devices: await measureDevices(folder) };
  }
  return measured;
}

async function measureEach({ only }: BenchOptions, bench: Bench): Promise<Measured> {
  const { files, stop } = bench;
  const wants = (name: MeasurementName): boolean => only === undefined || only === name;
  let measured: Measured = {};
  // ingest1 is told as a share of it.
  if (wants('bareVerify') || wants('ingest1')) {
    say('bareVerify');
    measured = { ...measured, bareVerify: await measureBareVerify(files.agents, stop) };
  }
  if (wants('clock')) {
    say('clock');
    measured = { ...measured, clock: await measureClock(stop) };
  }
  if (wants('latency1')) {
    say('latency1 and bare fdatasync');
    measured = { ...measured, latency1: await measureLatency(bench) };
  }
  if (wants('ingest1')) {
    say('ingest1');
    measured = { ...measured, ingest1: await measureIngest(bench, 1) };
  }
  if (wants('fairness')) {
    say('fairness: a thousand agents');
    measured = { ...measured, fairness: await measureFairness(bench) };
  }
  if (wants('ingest64')) {
    say('ingest64');
    measured = { ...measured, ingest64: await measureIngest(bench, 64) };
  }
  return measured;
}

function receiptFilesOf({ latency1, ingest1, fairness, ingest64 }: Measured): string[] {
  const loads = [latency1?.probe, latency1?.load, ingest1, fairness?.load, ingest64];
  return loads.flatMap((load) => (load === undefined ? [] : [load.receiptsFile]));
}

/** The run's folder, and the one made to hold it where nothing else is in it. */
function remove(folder: string): void {
  rmSync(folder, { recursive: true, force: true });
  try {
    rmdirSync(dirname(folder));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOTEMPTY') throw error;
  }
}

function say(words: string): void {
  process.stderr.write(`bench: ${words}\n`);
}

process.exitCode = await main(process.argv.slice(2));
// A handle that is left open must not keep a run alive that has nothing left to do.
process.exit();
