/**
 * The steps of an anchor: of the counter-anchor of a start, of an anchor while serving, of the
 * counter-anchor of a stop, with what a start and a stop do before and after. `AnchorSteps.trace`
 * tells which a normal run passes; one that is not in this list is a step without a case.
 */
import type { TapSide } from '../backends/tpm-proxy.ts';
import { reading } from '../faults/step-names.ts';

export const PHASES = ['starting', 'serving', 'stopping'] as const;
export type Phase = (typeof PHASES)[number];

export const MISHAPS = ['kill -9', 'TPM reset', 'power cut'] as const;
/** A power cut: daemon and TPM at once, and the disk forgets what was not synced. */
export type Mishap = (typeof MISHAPS)[number];

export interface StepCase {
  readonly step: string;
  readonly side: TapSide;
  readonly mishap: Mishap;
  readonly phase: Phase;
  /** So many of these steps pass first. Default 0. */
  readonly skip?: number;
}

export interface AnchorStep {
  readonly name: string;
  readonly phases: readonly Phase[];
  /** Of the start or the stop around the anchor, not of the anchor. */
  readonly isAround?: boolean;
}

const all: readonly Phase[] = PHASES;
const counting: readonly Phase[] = ['starting', 'stopping'];
const starting: readonly Phase[] = ['starting'];
const stopping: readonly Phase[] = ['stopping'];

export const ANCHOR_STEPS: readonly AnchorStep[] = [
  { name: 'recovered segment', isAround: true, phases: starting },
  { name: 'Startup', isAround: true, phases: starting },
  { name: 'Load, of the attestation key', isAround: true, phases: starting },
  { name: 'Load, of the checkpoint key', isAround: true, phases: starting },
  { name: 'Quote, of the boot', isAround: true, phases: starting },
  { name: 'fdatasync of next-segment', isAround: true, phases: starting },
  { name: 'segment named', isAround: true, phases: starting },
  { name: 'fsync of journal-folder', isAround: true, phases: starting },
  { name: 'group of entries', phases: all },
  { name: 'prepare record', phases: all },
  { name: reading, phases: all },
  { name: 'NV_Increment', phases: counting },
  { name: 'GetTime (L)', phases: all },
  { name: 'GetTime (R)', phases: all },
  { name: 'NV_Certify, of the counter (N)', phases: all },
  { name: 'second prepare record', phases: all },
  { name: 'PCR_Extend', phases: all },
  { name: 'NV_Extend', phases: counting },
  { name: 'Quote, of the anchor PCR', phases: all },
  { name: 'NV_Certify, of the extend index', phases: counting },
  { name: 'Sign, of the checkpoint', phases: all },
  { name: 'checkpoint record', phases: all },
  { name: 'anchor entry', phases: all },
  { name: 'covering checkpoint record', phases: all },
  { name: 'rename of checkpoint', phases: all },
  { name: 'stop record', isAround: true, phases: stopping },
  { name: 'FlushContext', isAround: true, phases: stopping },
];

/** Passed or not as it happens: a sync of the journal that has nothing new to make durable. */
const atTimes: ReadonlySet<string> = new Set(['sync without a record', 'fsync of state-folder']);

/** Differences between the list and what a normal run passes, in words. */
export function compareTrace(traced: ReadonlyMap<Phase, readonly string[]>): string[] {
  return PHASES.flatMap((phase) => {
    const passed = new Set(traced.get(phase));
    const listed = new Set(
      ANCHOR_STEPS.filter(({ phases }) => phases.includes(phase)).map(({ name }) => name),
    );
    const unlisted = [...passed].filter((name) => !listed.has(name) && !atTimes.has(name));
    const unpassed = [...listed].filter((name) => !passed.has(name));
    return [
      ...unlisted.map((name) => `"${name}" while ${phase} is a step without a case`),
      ...unpassed.map((name) => `"${name}" while ${phase} is not passed`),
    ];
  });
}

export const ROUNDS = 20;
/** Steps around the anchor, and power cuts, have a case in one round of so many. */
const aroundEvery = 4;
const cutEvery = 2;
/** A reset is met while serving, but in one round of so many. */
const elsewhereEvery = 3;

/** Each mishap at each step; phase and side change from round to round. */
export function casesOf(round: number): StepCase[] {
  return ANCHOR_STEPS.flatMap((step, at) => {
    if (step.isAround === true && (round + at) % aroundEvery !== 0) return [];
    const isCut = step.isAround === true || (round + at) % cutEvery === 0;
    return MISHAPS.filter((mishap) => isCut || mishap !== 'power cut').map((mishap) =>
      caseOf(step, mishap, round + at),
    );
  });
}

function caseOf({ name, phases }: AnchorStep, mishap: Mishap, turn: number): StepCase {
  const serves = mishap === 'TPM reset' && phases.includes('serving') && turn % elsewhereEvery > 0;
  const ways = (serves ? (['serving'] as const) : phases).flatMap((phase) =>
    (['before', 'after'] satisfies TapSide[]).map((side) => ({ phase, side })),
  );
  const way = ways[turn % ways.length] ?? { phase: 'starting', side: 'before' };
  // An anchor reads its TPM at seven places or more.
  return { step: name, mishap, ...way, ...(name === reading ? { skip: turn % 7 } : {}) };
}
