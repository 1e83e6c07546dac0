/**
 * The search index: how fast it follows once a load is over, from the disk; and how long questions
 * take of the whole of it, asked as the daemon's search worker asks them: what is found is not read
 * again from the ledger here.
 */
import { randomInt } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';

import { CHECKPOINT_PATH, decodeHex, parseCheckpoint, TILE_WIDTH } from '@kudurru/proof';

import { indexFolderOf } from '../src/evidence/index/builder.ts';
import { INDEX_SHAPE, listFolder } from '../src/evidence/index/files.ts';
import { Places } from '../src/evidence/index/places.ts';
import { PublishedRows } from '../src/evidence/index/published-rows.ts';
import type { Question, Search } from '../src/evidence/index/questions.ts';
import type { House } from './house.ts';
import { cpuSecondsByThread } from './process-facts.ts';
import { summaryOf } from './time-summary.ts';

export interface CatchUp {
  /** Entries that it was behind when the load had ended. */
  readonly entries: number;
  readonly seconds: number;
  /** Of the builder's thread, in microseconds: steadier than the time on a busy machine. */
  readonly cpuUsPerEntry: number;
}

export interface QueryTimes {
  readonly name: string;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

export interface QueryFigures {
  /** Entries of the index that was asked. */
  readonly entries: number;
  readonly files: number;
  readonly times: readonly QueryTimes[];
}

interface Status {
  readonly ledgerId: string;
  readonly index: { readonly entriesBehind: number; readonly pace: string };
}

/** As `ps -L` shows it. */
export const BUILDER_THREAD = 'index';
const POLL_MS = 50;
const QUERIES_OF_A_KIND = 400;
const WINDOW_NS = 1_000_000_000n;

/** Until every entry can be found; timed from when the builder may work again. */
export async function untilIndexed({ control, pid }: House, stop: AbortSignal): Promise<CatchUp> {
  const cpuSeconds = (): number => cpuSecondsByThread(pid).get(BUILDER_THREAD) ?? 0;
  const status = (): Promise<Status> => control.get<Status>('/v1/status');
  let { index } = await status();
  while (index.pace !== 'free' && index.entriesBehind > 0) {
    await wait(POLL_MS, undefined, { signal: stop });
    ({ index } = await status());
  }
  const startedMs = performance.now();
  const startedCpu = cpuSeconds();
  const entries = index.entriesBehind;
  while (index.entriesBehind > 0) {
    await wait(POLL_MS, undefined, { signal: stop });
    ({ index } = await status());
  }
  const cpuUsPerEntry = (1e6 * (cpuSeconds() - startedCpu)) / entries;
  return { entries, seconds: (performance.now() - startedMs) / 1000, cpuUsPerEntry };
}

export async function ledgerIdOf({ control }: House): Promise<Uint8Array> {
  return decodeHex((await control.get<Status>('/v1/status')).ledgerId);
}

/** Of the state that a daemon has left. */
export function measureQueries(state: string, ledgerId: Uint8Array): QueryFigures {
  const size = Number(parseCheckpoint(readFileSync(join(state, CHECKPOINT_PATH))).size);
  const folder = indexFolderOf(state);
  const { files } = listFolder(folder);
  const published = new PublishedRows(state);
  const onDamage = (_: unknown, reason: string): never => {
    throw new Error(`the index is damaged: ${reason}`);
  };
  const places = new Places({ folder, ledgerId, shape: INDEX_SHAPE, published, onDamage });
  places.use(files);
  const samples = Array.from({ length: QUERIES_OF_A_KIND }, () => drawSample(published, size));
  const times = QUERIES.map(([name, queryOf]) => {
    const tookMs = samples.map((sample) => {
      const question: Question = { ask: 'search', search: { ...ANY, ...queryOf(sample) } };
      const startedMs = performance.now();
      places.ask(question, size);
      return performance.now() - startedMs;
    });
    return { name, ...summaryOf(tookMs) };
  });
  places.close();
  return { entries: size, files: files.length, times };
}

/** An action of the log. */
interface Sample {
  readonly index: number;
  readonly taiNs: bigint;
  readonly agent: number;
  readonly sessionId: Uint8Array;
  readonly trace: Uint8Array;
  readonly tool: string | null;
}

const ANY: Search = {
  agent: null,
  sessionId: null,
  kind: null,
  status: null,
  operation: null,
  tool: null,
  trace: null,
  externalId: null,
  sinceTaiNs: null,
  untilTaiNs: null,
  before: null,
  limit: 50,
};

const QUERIES: readonly (readonly [name: string, query: (of: Sample) => Partial<Search>])[] = [
  [
    'an agent, within a second, 100',
    ({ agent, taiNs }) => ({
      agent,
      sinceTaiNs: taiNs,
      untilTaiNs: taiNs + WINDOW_NS,
      limit: 100,
    }),
  ],
  ['an agent, newest 50', ({ agent }) => ({ agent })],
  ['an agent and a tool, newest 50', ({ agent, tool }) => ({ agent, tool })],
  ['a session, 50 before an entry', ({ sessionId, index: before }) => ({ sessionId, before })],
  ['a trace id', ({ trace }) => ({ trace })],
  ['an external id that nobody has', () => ({ externalId: 'none has it' })],
  ['1,000 before an entry', ({ index: before }) => ({ before, limit: 1000 })],
];

function drawSample(published: PublishedRows, size: number): Sample {
  for (;;) {
    const first = TILE_WIDTH * randomInt(Math.ceil(size / TILE_WIDTH));
    const rows = published.read(first, size);
    if (rows.actions === 0) continue;
    const at = randomInt(rows.actions);
    const session = rows.session[at] ?? 0;
    const { sessions } = published.read(session - (session % TILE_WIDTH), size);
    return {
      index: rows.index[at] ?? 0,
      taiNs: rows.taiNs[at] ?? 0n,
      agent: published.agentOf(session, size),
      sessionId: sessions.find(({ index }) => index === session)?.id ?? new Uint8Array(32),
      trace: rows.traceId.subarray(16 * at, 16 * at + 16),
      tool: rows.terms[(rows.tool[at] ?? 0) - 1] ?? null,
    };
  }
}
