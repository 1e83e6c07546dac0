/** The tables of hwtest/README.md: sites × faults × outcomes, the syncs that are left out. */
import type { Deletion } from './deletions.ts';
import { FAULTS } from './disk-faults.ts';
import type { CaseResult } from './matrix.ts';

export type TableName = 'faults' | 'syncs' | 'anchor-steps' | 'provision-steps' | 'drills';

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
  return tableOf(head, rows.toSorted(byFile));
}

export function formatSyncs(deletions: readonly Deletion[]): string {
  const rows = deletions.map(({ site: { name }, attempts, found }) => {
    const [call, fileClass, who] = name.split(' ');
    return [`\`${call}\``, fileClass, `\`${who}\``, String(attempts), shortened(found)];
  });
  const head = ['call', 'file', 'by', 'runs', 'what did not hold'];
  return tableOf(head, rows.toSorted(byFile));
}

/** The error's code where it has one. */
function shortened(found: string | null): string {
  if (found === null) return '';
  const code = /"code":"([a-z-]+)"/u.exec(found)?.[1];
  const where = /^[a-z ]+(?=:)/u.exec(found)?.[0] ?? '';
  return code === undefined
    ? found.replaceAll(/[|\s]+/gu, ' ').slice(0, 90)
    : `${where}: \`${code}\``;
}

export function tableOf(head: readonly string[], rows: readonly (readonly unknown[])[]): string {
  const lines = [head, head.map(() => '---'), ...rows];
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
export function sitesInTable(document: string, table: TableName): string[] {
  return rowsOf(document, table).map(nameOf);
}

/** Of the table of syncs: those without which something did not hold. */
export function neededSyncs(document: string): string[] {
  const needed = rowsOf(document, 'syncs').filter((cells) => cells.at(-2) !== '');
  return needed.map(nameOf);
}

function nameOf([, call, fileClass, who]: readonly string[]): string {
  return `${call} ${fileClass} ${who}`;
}

/** The cells of each row, with the empty ones outside its first and last bar. */
function rowsOf(document: string, table: TableName): string[][] {
  const rows = between(document, table).text.split('\n').slice(2);
  return rows.map((row) => row.split('|').map((cell) => cell.trim().replaceAll('`', '')));
}

/** What stands between the marks of the table. */
export function tableText(document: string, table: TableName): string {
  return between(document, table).text;
}

/** The document with this text between the marks of the table. */
export function withTable(document: string, table: TableName, text: string): string {
  const { begin, end, before, after } = between(document, table);
  return `${before}${begin}\n\n${text}\n\n${end}${after}`;
}

interface Parts {
  readonly begin: string;
  readonly end: string;
  readonly before: string;
  readonly text: string;
  readonly after: string;
}

function between(document: string, table: TableName): Parts {
  const run = table === 'drills' ? 'drill -- all' : `soak -- ${table}`;
  const command = `npm run ${run} --table hwtest/README.md`;
  const begin = `<!-- ${table}: written by \`${command}\` -->`;
  const end = `<!-- ${table}: end -->`;
  const [before, rest = ''] = document.split(begin);
  const [text = '', after] = rest.split(end);
  if (before === undefined || after === undefined) throw new Error(`no table "${table}" in here`);
  return { begin, end, before, text: text.trim(), after };
}
