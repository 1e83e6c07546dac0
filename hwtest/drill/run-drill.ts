/** Runs one drill from its lab to its result. */
import { setTimeout as sleep } from 'node:timers/promises';

import { TIME_LEVELS } from '@kudurru/proof';

import { Lab } from '../lab/lab.ts';
import { newerLinuxptp } from '../lab/linuxptp.ts';
import type { Drill, DrillResult, Step } from './drill.ts';
import { Probe } from './probe.ts';
import { Recording } from './recording.ts';
import { type Believer, Stage } from './stage.ts';
import { Watch } from './watch.ts';

/** Between two looks at what is believed. */
const lookMs = 200;
const untilLimitDefaultS = 90;

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
  await Promise.all([grandmaster.start(), lab.client.start()]);
  const recording = new Recording(lab.clocks);
  const believer = await Probe.start(stage, (computed) => recording.take(computed));
  const watch = new Watch(lab.clocks, options.say);
  const findings: string[] = [];
  const { untilLimitS = untilLimitDefaultS, recordIn } = options;
  try {
    const first = drill.fromBoot === undefined ? [reachLocked] : [];
    for (const step of [...first, ...drill.steps]) {
      watch.tell(`- ${step.say}`);
      const finding = await runStep(step, { stage, believer, watch, untilLimitS });
      if (finding === null) continue;
      findings.push(finding);
      break;
    }
    if (recordIn !== undefined) recording.write(recordIn, drill.name);
    return resultOf(drill, { watch, findings, actionsLost: await believer.actionsLost() });
  } finally {
    await believer.end();
  }
}

interface Scene {
  readonly stage: Stage;
  readonly believer: Believer;
  readonly watch: Watch;
  readonly untilLimitS: number;
}

/** What did not hold, or null. */
async function runStep(step: Step, scene: Scene): Promise<string | null> {
  const { stage, believer, watch, untilLimitS } = scene;
  if ('act' in step) {
    await step.act(stage);
    return null;
  }
  const endS = watch.seconds + ('watchS' in step ? step.watchS : untilLimitS);
  while (watch.seconds < endS) {
    for (const believed of await believer.readings()) {
      watch.take(believed);
      if ('until' in step && step.until(believed)) return null;
    }
    await sleep(lookMs);
  }
  return 'until' in step ? `"${step.say}" did not come within ${untilLimitS} s` : null;
}

function resultOf(
  { name, takesAway }: Drill,
  seen: {
    readonly watch: Watch;
    readonly findings: readonly string[];
    readonly actionsLost: number | null;
  },
): DrillResult {
  const { watch, actionsLost } = seen;
  const findings = [...seen.findings];
  const [outside] = watch.excursions;
  if (outside !== undefined && takesAway === undefined) {
    findings.push(`${watch.excursions.length} readings outside while ${outside.level}`);
  }
  if (actionsLost !== null && actionsLost !== 0) findings.push(`${actionsLost} actions lost`);
  return {
    name,
    levels: watch.levels,
    worstTrueErrorNs: String(watch.worstNs),
    worstTrueErrorWhenLockedNs: String(watch.worstWhenLockedNs),
    wasOutsideWhenLocked: outside !== undefined,
    takesAway: takesAway ?? null,
    actionsLost,
    readings: watch.readings,
    seconds: Math.round(watch.seconds),
    findings,
  };
}
