/** The table of sites × faults × outcomes, as it stands in hwtest/README.md. */
import { FAULTS } from './disk-faults.ts';
import type { CaseResult } from './matrix.ts';

const begin = '<!-- faults: written by `npm run soak -- faults --table hwtest/README.md` -->';
const end = '<!-- faults: end -->';

export function formatTable(results: readonly CaseResult[]): string {
  const bySite = Map.groupBy(results, (result) => result.case.site.name);
  const rows = [...bySite].map(([name, cases]) => {
    const cells = FAULTS.map((fault) => {
      const found = cases.find((result) => result.case.fault === fault);
      return found === undefined ? '' : cellOf(found);
    });
    const [call, fileClass, who] = name.split(' ');
    return [`\`${call}\``, fileClass, `\`${who}\``, ...cells];
  });
  const head = ['call', 'file', 'by', ...FAULTS];
  const lines = [head, head.map(() => '---'), ...rows.toSorted(byFile)];
  return lines.map((cells) => `| ${cells.join(' | ')} |`).join('\n');
}

function byFile(one: readonly unknown[], other: readonly unknown[]): number {
  const key = (row: readonly unknown[]): string => `${String(row[1])} ${String(row[2])}`;
  return key(one) < key(other) ? -1 : 1;
}

function cellOf({ end: how, problems, refusals }: CaseResult): string {
  if (problems.length > 0) return `**${how}: broken**`;
  return refusals.length > 0 && how === 'went on' ? 'put off, went on' : how;
}

/** The names of the sites in the table of a document. */
export function sitesInTable(document: string): string[] {
  const rows = between(document).text.split('\n').slice(2);
  return rows
    .map((row) => row.split('|').map((cell) => cell.trim().replaceAll('`', '')))
    .filter((cells) => cells.length > 4)
    .map(([, call, fileClass, who]) => `${call} ${fileClass} ${who}`);
}

/** The document with this text between the marks of the table. */
export function withTable(document: string, text: string): string {
  const { before, after } = between(document);
  return `${before}${begin}\n\n${text}\n\n${end}${after}`;
}

function between(document: string): { before: string; text: string; after: string } {
  const [before, rest = ''] = document.split(begin);
  const [text = '', after] = rest.split(end);
  if (before === undefined || after === undefined) throw new Error('no table of faults in here');
  return { before, text: text.trim(), after };
}
