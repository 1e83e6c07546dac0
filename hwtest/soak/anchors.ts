/**
 * Anchors as fast as they come, on the real daemon with a software TPM: what they cost, and that
 * nothing of them stays behind in TPM, helper or daemon.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

import { connect, type Agent } from '@kudurru/agent';
import { constants, Tpm } from '@kudurru/tpm2-tss';

import type { StatusView } from '../../daemon/src/control/views.ts';
import { TpmAttestationDevice } from '../../daemon/src/hardware/backends/tpm-attestation-device.ts';
import { Appliance } from '../backends/appliance.ts';
import { askJson, enrolAgent } from '../backends/control.ts';
import { checkFiles, someAction } from '../scenarios/scenario.ts';
import type { Soak } from './soak.ts';

/** Submissions whose anchor is awaited at the default interval, for the latency. */
const latencySubmissions = 100;
const signatures = 500;
/** A run of so many has shown what it can show. */
const anchorsMax = 100_000;
/** After these the memory of both processes counts as what they need. */
const warmUpAnchors = 200;
const timeoutMs = 30_000;
/** Resident memory that may come and go. */
const rssSlackMib = 24;

export const anchorsSoak: Soak = {
  name: 'anchors',
  about: '100,000 anchors as fast as they come: rates, and nothing left behind in the TPM',
  async run({ minutes, folder, say }) {
    const appliance = await Appliance.prepare(join(folder, 'a'));
    try {
      const rates = await anchorFast(appliance, { minutes, say });
      const latency = await awaitAnchors(appliance);
      const signing = await signOften(appliance);
      await checkFiles(appliance.state);
      return { counts: { ...rates.counts, ...latency, ...signing }, findings: rates.findings };
    } finally {
      await appliance.stop();
    }
  },
};

async function anchorFast(
  appliance: Appliance,
  { minutes, say }: { readonly minutes: number; readonly say: (line: string) => void },
): Promise<{ counts: Record<string, number>; findings: string[] }> {
  const daemon = await appliance.start({ flags: ['--anchor-interval-ms', '10'] });
  await using agent = await connectAgent(appliance, 'fast');
  await submitAnchored(agent, warmUpAnchors);
  const before = await footprintOf(appliance);
  const firstSequence = await anchorsOf(appliance);
  const startedMs = performance.now();
  const untilMs = startedMs + minutes * 60_000;
  let made = 0;
  while (performance.now() < untilMs && made < anchorsMax) {
    await submitAnchored(agent, warmUpAnchors);
    made = (await anchorsOf(appliance)) - firstSequence;
    say(`${made} anchors, ${tell(await footprintOf(appliance))}`);
  }
  const seconds = (performance.now() - startedMs) / 1000;
  const after = await footprintOf(appliance);
  await daemon.stop();
  const counts = {
    anchors: made,
    anchorsPerMinute: Math.round((made / seconds) * 60),
    daemonRssMibBefore: before.daemonRssMib,
    daemonRssMib: after.daemonRssMib,
    helperRssMibBefore: before.helperRssMib,
    helperRssMib: after.helperRssMib,
  };
  return { counts, findings: grown(before, after) };
}

async function awaitAnchors(appliance: Appliance): Promise<Record<string, number>> {
  const daemon = await appliance.start();
  const milliseconds: number[] = [];
  {
    await using agent = await connectAgent(appliance, 'patient');
    for (let turn = 0; turn < latencySubmissions; turn += 1) {
      const startedMs = performance.now();
      await submitAnchored(agent, 1);
      milliseconds.push(performance.now() - startedMs);
    }
  }
  await daemon.stop();
  milliseconds.sort((one, other) => one - other);
  const at = (share: number) =>
    Math.round(milliseconds[Math.floor(share * milliseconds.length)] ?? 0);
  return { anchoredP50Ms: at(0.5), anchoredP99Ms: at(0.99) };
}

async function signOften(appliance: Appliance): Promise<Record<string, number>> {
  const device = new TpmAttestationDevice(appliance.devices.settings.tpm);
  try {
    const message = new TextEncoder().encode('checkpoint');
    await device.signCheckpoint(message, timeoutMs);
    const startedMs = performance.now();
    for (let turn = 0; turn < signatures; turn += 1) {
      await device.signCheckpoint(message, timeoutMs);
    }
    const seconds = (performance.now() - startedMs) / 1000;
    return { tpmSignaturesPerSecond: Math.round(signatures / seconds) };
  } finally {
    await device.close(timeoutMs);
  }
}

async function connectAgent(appliance: Appliance, name: string): Promise<Agent> {
  const enrolled = await enrolAgent(appliance.controlSocket, name);
  return connect({ socketPath: appliance.agentSocket, ...enrolled });
}

async function submitAnchored(agent: Agent, count: number): Promise<void> {
  for (let turn = 0; turn < count; turn += 1) {
    await agent.submit([someAction('anchored')], { level: 'anchored' });
  }
}

/** Anchors of the ledger so far, as the last one counts itself. */
async function anchorsOf({ controlSocket }: Appliance): Promise<number> {
  const { anchor } = await askJson<StatusView>(controlSocket, '/v1/status');
  const path = `/v1/entries/${anchor.index ?? 0}`;
  return (await askJson<{ anchorSequence: number }>(controlSocket, path)).anchorSequence;
}

interface Footprint {
  readonly daemonRssMib: number;
  readonly helperRssMib: number;
  readonly daemonDescriptors: number;
  readonly helperDescriptors: number;
  /** Keys and TPM sessions that are loaded. */
  readonly tpmObjects: number;
  readonly tpmSessions: number;
}

async function footprintOf({ daemon, devices }: Appliance): Promise<Footprint> {
  const [helper = 0] = childrenOf(daemon.pid);
  const tpm = await Tpm.open(devices.tpm.tcti, { timeoutMs });
  try {
    const { transient, loadedSession } = constants.firstHandle;
    return {
      daemonRssMib: rssMibOf(daemon.pid),
      helperRssMib: rssMibOf(helper),
      daemonDescriptors: readdirSync(`/proc/${daemon.pid}/fd`).length,
      helperDescriptors: readdirSync(`/proc/${helper}/fd`).length,
      tpmObjects: (await tpm.platform.handles(transient)).length,
      tpmSessions: (await tpm.platform.handles(loadedSession)).length,
    };
  } finally {
    tpm.close();
  }
}

function grown(before: Footprint, after: Footprint): string[] {
  const exact = ['daemonDescriptors', 'helperDescriptors', 'tpmObjects', 'tpmSessions'] as const;
  const leaked = exact.filter((name) => after[name] > before[name] + 1);
  const memory = (['daemonRssMib', 'helperRssMib'] as const).filter(
    (name) => after[name] > before[name] + rssSlackMib,
  );
  return [...leaked, ...memory].map((name) => `${name}: ${before[name]}, then ${after[name]}`);
}

function tell(footprint: Footprint): string {
  return Object.entries(footprint)
    .map(([name, value]) => `${name} ${value}`)
    .join(', ');
}

function childrenOf(pid: number): number[] {
  const listed = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim();
  return listed === '' ? [] : listed.split(' ').map(Number);
}

function rssMibOf(pid: number): number {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  return Math.round(Number(/VmRSS:\s+(\d+) kB/u.exec(status)?.[1] ?? 0) / 1024);
}
