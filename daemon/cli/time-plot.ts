/**
 * Levels as bands and both windows over time, as one SVG file that needs nothing else, readable on
 * light and dark. Its size is bounded by its columns, whatever the log holds.
 */
import { formatTai, TIME_LEVELS, utcOfTai, type TimeLevel } from '@kudurru/proof';

import { columnsOf, type PlotColumn, type PlotSpan } from './plot-columns.ts';
import type { TimeHistoryRow } from './time-answer.ts';

const WIDTH = 960;
const HEIGHT = 420;
const LEFT = 72;
const RIGHT = 132;
const TOP = 64;
const BOTTOM = 40;
const STRIP_HEIGHT = 14;
const COLUMN_WIDTH = 2;
const COLUMNS = (WIDTH - LEFT - RIGHT) / COLUMN_WIDTH;
/** A label wants so much room. */
const LABEL_WIDTH = 68;
const TICKS_MAX = 7;
const FLAT = HEIGHT - BOTTOM;
const NS_PER_SECOND = 1_000_000_000n;

const COLOURS: Readonly<Record<TimeLevel, string>> = {
  ATTESTED: '#0b7a75',
  LOCKED: '#3d9a50',
  HOLDOVER: '#d6a21a',
  DEGRADED: '#d2691e',
  DISPUTED: '#b0309a',
  UNKNOWN: '#868e99',
};

const STEPS_S = [
  ...[1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800],
  ...[3600, 7200, 10_800, 21_600, 43_200, 86_400, 172_800, 604_800, 1_209_600, 2_592_000],
  ...[7_776_000, 31_536_000],
];
const DAY_S = 86_400;
const MINUTE_S = 60;

const STYLE = `
text{font:12px system-ui,sans-serif;fill:#30363d}
.title{font-size:15px;font-weight:600}
.faint{fill:#68717c}
.paper{fill:#fff}
.grid{stroke:#d9dee4;stroke-width:1}
.line{fill:none;stroke-linejoin:round}
.adversarial{stroke:#b3261e;stroke-width:2}
.statistical{stroke:#1f5fbf;stroke-width:1.5}
.name-adversarial{fill:#b3261e}
.name-statistical{fill:#1f5fbf}
@media (prefers-color-scheme:dark){
text{fill:#e3e7ec}
.faint{fill:#98a2ae}
.paper{fill:#14181d}
.grid{stroke:#2d343c}
.adversarial{stroke:#ff8a80}
.statistical{stroke:#8ab8ff}
.name-adversarial{fill:#ff8a80}
.name-statistical{fill:#8ab8ff}
}`;

/** @param rows oldest first, at least one */
export function timePlot(rows: readonly TimeHistoryRow[]): string {
  const span = spanOf(rows);
  const columns = columnsOf(rows, { span, count: COLUMNS });
  const scale = scaleOf(columns);
  const from = formatTai(span.fromTaiNs).slice(0, 19).replace('T', ' ');
  const to = formatTai(span.toTaiNs).slice(0, 19).replace('T', ' ');
  const about = `Level and windows of time, ${from} to ${to} UTC`;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img">`,
    `<title>${about}</title>`,
    `<style>${STYLE}\n</style>`,
    `<rect class="paper" width="${WIDTH}" height="${HEIGHT}"/>`,
    text(LEFT, 24, { content: about, className: 'title' }),
    text(LEFT, 44, { content: 'Half widths, and the level of time', className: 'faint' }),
    ...legend(columns),
    ...bands(columns),
    ...decadeLines(scale),
    ...ticks(span),
    line(
      'adversarial',
      columns.map(({ adversarialNs }) => adversarialNs),
      scale,
    ),
    line(
      'statistical',
      columns.map(({ statisticalNs }) => statisticalNs),
      scale,
    ),
    ...names(columns, scale),
    '</svg>\n',
  ].join('\n');
}

/** A moment is drawn as a second. */
function spanOf(rows: readonly TimeHistoryRow[]): PlotSpan {
  const fromTaiNs = BigInt(rows[0]?.taiNs ?? 0);
  const lastTaiNs = BigInt(rows.at(-1)?.taiNs ?? 0);
  const isMoment = lastTaiNs - fromTaiNs < NS_PER_SECOND;
  return { fromTaiNs, toTaiNs: isMoment ? fromTaiNs + NS_PER_SECOND : lastTaiNs };
}

/** Decades of nanoseconds, from the bottom to the top. */
interface Scale {
  readonly least: number;
  readonly largest: number;
}

function scaleOf(columns: readonly PlotColumn[]): Scale {
  const decades = columns
    .flatMap(({ statisticalNs, adversarialNs }) => [statisticalNs, adversarialNs])
    .filter((ns) => ns !== null)
    .map((ns) => decadeOf(ns));
  const least = Math.floor(Math.min(...decades, 9));
  const largest = Math.ceil(Math.max(...decades, 0));
  if (decades.length === 0) return { least: 3, largest: 9 };
  return { least, largest: Math.max(largest, least + 1) };
}

function decadeOf(ns: bigint): number {
  return ns < 1n ? 0 : Math.log10(Number(ns));
}

function heightOf(ns: bigint, { least, largest }: Scale): number {
  return FLAT - ((decadeOf(ns) - least) / (largest - least)) * (FLAT - TOP - STRIP_HEIGHT);
}

function xOf(column: number): number {
  return LEFT + column * COLUMN_WIDTH;
}

const LEGEND_LEFT = 300;
const LEGEND_STEP = 96;

/** The levels that occur, best first. */
function legend(columns: readonly PlotColumn[]): string[] {
  const found = TIME_LEVELS.filter((known) => columns.some(({ level }) => level === known));
  return found.toReversed().flatMap((level, place) => {
    const x = LEGEND_LEFT + place * LEGEND_STEP;
    return [
      `<rect x="${x}" y="34" width="10" height="10" rx="2" fill="${COLOURS[level]}"/>`,
      text(x + 16, 43, { content: level, className: 'faint' }),
    ];
  });
}

function bands(columns: readonly PlotColumn[]): string[] {
  const drawn: string[] = [];
  for (let start = 0, end = 0; start < columns.length; start = end) {
    const level = columns[start]?.level ?? 'UNKNOWN';
    while (end < columns.length && columns[end]?.level === level) end += 1;
    const x = xOf(start);
    const width = xOf(end) - x;
    const fill = COLOURS[level];
    const strip = `x="${x}" y="${TOP}" width="${width}" height="${STRIP_HEIGHT}" fill="${fill}"`;
    const below = `x="${x}" y="${TOP}" width="${width}" height="${FLAT - TOP}" fill="${fill}"`;
    drawn.push(`<rect ${strip}><title>${level}</title></rect>`);
    drawn.push(`<rect ${below} fill-opacity=".12"/>`);
    if (width < LABEL_WIDTH) continue;
    const style = 'font-size:10px;font-weight:600;fill:#fff';
    drawn.push(`<text x="${x + 5}" y="${TOP + 11}" style="${style}">${level}</text>`);
  }
  return drawn;
}

function decadeLines(scale: Scale): string[] {
  const drawn: string[] = [];
  for (let decade = scale.least; decade <= scale.largest; decade++) {
    const y = rounded(heightOf(10n ** BigInt(decade), scale));
    drawn.push(`<path class="grid" d="M${LEFT} ${y}H${xOf(COLUMNS)}"/>`);
    drawn.push(text(LEFT - 8, y + 4, { content: decadeName(decade), anchor: 'end' }));
  }
  return drawn;
}

function decadeName(decade: number): string {
  const units = ['ns', 'µs', 'ms', 's'];
  const unit = Math.min(Math.floor(decade / 3), units.length - 1);
  return `${10 ** (decade - 3 * unit)} ${units[unit] ?? ''}`;
}

/** At whole times of UTC. */
function ticks({ fromTaiNs, toTaiNs }: PlotSpan): string[] {
  const fromS = Number(utcOfTai(fromTaiNs).utcNs / 1000n) / 1e6;
  const sizeS = Number((toTaiNs - fromTaiNs) / 1000n) / 1e6;
  const longest = STEPS_S.at(-1) ?? 1;
  const stepS =
    STEPS_S.find((step) => sizeS / step <= TICKS_MAX) ??
    longest * Math.ceil(sizeS / longest / TICKS_MAX);
  const drawn: string[] = [];
  for (let atS = Math.ceil(fromS / stepS) * stepS; atS <= fromS + sizeS; atS += stepS) {
    const x = rounded(LEFT + ((atS - fromS) / sizeS) * COLUMNS * COLUMN_WIDTH);
    drawn.push(`<path class="grid" d="M${x} ${FLAT}v5"/>`);
    drawn.push(text(x, FLAT + 20, { content: tickName(atS, stepS), anchor: 'middle' }));
  }
  return drawn;
}

function tickName(atS: number, stepS: number): string {
  const utc = new Date(atS * 1000).toISOString();
  if (stepS >= DAY_S) return utc.slice(0, 10);
  return stepS >= MINUTE_S ? utc.slice(11, 16) : utc.slice(11, 19);
}

/** Broken where the window is not known. */
function line(name: string, values: readonly (bigint | null)[], scale: Scale): string {
  let isDrawing = false;
  const steps = values.map((ns, column) => {
    const wasDrawing = isDrawing;
    isDrawing = ns !== null;
    if (ns === null) return '';
    const place = `${xOf(column) + 1} ${rounded(heightOf(ns, scale))}`;
    return wasDrawing ? `L${place}` : `M${place}h1`;
  });
  return `<path class="line ${name}" d="${steps.join('')}"/>`;
}

const NAME_APART = 15;

/** Beside the ends of the lines, apart from each other. */
function names(columns: readonly PlotColumn[], scale: Scale): string[] {
  const last = columns.findLast(({ statisticalNs }) => statisticalNs !== null);
  if (last === undefined) return [];
  const place = (ns: bigint | null): number => (ns === null ? TOP : heightOf(ns, scale));
  const statistical = place(last.statisticalNs);
  const adversarial = Math.min(place(last.adversarialNs), statistical - NAME_APART);
  const x = xOf(COLUMNS) + 8;
  return [
    text(x, adversarial + 4, { content: 'adversarial', className: 'name-adversarial' }),
    text(x, statistical + 4, { content: 'statistical', className: 'name-statistical' }),
  ];
}

function text(
  x: number,
  y: number,
  what: { readonly content: string; readonly className?: string; readonly anchor?: string },
): string {
  const { content, className, anchor } = what;
  const classText = className === undefined ? '' : ` class="${className}"`;
  const anchorText = anchor === undefined ? '' : ` text-anchor="${anchor}"`;
  return `<text x="${x}" y="${rounded(y)}"${classText}${anchorText}>${content}</text>`;
}

function rounded(value: number): number {
  return Math.round(value * 10) / 10;
}
