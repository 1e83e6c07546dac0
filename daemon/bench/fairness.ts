/**
 * A thousand agents, each with one action in flight on a connection of its own: whether anybody
 * starves, and how long an answer takes then.
 */
import { join } from 'node:path';

import { underLoad, type Bench, type Load } from './measures.ts';

const agentCount = 1000;

export interface Fairness {
  readonly load: Load;
  /** Submissions committed for the slowest agent, by those of the median one, in the same time. */
  readonly slowestToMedian: number;
}

/** Enrols its own agents. */
export async function measureFairness(bench: Bench): Promise<Fairness> {
  const agents = join(bench.files.folder, 'many-agents');
  await bench.house.enrol(agentCount, agents, 'one-of-many');
  const form = { connections: agentCount, actions: 1, depth: 1, seconds: bench.seconds };
  const files = { ...bench.files, agents };
  const load = await underLoad({ ...bench, files }, { name: 'fairness', ...form });
  const { slowestConnection, medianConnection } = load.figures;
  return { load, slowestToMedian: slowestConnection / medianConnection };
}
