/** Runs one drill from its lab to its result. */
import { setTimeout as sleep } from 'node:timers/promises';

import { TIME_LEVELS } from '@kudurru/proof';

import { Lab } from '../lab/lab.ts';
import { Commissioned } from './commissioned.ts';
import type { Drill, DrillResult, Step } from './drill.ts';
import { DrilledAppliance, type Finished } from './drilled-appliance.ts';
import { labProfile, ptpSource } from './lab-profile.ts';
import { Recording } from './recording.ts';
import { Stage } from './stage.ts';
import { Watch } from './watch.ts';

/** Between two looks at what is believed. */
const lookMs = 200;
const untilLimitDefaultS = 180;
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
  const lab = await Lab.make(drill.lab);
  try {
    const commissioned = await Commissioned.provision(lab.clientClock.environment);
    try {
      return await runInLab(drill, { ...options, lab, commissioned });
    } finally {
      await commissioned.end();
    }
  } finally {
    await lab.end();
  }
}

interface Made extends RunOptions {
  readonly lab: Lab;
  readonly commissioned: Commissioned;
}

async function runInLab(drill: Drill, made: Made): Promise<DrillResult> {
  const { lab, commissioned } = made;
  const grandmaster = await lab.grandmaster({ name: 'grandmaster' });
  const stage = new Stage(lab, grandmaster);
  // As a crystal out of a box: milliseconds out, and 35 ppm off.
  await lab.clientClock.step(1_500_000n);
  await lab.clientClock.drift(35_000n);
  for (const step of drill.fromBoot ?? []) {
    if ('act' in step) await step.act(stage);
  }
  await Promise.all([grandmaster.start(), lab.client.start()]);
  const sources = (await drill.sources?.(stage)) ?? [
    await ptpSource({ client: lab.client, grandmaster }),
  ];
  const profile = labProfile(sources, drill.oscillator);
  const recording = new Recording(lab.clocks, profile);
  const drilled = await DrilledAppliance.start({
    ...{ commissioned, sources, profile },
    onEvidence: (evidence) => recording.take(evidence),
  });
  stage.drilled = drilled;
  try {
    const result = await runSteps(drill, { ...made, stage, drilled });
    if (made.recordIn !== undefined) recording.write(made.recordIn, drill.name);
    return result;
  } finally {
    await drilled.abandon();
  }
}

interface Staged extends RunOptions {
  readonly stage: Stage;
  readonly drilled: DrilledAppliance;
}

async function runSteps(drill: Drill, staged: Staged): Promise<DrillResult> {
  const { stage, drilled, say, untilLimitS = untilLimitDefaultS } = staged;
  const watch = new Watch(stage.lab.clocks, { say, lineEveryS });
  const findings: string[] = [];
  const first = drill.fromBoot === undefined ? [reachLocked] : [];
  for (const step of [...first, ...drill.steps]) {
    watch.tell(`- ${step.say}`);
    const finding = await runStep(step, { stage, drilled, watch, untilLimitS });
    if (finding === null) continue;
    findings.push(finding);
    break;
  }
  const finished = await drilled.finish();
  for (const believed of finished.readings) watch.take(believed);
  return resultOf(drill, { watch, finished, findings });
}

interface Scene {
  readonly stage: Stage;
  readonly drilled: DrilledAppliance;
  readonly watch: Watch;
  readonly untilLimitS: number;
}

/** What did not hold, or null. */
async function runStep(step: Step, scene: Scene): Promise<string | null> {
  const { stage, drilled, watch, untilLimitS } = scene;
  if ('act' in step) {
    await step.act(stage);
    // What stands in the log by now was believed before.
    for (const believed of await drilled.readings()) watch.take(believed);
    return null;
  }
  const endS = watch.seconds + ('watchS' in step ? step.watchS : untilLimitS);
  while (watch.seconds < endS) {
    let hasCome = false;
    for (const believed of await drilled.readings()) {
      watch.take(believed);
      if ('until' in step) hasCome ||= step.until(believed);
    }
    if ('comes' in step) hasCome = await step.comes(stage);
    if (hasCome) return null;
    await sleep(lookMs);
  }
  return 'watchS' in step ? null : `"${step.say}" did not come within ${untilLimitS} s`;
}

interface Seen {
  readonly watch: Watch;
  readonly finished: Finished;
  /** Of the steps. */
  readonly findings: readonly string[];
}

function resultOf({ name, takesAway }: Drill, seen: Seen): DrillResult {
  const { watch } = seen;
  const { excursions } = watch;
  const { actions, actionsLost } = seen.finished;
  const findings = [...seen.findings, ...seen.finished.findings];
  if (excursions.length > 0 && takesAway === undefined) {
    findings.push(`${excursions.length} readings outside while ${excursions[0]?.level}`);
  }
  if (actionsLost !== 0) findings.push(`${actionsLost} actions lost`);
  return {
    name,
    levels: watch.levels,
    worstTrueErrorNs: String(watch.worstNs),
    worstTrueErrorWhenLockedNs: String(watch.worstWhenLockedNs),
    wasOutsideWhenLocked: excursions.length > 0,
    takesAway: takesAway ?? null,
    ...{ actions, actionsLost },
    readings: watch.readings,
    seconds: Math.round(watch.seconds),
    findings,
  };
}
