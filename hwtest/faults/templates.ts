/**
 * State folders that runs begin with, each made once and copied for every run: one whose devices
 * are ready and whose ledger is not founded, one whose daemon has stopped in order, and one whose
 * daemon was killed in the middle of a write.
 */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { connect, type Receipt } from '@kudurru/agent';

import { Appliance, type DaemonOptions } from '../backends/appliance.ts';
import { enrolAgent, type EnrolledAgent } from '../backends/control.ts';
import { someAction } from '../scenarios/scenario.ts';
import { traceOf, writePlan } from './disk-faults.ts';
import { readTrace, sitesOf, type Site } from './sites.ts';
import { largeActions } from './tour.ts';

export const STARTS = ['unfounded', 'stopped', 'killed'] as const;
/** What the folder holds when the run begins. */
export type Start = (typeof STARTS)[number];

export interface Templates {
  /** Enrolled in `stopped` and `killed`. */
  readonly agents: readonly EnrolledAgent[];
  /** Given before the run begins. */
  readonly receipts: Readonly<Record<Start, readonly Receipt[]>>;
  /** A copy of the template as the state folder `state`, which must not be there. */
  copy(start: Start, state: string): void;
}

/** Small segments, so that a run goes through some; anchors in each run. */
export const daemonEnvironment: Readonly<Record<string, string>> = {
  KUDURRU_SEGMENT_SIZE_MIB: '8',
  KUDURRU_ANCHOR_INTERVAL_MS: '100',
};

const agentsMade = 4;
const attemptsMax = 8;
/** A start and a first submission write fewer; the later the kill, the more of them are large. */
const recordsBefore = 12;
const recordsBetween = 3;
/** Where the journal writes a record. */
const recordSiteName = 'pwrite segment Journal::writeRecord';

/** Makes the templates below `folder`, which is there. */
export async function makeTemplates(folder: string): Promise<Templates> {
  const at = (start: Start): string => join(folder, start);
  const working = join(folder, 'working');
  const prepared = await Appliance.prepare(working);
  await prepared.devices.stop();
  copyFolder(working, at('unfounded'));
  const appliance = await Appliance.prepare(working);
  const tracing = join(folder, 'tracing');
  const plan = writePlan({ state: working, folder: tracing, seed: 0, tearPercent: 0 });
  await appliance.start({ environment: { ...daemonEnvironment, ...plan } });
  const names = Array.from({ length: agentsMade }, (_, number) => `agent-${number}`);
  const agents = await Promise.all(names.map((name) => enrolAgent(appliance.controlSocket, name)));
  await appliance.stop();
  copyFolder(working, at('stopped'));
  const recordSite = sitesOf(readTrace(traceOf(tracing)).passages).get(recordSiteName);
  assert.ok(recordSite !== undefined, `no "${recordSiteName}" in the trace of a founding`);
  const killed = await killInWrite({ folder, working, stopped: at('stopped'), recordSite, agents });
  copyFolder(working, at('killed'));
  rmSync(working, { recursive: true });
  return {
    agents,
    receipts: { unfounded: [], stopped: [], killed },
    copy: (start, state) => copyFolder(at(start), state),
  };
}

interface KillOrder {
  readonly folder: string;
  readonly working: string;
  readonly stopped: string;
  readonly recordSite: Site;
  readonly agents: readonly EnrolledAgent[];
}

/** Kills right after the write of a large record until its start is on the disk and not all. */
async function killInWrite(order: KillOrder): Promise<readonly Receipt[]> {
  for (let seed = 1; seed <= attemptsMax; seed++) {
    rmSync(order.working, { recursive: true });
    copyFolder(order.stopped, order.working);
    const receipts = await killOnce(order, seed);
    // A start on a copy tells whether it must cut.
    const probe = join(order.folder, 'probe');
    copyFolder(order.working, probe);
    const appliance = await Appliance.prepare(probe);
    const { log } = await appliance.start({ environment: daemonEnvironment });
    await appliance.stop();
    rmSync(probe, { recursive: true });
    if (log.includes('cut off')) return receipts;
  }
  return assert.fail(`no torn record after ${attemptsMax} kills in a write`);
}

async function killOnce(order: KillOrder, seed: number): Promise<readonly Receipt[]> {
  const appliance = await Appliance.prepare(order.working);
  const plan = writePlan({
    state: order.working,
    folder: join(order.folder, `plan-${seed}`),
    site: order.recordSite,
    fault: 'kill-after',
    nth: recordsBefore + seed * recordsBetween,
    seed,
    tearPercent: 70,
  });
  const options: DaemonOptions = { environment: { ...daemonEnvironment, ...plan } };
  const daemon = await appliance.start(options);
  const [first] = order.agents;
  assert.ok(first !== undefined);
  const agent = await connect({ socketPath: appliance.agentSocket, ...first });
  const receipts: Receipt[] = [await agent.submit([someAction('before the kill')])];
  for (;;) {
    try {
      receipts.push(await Promise.race([agent.submit(largeActions()), endOf(daemon.ended)]));
    } catch {
      // The daemon was killed, and this submission with it.
      agent.destroy();
      break;
    }
  }
  await appliance.devices.stop();
  return receipts;
}

async function endOf(ended: Promise<unknown>): Promise<never> {
  await ended;
  throw new Error('the daemon has ended');
}

/** With holes left holes. The token's configuration names its own folder. */
export function copyFolder(from: string, to: string): void {
  execFileSync('cp', ['-a', '--sparse=always', from, to]);
  const config = join(to, 'devices/softhsm2.conf');
  const lines = readFileSync(config, 'utf8').replaceAll(
    /^directories\.tokendir = .*$/gmu,
    `directories.tokendir = ${join(to, 'devices/token')}`,
  );
  writeFileSync(config, lines);
}
