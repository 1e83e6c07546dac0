/** Runs contract suites with mocha and collects what became of each test. */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import Mocha from 'mocha';

import { pendingReason, type SuiteFacts, suiteFacts } from '../contract/suite.ts';

export interface TestNote {
  readonly title: string;
  readonly reason: string;
}

export interface SuiteReport extends SuiteFacts {
  readonly passed: number;
  readonly failed: number;
  readonly pending: number;
  readonly durationMs: number;
  readonly failures: readonly TestNote[];
  readonly pendings: readonly TestNote[];
}

interface Collected {
  passed: number;
  durationMs: number;
  readonly failures: TestNote[];
  readonly pendings: TestNote[];
}

const { EVENT_TEST_FAIL, EVENT_TEST_PASS, EVENT_TEST_PENDING } = Mocha.Runner.constants;

const folders = ['../contract', '../devices'].map((folder) =>
  fileURLToPath(new URL(folder, import.meta.url)),
);

/** Every suite of a contract, in the order of the files; other suites are not run. */
export async function collect(
  isWanted: (facts: SuiteFacts) => boolean,
  onTest: (line: string) => void,
): Promise<SuiteReport[]> {
  // The base of all reporters says nothing: the report is written by whoever asked for it.
  const mocha = new Mocha({ ui: 'bdd', reporter: Mocha.reporters.Base });
  for (const folder of folders) {
    for (const name of readdirSync(folder).filter((file) => file.endsWith('.test.ts'))) {
      mocha.addFile(join(folder, name));
    }
  }
  await mocha.loadFilesAsync();
  const suites = new Map<Mocha.Suite, Collected>();
  mocha.suite.suites = mocha.suite.suites.filter((suite) => {
    const facts = suiteFacts(suite);
    return facts !== undefined && isWanted(facts);
  });
  for (const suite of mocha.suite.suites) {
    suites.set(suite, { passed: 0, durationMs: 0, failures: [], pendings: [] });
  }
  await run(mocha, suites, onTest);
  return Array.from(suites, ([suite, found]) => reportOf(suite, found));
}

function run(
  mocha: Mocha,
  suites: ReadonlyMap<Mocha.Suite, Collected>,
  onTest: (line: string) => void,
): Promise<void> {
  return new Promise((resolve) => {
    const runner = mocha.run(() => resolve());
    runner.on(EVENT_TEST_PASS, (test) => {
      const found = collectedOf(suites, test);
      found.passed += 1;
      found.durationMs += test.duration ?? 0;
      onTest(`passed   ${test.fullTitle()}`);
    });
    runner.on(EVENT_TEST_PENDING, (test) => {
      const reason = pendingReason(test) ?? 'not said';
      collectedOf(suites, test).pendings.push({ title: test.title, reason });
      onTest(`pending  ${test.fullTitle()}`);
    });
    // A hook that fails takes its suite's tests with it: it counts as a failure of its own.
    runner.on(EVENT_TEST_FAIL, (test, error: unknown) => {
      const reason = error instanceof Error ? error.message : String(error);
      collectedOf(suites, test).failures.push({ title: test.title, reason });
      onTest(`FAILED   ${test.fullTitle()}\n         ${reason.replaceAll('\n', '\n         ')}`);
    });
  });
}

function collectedOf(
  suites: ReadonlyMap<Mocha.Suite, Collected>,
  { parent, title }: Mocha.Runnable,
): Collected {
  for (let suite = parent; suite !== undefined; suite = suite.parent) {
    const found = suites.get(suite);
    if (found !== undefined) return found;
  }
  throw new Error(`'${title}' is in no suite of a contract`);
}

function reportOf(suite: Mocha.Suite, found: Collected): SuiteReport {
  const facts = suiteFacts(suite);
  if (facts === undefined) throw new Error(`'${suite.title}' is no suite of a contract`);
  const { passed, durationMs, failures, pendings } = found;
  return {
    ...facts,
    passed,
    failed: failures.length,
    pending: pendings.length,
    durationMs,
    failures,
    pendings,
  };
}
