/** The table of drills in hwtest/README.md: what each has come to when it was last run. */
import { tableOf, tableText, withTable } from '../faults/table.ts';
import type { DrillResult } from './drill.ts';
import { DRILLS } from './drills.ts';

const head = [
  'drill',
  'what happens',
  'levels',
  'worst error',
  'when LOCKED',
  'truth in the window',
];
const nsPerUs = 1000n;

/** The document with rows of these; those of other drills stay as they are. */
export function withDrills(document: string, results: readonly DrillResult[]): string {
  const standing = new Map(
    tableText(document, 'drills')
      .split('\n')
      .slice(2)
      .map((line) => line.split('|').slice(1, -1))
      .map((cells) => [nameOf(cells), cells.map((cell) => cell.trim())] as const),
  );
  for (const result of results) standing.set(result.name, rowOf(result));
  const rows = DRILLS.flatMap(({ name }) => {
    const row = standing.get(name);
    return row === undefined ? [] : [row];
  });
  return withTable(document, 'drills', tableOf(head, rows));
}

function nameOf([name = '']: readonly string[]): string {
  return name.replaceAll('`', '').trim();
}

function rowOf(result: DrillResult): string[] {
  const { name, levels, takesAway, wasOutsideWhenLocked, findings } = result;
  const about = DRILLS.find((drill) => drill.name === name)?.about ?? '';
  const outside = takesAway === null ? '**no**' : 'no, by what it takes away';
  const held = wasOutsideWhenLocked ? outside : 'always';
  const hasLocked = levels.some((level) => level === 'LOCKED' || level === 'ATTESTED');
  return [
    `\`${name}\``,
    about.replace(/\.$/u, ''),
    levels.join(', '),
    microseconds(result.worstTrueErrorNs),
    hasLocked ? microseconds(result.worstTrueErrorWhenLockedNs) : '',
    findings.length === 0 ? held : `**${findings.join('; ')}**`,
  ];
}

function microseconds(ns: string): string {
  return `${BigInt(ns) / nsPerUs} us`;
}
