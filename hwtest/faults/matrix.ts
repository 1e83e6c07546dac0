/**
 * Sites × faults: normal runs are traced to find the sites, then each fault is met at each site
 * once, at a passage drawn by the seed.
 */
import { createHash } from 'node:crypto';
import { join } from 'node:path';

import { FAULTS, type Fault } from './disk-faults.ts';
import { runFault, type FaultResult, type FaultRun } from './fault-run.ts';
import { sitesOf, type Passage, type Site } from './sites.ts';
import { STARTS, type Start, type Templates } from './templates.ts';

/** A site, and where a normal run passes it. */
export interface TracedSite extends Site {
  readonly starts: ReadonlyMap<Start, number>;
}

export interface Traced {
  readonly sites: readonly TracedSite[];
  /** The same passages, told apart by the function that calls the site's. */
  readonly byCaller: ReadonlyMap<string, Site>;
}

export interface FaultCase {
  readonly site: TracedSite;
  readonly fault: Fault;
  readonly start: Start;
  readonly isHeavy: boolean;
  readonly nth: number;
  readonly seed: number;
}

export interface CaseResult extends FaultResult {
  readonly case: FaultCase;
}

export interface RunOptions {
  /** For the runs' own folders. */
  readonly folder: string;
  /** Runs at the same time. */
  readonly lanes: number;
  /** Milliseconds of `performance.now()`: no case is begun after it. */
  readonly untilMs?: number;
  readonly onResult?: (result: CaseResult, done: number, of: number) => void;
}

const tearPercent = 30;
/** A site that many runs pass often is met early, so that every run passes it as often. */
const nthMax = 8;
/** Further runs, where one did not pass its site. */
const attemptsMax = 6;
/** One run in so many has load that fills a segment. */
const heavyEvery = 4;

/** Of a normal run from each start. @throws Error where one has a problem without any fault */
export async function traceSites(templates: Templates, folder: string): Promise<Traced> {
  const traces = new Map<Start, readonly Passage[]>();
  for (const start of STARTS) {
    const run = { start, isHeavy: true, folder: join(folder, start), seed: 0, tearPercent: 0 };
    const { problems, passages } = await runFault(templates, run);
    if (problems.length > 0) throw new Error(`a run without faults: ${problems.join('; ')}`);
    traces.set(start, passages);
  }
  const byStart = [...traces].map(([start, passages]) => [start, sitesOf(passages)] as const);
  const all = [...traces.values()].flat();
  const sites = [...sitesOf(all).values()].map((site) => {
    const passed = byStart.map(([start, found]) => [start, found.get(site.name)?.passages ?? 0]);
    const starts = passed.filter((pair): pair is [Start, number] => pair[1] !== 0);
    return { ...site, starts: new Map(starts) };
  });
  return { sites, byCaller: sitesOf(all, true) };
}

/** Every fault at every site that can meet it. */
export function allCases(sites: readonly TracedSite[], seed: number): FaultCase[] {
  return sites.flatMap((site) => faultsOf(site).map((fault) => caseOf(site, fault, seed)));
}

/** One fault at every site, another one by another seed. */
export function someCases(sites: readonly TracedSite[], seed: number): FaultCase[] {
  return sites.map((site) => {
    const faults = faultsOf(site);
    const fault = faults[draw(seed, site.name, 'fault') % faults.length] ?? 'kill-after';
    return caseOf(site, fault, seed);
  });
}

/** Only a write can be short. */
export function faultsOf({ call }: Site): Fault[] {
  const isWrite = /write|sendfile|copy/u.test(call);
  return FAULTS.filter((fault) => fault !== 'short' || isWrite);
}

function caseOf(site: TracedSite, fault: Fault, seed: number): FaultCase {
  const about = `${site.name} ${fault}`;
  const starts = [...site.starts];
  const [start, passages] = starts[draw(seed, about, 'start') % starts.length] ?? ['stopped', 1];
  const nth = 1 + (draw(seed, about, 'nth') % Math.min(passages, nthMax));
  const isHeavy = draw(seed, about, 'load') % heavyEvery === 0;
  return { site, fault, start, isHeavy, nth, seed: draw(seed, about, 'disk') };
}

/** Runs the cases; results in the order of the cases. */
export async function runCases(
  templates: Templates,
  cases: readonly FaultCase[],
  options: RunOptions,
): Promise<CaseResult[]> {
  const results: CaseResult[] = [];
  let next = 0;
  const lane = async (): Promise<void> => {
    while (next < cases.length && performance.now() < (options.untilMs ?? Infinity)) {
      const at = next++;
      const chosen = cases[at];
      if (chosen === undefined) return;
      const result = await meet(templates, chosen, join(options.folder, String(at)));
      results[at] = result;
      options.onResult?.(result, Object.keys(results).length, cases.length);
    }
  };
  await Promise.all(Array.from({ length: options.lanes }, lane));
  return results.filter(Boolean);
}

/**
 * Where a run did not pass the site as often as was drawn, its first passage meets the fault, from
 * each start in turn: what is published, and when, is a matter of the machine's pace.
 */
async function meet(templates: Templates, chosen: FaultCase, folder: string): Promise<CaseResult> {
  const run: FaultRun = { ...chosen, folder, tearPercent };
  let result = await runFault(templates, run);
  const problems = [...result.problems];
  const starts = [...chosen.site.starts.keys()];
  for (let attempt = 0; attempt < attemptsMax && !result.met; attempt++) {
    const start = starts[attempt % starts.length] ?? run.start;
    result = await runFault(templates, { ...run, start, nth: 1, isHeavy: true });
    problems.push(...result.problems);
  }
  return { ...result, problems: [...problems, ...unlawful(chosen, result)], case: chosen };
}

const journalClasses: ReadonlySet<string> = new Set(['segment', 'next-segment', 'journal-folder']);

/** What no end of a run excuses. */
function unlawful({ site, fault }: FaultCase, { met, end }: FaultResult): string[] {
  if (!met) return ['the site was not passed'];
  if (fault.startsWith('kill') && end !== 'killed') return [`killed, and yet: ${end}`];
  if (fault === 'EIO' && end === 'went on' && journalClasses.has(site.fileClass)) {
    return ['went on after an error of the journal'];
  }
  return [];
}

/** The same for the same words. */
export function draw(seed: number, ...words: readonly string[]): number {
  return createHash('sha256')
    .update(`${seed} ${words.join(' ')}`)
    .digest()
    .readUInt32BE();
}
