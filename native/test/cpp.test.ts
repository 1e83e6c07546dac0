/**
 * The C++ tests, each case of theirs a test of this run. `npm test` builds them with
 * AddressSanitizer and UndefinedBehaviorSanitizer into native/build/test, one program a source
 * file. A program runs once; its own report decides each case. A program that dies fails all of its
 * cases.
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, parse } from 'node:path';
import { before, describe, it } from 'mocha';

interface CaseResult {
  readonly name: string;
  readonly result: 'COMPLETED' | 'SKIPPED' | 'SUPPRESSED';
  readonly failures?: readonly { readonly failure: string }[];
}
interface Report {
  readonly testsuites: readonly {
    readonly name: string;
    readonly testsuite: readonly CaseResult[];
  }[];
}

const sources = import.meta.dirname;
const programs = join(sources, '..', 'build', 'test');
const programTimeoutMs = 300_000;

describe('C++', () => {
  for (const file of readdirSync(sources).filter((name) => name.endsWith('.cpp'))) {
    const { name } = parse(file);
    const program = join(programs, `test_${name}`);
    if (existsSync(program)) {
      describe(name, () => runCases(program));
    } else if (existsSync('/usr/include/gtest/gtest.h')) {
      it(`${name} is built: run npm run prepare-tests`, () => assert.fail(`${program} is missing`));
    } else {
      it(`${name}: needs the Debian package libgtest-dev`);
    }
  }
});

function runCases(program: string): void {
  let results = new Map<string, CaseResult>();
  let skipReasons = new Map<string, string>();
  let ending = '';

  before(function () {
    this.timeout(programTimeoutMs);
    ({ results, skipReasons, ending } = run(program));
  });

  for (const name of namesOf(program)) {
    it(name, function () {
      const result = results.get(name);
      assert.ok(result, 'the program ended before it reported this case');
      const failures = (result.failures ?? []).map(({ failure }) => failure);
      assert.equal(failures.length, 0, failures.join('\n'));
      if (result.result === 'SKIPPED') {
        this.runnable().title += `: ${skipReasons.get(name) ?? 'no reason given'}`;
        this.skip();
      }
      assert.equal(result.result, 'COMPLETED');
    });
  }
  it('ends without a finding of the sanitizers', () => assert.ok(ending === '', ending));
}

interface ProgramRun {
  readonly results: Map<string, CaseResult>;
  readonly skipReasons: Map<string, string>;
  /** Empty when the program ended as its cases say, else all it printed. */
  readonly ending: string;
}

function run(program: string): ProgramRun {
  const folder = mkdtempSync(join(tmpdir(), 'kudurru-cpp-'));
  try {
    const reportFile = join(folder, 'report.json');
    const { stdout, stderr, status, signal } = spawnSync(
      program,
      [`--gtest_output=json:${reportFile}`],
      { cwd: join(sources, '..', '..'), encoding: 'utf8', timeout: programTimeoutMs },
    );
    const report: Report = existsSync(reportFile)
      ? (JSON.parse(readFileSync(reportFile, 'utf8')) as Report)
      : { testsuites: [] };
    const cases = report.testsuites.flatMap((suite) =>
      suite.testsuite.map((one) => [`${suite.name}.${one.name}`, one] as const),
    );
    const failed = cases.some(([, { failures = [] }]) => failures.length > 0);
    const asReported = cases.length > 0 && (failed ? status === 1 : status === 0);
    return {
      results: new Map(cases),
      skipReasons: skipReasonsIn(stdout),
      ending: asReported ? '' : `${stdout}${stderr}\nended: ${signal ?? status}`,
    };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** The JSON report does not say why a case was skipped; the printed one does. */
function skipReasonsIn(printed: string): Map<string, string> {
  const skipped = printed.matchAll(/: Skipped\n([^[]*)\n\[ {2}SKIPPED \] (\S+)/g);
  return new Map(Array.from(skipped, ([, reason = '', name = '']) => [name, reason.trim()]));
}

/** The list has a line 'Suite.' and under it, indented, its cases, some with a comment. */
function namesOf(program: string): string[] {
  const { stdout } = spawnSync(program, ['--gtest_list_tests'], { encoding: 'utf8' });
  const names: string[] = [];
  let suite = '';
  for (const line of stdout.split('\n')) {
    const word = line.split('#')[0] ?? '';
    if (/^\S+\.\s*$/.test(word)) suite = word.trim();
    if (/^ {2}\S/.test(word)) names.push(suite + word.trim());
  }
  return names;
}
