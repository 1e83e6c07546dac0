/** The growth of one ledger as an SVG: a panel a figure, entries on a logarithmic axis. */
import type { GrowthPoint } from './growth.ts';

interface Panel {
  readonly title: string;
  readonly of: (point: GrowthPoint) => number;
}

const panels: readonly Panel[] = [
  { title: 'processor time of the daemon, µs an action', of: (point) => point.cpuUsPerAction },
  { title: 'memory of the daemon, MiB', of: (point) => point.residentMib },
  { title: 'one evidence bundle, ms', of: (point) => point.bundleMs },
  { title: 'disk, bytes an entry', of: (point) => point.diskBytesPerEntry },
];

const width = 640;
const panelHeight = 150;
const left = 60;
const right = 20;
const top = 28;
const bottom = 26;

/** Every panel begins at 0, so that a curve which looks flat is flat. */
export function growthPlot(points: readonly GrowthPoint[]): string {
  const height = panels.length * panelHeight;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" ` +
      'font-family="sans-serif" font-size="11" fill="#333">',
    `<rect width="${width}" height="${height}" fill="#fff"/>`,
    ...panels.flatMap((panel, number) => panelLines(panel, number * panelHeight, points)),
    '</svg>\n',
  ].join('\n');
}

function panelLines({ title, of }: Panel, y: number, points: readonly GrowthPoint[]): string[] {
  const most = niceCeiling(Math.max(...points.map(of)));
  const floor = y + panelHeight - bottom;
  const place = (point: GrowthPoint): string =>
    `${across(point.entries, points).toFixed(1)},` +
    (floor - (of(point) / most) * (panelHeight - top - bottom)).toFixed(1);
  return [
    `<text x="${left}" y="${y + 18}" font-weight="bold">${title}</text>`,
    ...[0, 0.5, 1].flatMap((share) => {
      const at = floor - share * (panelHeight - top - bottom);
      return [
        `<line x1="${left}" x2="${width - right}" y1="${at}" y2="${at}" stroke="#ddd"/>`,
        `<text x="${left - 6}" y="${at + 4}" text-anchor="end">${share * most}</text>`,
      ];
    }),
    ...points.map(
      ({ entries }) =>
        `<text x="${across(entries, points).toFixed(1)}" y="${floor + 15}" ` +
        `text-anchor="middle">${entriesText(entries)}</text>`,
    ),
    `<polyline fill="none" stroke="#0b5" stroke-width="2" ` +
      `points="${points.map(place).join(' ')}"/>`,
    ...points.map((point) => {
      const [x, at] = place(point).split(',');
      return `<circle cx="${x}" cy="${at}" r="3" fill="#0b5"/>`;
    }),
  ];
}

function across(entries: number, points: readonly GrowthPoint[]): number {
  const from = Math.log10(points[0]?.entries ?? 1);
  const to = Math.log10(points.at(-1)?.entries ?? 10);
  const share = to === from ? 0 : (Math.log10(entries) - from) / (to - from);
  return left + 20 + share * (width - left - right - 40);
}

/** 1, 2 or 5 times a power of ten. */
function niceCeiling(value: number): number {
  const power = 10 ** Math.floor(Math.log10(Math.max(value, 1e-9)));
  return ([1, 2, 5].find((step) => step * power >= value) ?? 10) * power;
}

function entriesText(entries: number): string {
  if (entries >= 1e6) return `${Number((entries / 1e6).toPrecision(2))} M`;
  return `${Number((entries / 1e3).toPrecision(2))} k`;
}
