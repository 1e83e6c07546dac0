/**
 * How large things may be. The length and the parameters of TypeScript functions are oxlint's part
 * (max-lines-per-function, max-params), which sees the syntax tree.
 */
import { scan } from './scan.ts';
import { code, cpp, perSource, type Finding, type Rule, type Source } from './source.ts';

const fileLines: readonly (readonly [RegExp, number])[] = [
  [/\.(?:ts|mjs)$/, 400],
  [/^native\/(?:test|fuzz|bench)\/.*\.h$/, 500],
  [/\.c(?:pp)?$/, 500],
  [/\.h$/, 150],
];
const functionLinesMax = 60;
export const lineCharactersMax = 100;
const interfaceLinesMax = 60;
const interfaceMethodsMax = 5;

export const fileSizes: Rule = perSource(code, ({ path, text }) => {
  const limit = fileLines.find(([name]) => name.test(path))?.[1] ?? Infinity;
  const count = linesOf(text).length;
  if (count <= limit) return [];
  const problem = `has ${count} lines, ${limit} are allowed`;
  return [{ path, line: limit + 1, problem, instead: 'split it where its purpose splits' }];
});

export const lineLengths: Rule = perSource(code, ({ path, text }) =>
  linesOf(text).flatMap((content, index): Finding[] => {
    // A link cannot be broken.
    if (content.length <= lineCharactersMax || /https?:\/\/\S{60,}/.test(content)) return [];
    const problem = `has ${content.length} characters, ${lineCharactersMax} are allowed`;
    return [{ path, line: index + 1, problem, instead: 'break it (npm run format)' }];
  }),
);

/**
 * In formatted C++ what begins in the first column ends with a line that begins with a brace, or
 * with a semicolon when no brace was opened. It is a function when a parenthesis precedes the first
 * brace. Functions inside a class share the limit of its file.
 */
export const cppFunctionSizes: Rule = perSource(cpp, (source) => {
  const lines = linesOf(scan(source.path, source.text).code);
  const findings: Finding[] = [];
  let begin: number | undefined;
  for (const [index, line] of lines.entries()) {
    if (begin === undefined && beginsSomething.test(line)) begin = index;
    if (begin === undefined) continue;
    const heading = headingOf(lines.slice(begin, index + 1));
    const ends = heading === undefined ? line.trimEnd().endsWith(';') : /^}|}[;)]*$/.test(line);
    if (!ends || (line.startsWith(' ') && heading !== undefined)) continue;
    if (heading?.includes('(') === true) findings.push(...longFunction(source, begin, index));
    begin = undefined;
  }
  return findings;
});

const beginsSomething = /^(?!namespace\b|extern\b|public:|private:|protected:)[\w~:[]/;

/** What stands before the first brace; undefined while there is none. */
function headingOf(lines: readonly string[]): string | undefined {
  const text = lines.join('\n');
  return text.includes('{') ? text.slice(0, text.indexOf('{')) : undefined;
}

function longFunction({ path }: Source, begin: number, end: number): Finding[] {
  const count = end - begin + 1;
  if (count <= functionLinesMax) return [];
  const problem = `function of ${count} lines, ${functionLinesMax} are allowed`;
  return [{ path, line: begin + 1, problem, instead: 'give its steps names of their own' }];
}

/** An interface to hardware stays one that a second backend can be written for. */
export const hardwareInterfaces: Rule = perSource(
  /^daemon\/src\/hardware\/[^/]+\.ts$/,
  ({ path, text }) => {
    const findings: Finding[] = [];
    const count = linesOf(text).length;
    if (count > interfaceLinesMax) {
      findings.push({
        path,
        line: interfaceLinesMax + 1,
        problem: `interface file of ${count} lines, ${interfaceLinesMax} are allowed`,
        instead: 'ask for what the ledger needs, not for what the chip offers',
      });
    }
    const methods = scan(path, text).code.match(/^ {2}\w+(?:<.*>)?\(/gm) ?? [];
    if (methods.length > interfaceMethodsMax) {
      findings.push({
        path,
        line: 1,
        problem: `interface of ${methods.length} methods, ${interfaceMethodsMax} are allowed`,
        instead: 'hand values over in one call, or make two interfaces',
      });
    }
    return findings;
  },
);

function linesOf(text: string): string[] {
  return (text.endsWith('\n') ? text.slice(0, -1) : text).split('\n');
}
