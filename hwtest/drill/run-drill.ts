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
  return withAppliance(drill, async (set) => {
    const result = await runSteps(drill, { ...options, ...set });
    if (options.recordIn !== undefined) set.recording.write(options.recordIn, drill.name);
    return result;
  });
}

/** A lab, and an appliance in it whose agent acts. */
export interface DrillSet {
  readonly stage: Stage;
  readonly drilled: DrilledAppliance;
  readonly recording: Recording;
}

/** All that a drill begins with, while `use` runs. */
export async function withAppliance<Result>(
  drill: Drill,
  use: (set: DrillSet) => Promise<Result>,
): Promise<Result> {
  const lab = await Lab.make(drill.lab);
  try {
    const commissioned = await Commissioned.provision(lab.clientClock.environment);
    try {
      const set = await begin(drill, lab, commissioned);
      try {
        return await use(set);
      } finally {
        await set.drilled.abandon();
      }
    } finally {
      await commissioned.end();
    }
  } finally {
    await lab.end();
  }
}

async function begin(drill: Drill, lab: Lab, commissioned: Commissioned): Promise<DrillSet> {
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
  return { stage, drilled, recording };
}

type Staged = RunOptions & DrillSet;

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
