/** `kudurru time history`: what the log says of its own time, as a table, CSV or a plot. */
import { TIME_LEVELS } from '@kudurru/proof';

import { PLACE_OPTIONS, type Command, type Invocation } from '../command.ts';
import { ControlClient } from '../control-client.ts';
import { csv } from '../csv.ts';
import { EXIT, wrongUse } from '../exit-code.ts';
import { writeResult } from '../files.ts';
import { halfWidth } from '../quantities.ts';
import type { TimeHistoryAnswer, TimeHistoryRow } from '../time-answer.ts';
import { timePlot } from '../time-plot.ts';

const lastDefault = 20;
/** Of one answer, and of all of them. */
const pageRowsMax = 1000;
const rowsMax = 10_000;

const HEADINGS = ['UTC', 'INDEX', 'CAUSE', 'LEVEL', 'STATISTICAL', 'ADVERSARIAL', 'SOURCES'];
const CSV_HEADINGS = [
  ...['utc', 'tai_ns', 'index', 'kind', 'cause', 'level', 'statistical_ns', 'adversarial_ns'],
  ...['groups', 'liars', 'sources'],
];

export const timeHistory: Command = {
  words: ['time', 'history'],
  summary: 'show how good time was: evidence, levels and windows from the log',
  synopsis: ['[--last N] [--from TIME] [--to TIME] [--level LEVEL] [--csv | --svg FILE | --json]'],
  description: [
    'Prints the time evidence that the log holds, oldest first: when it was recorded, the entry, ' +
      'why it was made, the level and both windows (half widths) when it was taken, and what was ' +
      'found of each source. Evidence of an anchor is bracketed by the TPM. Without --last, the ' +
      `last ${lastDefault}, or with --from or --to all of that time; at most ${rowsMax}.`,
    '--csv prints RFC 4180, windows in nanoseconds and empty where they are not known. --svg ' +
      'draws levels as bands, and both windows over time as they grow until newer evidence comes.',
    '--json prints one object: rows, oldest first, each the object of GET /v1/time/history, and ' +
      'isCut, whether there may be older ones. Of a row: index, kind, taiNs, utc, cause, level, ' +
      'statisticalNs, adversarialNs (null is not known), later: growth and when the level sinks, ' +
      'groups, liars, profileIndex, sources with id, state, problems, latched.',
  ],
  options: [
    { name: 'last', value: 'N', meaning: 'the newest N only' },
    { name: 'from', value: 'TIME', meaning: 'not before this time, UTC: 2026-01-31T12:00:00Z' },
    { name: 'to', value: 'TIME', meaning: 'before this time' },
    { name: 'level', value: 'LEVEL', meaning: `of this level only: ${TIME_LEVELS.join(', ')}` },
    { name: 'csv', meaning: 'print it as comma-separated values' },
    { name: 'svg', value: 'FILE', meaning: 'draw it to FILE' },
    ...PLACE_OPTIONS,
  ],
  exits: [[EXIT.foundBad, 'there is none, or the daemon refused']],
  examples: [
    ['When time was in dispute', 'kudurru time history --level DISPUTED --last 100'],
    ['A day, drawn', 'kudurru time history --from 2026-11-21 --to 2026-11-22 --svg day.svg'],
  ],
  async run(invocation) {
    invocation.take();
    const asked = askedOf(invocation);
    const client = new ControlClient(invocation.locations().controlSocket);
    const { rows, isCut } = await allOf(client, asked);
    const { terminal } = invocation;
    if (invocation.isJson) terminal.printJson({ rows, isCut });
    else if (invocation.flag('csv')) terminal.write(csv(CSV_HEADINGS, rows.map(recordOf)));
    else if (rows.length === 0) terminal.say('no time evidence found');
    else if (asked.svg === undefined) terminal.printTable(HEADINGS, rows.map(cellsOf));
    else {
      const drawn = new TextEncoder().encode(timePlot(rows));
      writeResult(terminal, drawn, { file: asked.svg, isText: true });
      terminal.say(`${rows.length} pieces of time evidence drawn to "${asked.svg}"`);
    }
    // Whoever asks for the last few knows that there are others.
    if (isCut && asked.last === undefined && !invocation.isJson) {
      terminal.say(`these are the newest ${rows.length}; there may be older ones`);
    }
    return rows.length === 0 ? EXIT.foundBad : EXIT.good;
  },
};

interface Asked {
  readonly last: number | undefined;
  readonly rowsMax: number;
  readonly svg: string | undefined;
  readonly conditions: Readonly<Record<string, string | undefined>>;
}

function askedOf(invocation: Invocation): Asked {
  const svg = invocation.text('svg');
  const forms = [invocation.isJson, invocation.flag('csv'), svg !== undefined];
  if (forms.filter(Boolean).length > 1)
    throw wrongUse('--csv, --svg and --json exclude each other');
  const level = invocation.text('level');
  if (level !== undefined && !TIME_LEVELS.some((known) => known === level)) {
    throw wrongUse(`--level is "${level}"`, `there are ${TIME_LEVELS.join(', ')}`);
  }
  const last = invocation.integer('last');
  if (last !== undefined && (last < 1 || last > rowsMax)) {
    throw wrongUse(`--last is 1 to ${rowsMax}`);
  }
  const since = timeIn(invocation, 'from');
  const until = timeIn(invocation, 'to');
  const isOpen = since === undefined && until === undefined && svg === undefined;
  return {
    last: last ?? (isOpen ? lastDefault : undefined),
    rowsMax: last ?? (isOpen ? lastDefault : rowsMax),
    svg,
    conditions: { since, until, level },
  };
}

const TIME_FORM = /^\d{4}-\d\d-\d\d(?:T\d\d:\d\d(?::\d\d(?:\.\d{1,3})?)?Z)?$/u;

/** The daemon says of what is of this form whether there is such a time. */
function timeIn(invocation: Invocation, name: string): string | undefined {
  const value = invocation.text(name);
  if (value === undefined || TIME_FORM.test(value)) return value;
  throw wrongUse(
    `--${name} is "${value}", no time`,
    'UTC, such as 2026-01-31T12:00:00Z, or 2026-01-31',
  );
}

/** Page by page, oldest first. */
async function allOf(
  client: ControlClient,
  { conditions, rowsMax: max }: Asked,
): Promise<{ readonly rows: readonly TimeHistoryRow[]; readonly isCut: boolean }> {
  const rows: TimeHistoryRow[] = [];
  let before: number | undefined;
  for (;;) {
    const limit = Math.min(pageRowsMax, max - rows.length);
    const page = await client.get<TimeHistoryAnswer>('/v1/time/history', {
      ...conditions,
      ...{ before, limit },
    });
    rows.push(...page.rows);
    const isDone = page.next === null || rows.length >= max;
    if (isDone) return { rows: rows.toReversed(), isCut: page.next !== null };
    before = page.next;
  }
}

function cellsOf({ utc, index, level, ...row }: TimeHistoryRow): string[] {
  return [
    // To the millisecond: --csv and --json have the rest.
    utc.replace(/(\.\d{3})\d*Z$/u, '$1Z'),
    String(index),
    // An anchor's evidence of version 1 does not say so itself.
    row.cause ?? (row.kind === 'time-evidence' ? '' : 'anchor'),
    level,
    halfWidth(row.statisticalNs),
    halfWidth(row.adversarialNs),
    row.later === null ? 'system clock' : row.sources.map(verdictText).join(', '),
  ];
}

function verdictText({ id, state, problems }: TimeHistoryRow['sources'][number]): string {
  return problems.length === 0 ? `${id} ${state}` : `${id} ${state} (${problems.join(', ')})`;
}

function recordOf(row: TimeHistoryRow): string[] {
  const { utc, taiNs, index, kind, cause, level, statisticalNs, adversarialNs } = row;
  return [
    ...[utc, taiNs, String(index), kind, cause ?? '', level],
    ...[statisticalNs ?? '', adversarialNs ?? '', String(row.groups), String(row.liars)],
    row.sources.map(verdictText).join('; '),
  ];
}
