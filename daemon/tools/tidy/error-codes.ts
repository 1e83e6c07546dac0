/**
 * The table of error codes against the code: sorted, each row with a comment that says where it
 * comes from, each code thrown somewhere, no code thrown that is not in the table.
 */
import { lineAt, typeScript, type Finding, type Rule, type Source } from './source.ts';

const tablePath = 'daemon/src/base/errors.ts';
const row = /(\*\/\n)?^ {2}'?([a-z0-9-]+)'?: \{$/gm;
/** The emulators in hwtest are started by the product, and throw its codes. */
const testFile = /\.test\.ts$|(?:^|\/)test\//;
const thrown = /\b(?:new KudurruError|wrapError)\(\s*'([^']+)'/g;

interface Row {
  readonly code: string;
  readonly line: number;
  readonly documented: boolean;
}

export const errorCodes: Rule = (sources) => {
  const table = sources.find(({ path }) => path === tablePath);
  if (table === undefined) return [];
  const rows = rowsOf(table);
  const known = new Set(rows.map(({ code }) => code));
  const users = sources.filter(
    ({ path }) => typeScript.test(path) && path !== tablePath && !testFile.test(path),
  );
  const unknown = users.flatMap((source) => unknownCodes(source, known));
  return [...rows.flatMap((one, index) => faultsOf(one, rows[index - 1], users)), ...unknown];
};

function rowsOf({ text }: Source): Row[] {
  const begin = text.indexOf('ERROR_CODES');
  const end = text.indexOf('\n}', begin);
  return Array.from(text.slice(begin, end).matchAll(row), (match) => ({
    code: match[2] ?? '',
    line: lineAt(text, begin + match.index + (match[1]?.length ?? 0)),
    documented: match[1] !== undefined,
  }));
}

function faultsOf(
  { code, line, documented }: Row,
  previous: Row | undefined,
  users: readonly Source[],
): Finding[] {
  const faults: [string, string][] = [];
  if (!documented) faults.push(['has no comment', 'say where it comes from and what to do']);
  if (previous !== undefined && previous.code >= code) {
    faults.push([`comes after '${previous.code}'`, 'keep the rows sorted']);
  }
  if (!users.some(({ text }) => text.includes(`'${code}'`))) {
    faults.push(['is thrown by nothing', 'remove it']);
  }
  return faults.map(([problem, instead]) => {
    return { path: tablePath, line, problem: `code '${code}' ${problem}`, instead };
  });
}

function unknownCodes({ path, text }: Source, known: ReadonlySet<string>): Finding[] {
  return Array.from(text.matchAll(thrown))
    .filter(([, code = '']) => !known.has(code))
    .map(({ 1: code, index }) => ({
      path,
      line: lineAt(text, index),
      problem: `code '${code}' is not in the table`,
      instead: `add it to ${tablePath}`,
    }));
}
