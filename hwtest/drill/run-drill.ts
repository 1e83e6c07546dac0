/** Runs one drill from its lab to its result. */
import { setTimeout as sleep } from 'node:timers/promises';

import { TIME_LEVELS } from '@kudurru/proof';

import { Lab } from '../lab/lab.ts';
import { newerLinuxptp } from '../lab/linuxptp.ts';
import { ApplianceLoad } from './appliance-load.ts';
import type { Drill, DrillResult, Step } from './drill.ts';
import { Probe } from './probe.ts';
import { Recording } from './recording.ts';
import { type Believer, Stage } from './stage.ts';
import { Watch } from './watch.ts';

/** Between two looks at what is believed. */
const lookMs = 200;
const untilLimitDefaultS = 90;
/** A line of the time line at least so often. */
const lineEveryS = 5;

export interface RunOptions {
  readonly say: (line: string) => void;
  /** Folder for what was computed, as vectors to replay. */
  readonly recordIn?: string;
  /** A state that has not come by then does not come. */
  readonly untilLimitS?: number;
}

export const reachLocked: Step = {
  say: 'it locks',
  until: ({ level }) => TIME_LEVELS.indexOf(level) >= TIME_LEVELS.indexOf('LOCKED'),
};

export async function runDrill(drill: Drill, options: RunOptions): Promise<DrillResult> {
  const newer = drill.needsNewer === true ? newerLinuxptp() : null;
  const lab = await Lab.make({ ...drill.lab, ...(newer === null ? {} : { linuxptp: newer }) });
  try {
    return await runInLab(lab, drill, options);
  } finally {
    await lab.end();
  }
}

async function runInLab(lab: Lab, drill: Drill, options: RunOptions): Promise<DrillResult> {
  const grandmaster = await lab.grandmaster({ name: 'grandmaster' });
  const stage = new Stage(lab, grandmaster);
  // As a crystal out of a box: milliseconds out, and 35 ppm off.
  await lab.clientClock.step(1_500_000n);
  await lab.clientClock.drift(35_000n);
  for (const step of drill.fromBoot ?? []) {
    if ('act' in step) await step.act(stage);
  }
  const appliance = await ApplianceLoad.start(stage);
  try {
    await Promise.all([grandmaster.start(), lab.client.start()]);
    return await runSteps(drill, { stage, appliance, ...options });
  } finally {
    await appliance.end();
  }
}

interface Staged extends RunOptions {
  readonly stage: Stage;
  readonly appliance: ApplianceLoad;
}

async function runSteps(drill: Drill, staged: Staged): Promise<DrillResult> {
  const { stage, appliance, say, recordIn, untilLimitS = untilLimitDefaultS } = staged;
  const { clocks } = stage.lab;
  const recording = new Recording(clocks);
  const probe = await Probe.start(stage, (computed) => recording.take(computed));
  const watch = new Watch(clocks, { say, lineEveryS });
  const daemon = new Watch(clocks, {
    say: (line) => say(`${line}  (daemon)`),
    lineEveryS: Infinity,
  });
  const findings: string[] = [];
  try {
    const first = drill.fromBoot === undefined ? [reachLocked] : [];
    for (const step of [...first, ...drill.steps]) {
      watch.tell(`- ${step.say}`);
      const scene = { ...{ stage, probe, appliance, watch, daemon }, untilLimitS };
      const finding = await runStep(step, scene);
      if (finding === null) continue;
      findings.push(finding);
      break;
    }
    if (recordIn !== undefined) recording.write(recordIn, drill.name);
  } finally {
    await probe.end();
  }
  const finished = await appliance.finish();
  findings.push(...finished.findings);
  return resultOf(drill, { watch, daemon, findings, actionsLost: finished.actionsLost });
}

interface Scene {
  readonly stage: Stage;
  readonly probe: Believer;
  readonly appliance: Believer;
  readonly watch: Watch;
  readonly daemon: Watch;
  readonly untilLimitS: number;
}

/** What did not hold, or null. */
async function runStep(step: Step, scene: Scene): Promise<string | null> {
  const { stage, probe, appliance, watch, daemon, untilLimitS } = scene;
  if ('act' in step) {
    await step.act(stage);
    return null;
  }
  const endS = watch.seconds + ('watchS' in step ? step.watchS : untilLimitS);
  while (watch.seconds < endS) {
    for (const believed of await appliance.readings()) daemon.take(believed);
    for (const believed of await probe.readings()) {
      watch.take(believed);
      if ('until' in step && step.until(believed)) return null;
    }
    await sleep(lookMs);
  }
  return 'until' in step ? `"${step.say}" did not come within ${untilLimitS} s` : null;
}

interface Seen {
  readonly watch: Watch;
  readonly daemon: Watch;
  readonly findings: readonly string[];
  readonly actionsLost: number;
}

function resultOf({ name, takesAway }: Drill, seen: Seen): DrillResult {
  const { watch, daemon, actionsLost } = seen;
  const outside = [...watch.excursions, ...daemon.excursions];
  const findings = [...seen.findings];
  if (outside.length > 0 && takesAway === undefined) {
    findings.push(`${outside.length} readings outside while ${outside[0]?.level}`);
  }
  if (actionsLost !== 0) findings.push(`${actionsLost} actions lost`);
  return {
    name,
    levels: watch.levels,
    daemonLevels: daemon.levels,
    worstTrueErrorNs: String(watch.worstNs),
    worstTrueErrorWhenLockedNs: String(watch.worstWhenLockedNs),
    wasOutsideWhenLocked: outside.length > 0,
    takesAway: takesAway ?? null,
    actions: daemon.readings,
    actionsLost,
    readings: watch.readings,
    seconds: Math.round(watch.seconds),
    findings,
  };
}
