/**
 * Prints each test as it ends, with the reason where it fails, every failure in full at the end,
 * and closes with one line for machines and people alike: `N passed, N failed, N skipped`. The
 * numbers are counted from mocha's own results: a failing hook counts as a failure, a pending test
 * as skipped.
 */
import { inspect } from 'node:util';
import Mocha from 'mocha';

const { EVENT_RUN_END, EVENT_SUITE_BEGIN, EVENT_TEST_FAIL, EVENT_TEST_PASS, EVENT_TEST_PENDING } =
  Mocha.Runner.constants;

/**
 * A run that has ended but does not end its process leaks something: after this time it says what,
 * and fails. `--reporter-option leakAfterMs=N` sets another.
 */
const leakAfterMsDefault = 10_000;
/** Of a failure's message, beside its test: a log that is cut short still says why. */
const reasonCharactersMax = 1500;

interface Failure {
  readonly title: string;
  readonly error: unknown;
}

export default class CountingReporter {
  readonly #failures: Failure[] = [];
  #passed = 0;
  #skipped = 0;
  readonly #write: (text: string) => void;

  constructor(runner: Mocha.Runner, options: Mocha.MochaOptions = {}) {
    const leakAfterMs = leakAfterMsOf(options);
    this.#write = (text) => process.stdout.write(text);
    runner.on(EVENT_SUITE_BEGIN, (suite) => {
      if (suite.title !== '') this.#write(`${'  '.repeat(depthOf(suite) - 1)}${suite.title}\n`);
    });
    runner.on(EVENT_TEST_PASS, (test) => this.#pass(test));
    runner.on(EVENT_TEST_PENDING, (test) => {
      this.#skipped += 1;
      this.#line(test, '-', ' (skipped)');
    });
    runner.on(EVENT_TEST_FAIL, (test, error) => {
      this.#failures.push({ title: test.fullTitle(), error });
      this.#line(test, `FAILED ${this.#failures.length}`, `\n${indented(reasonOf(error))}`);
    });
    runner.once(EVENT_RUN_END, () => {
      this.#end();
      setTimeout(failOnLeak, leakAfterMs).unref();
    });
  }

  #pass(test: Mocha.Test): void {
    this.#passed += 1;
    const durationMs = test.duration ?? 0;
    this.#line(test, 'ok', durationMs > test.slow() ? ` (${durationMs} ms)` : '');
  }

  #line(test: Mocha.Runnable, mark: string, suffix: string): void {
    const indent = '  '.repeat(test.parent ? depthOf(test.parent) : 0);
    this.#write(`${indent}${mark} ${test.title}${suffix}\n`);
  }

  #end(): void {
    for (const [index, { title, error }] of this.#failures.entries()) {
      this.#write(`\nFAILED ${index + 1}: ${title}\n${indented(textOf(error))}\n`);
    }
    const failed = this.#failures.length;
    this.#write(`\n${this.#passed} passed, ${failed} failed, ${this.#skipped} skipped\n`);
  }
}

function leakAfterMsOf({ reporterOptions }: Mocha.MochaOptions): number {
  const { leakAfterMs = leakAfterMsDefault } = (reporterOptions ?? {}) as {
    leakAfterMs?: string | number;
  };
  return Number(leakAfterMs);
}

function failOnLeak(): void {
  const open = process.getActiveResourcesInfo().join(', ');
  process.stderr.write(`the tests ended but left open: ${open}\n`);
  // mocha sets the exit code at the very end, from its failures alone: this comes after it.
  process.on('exit', () => {
    process.exitCode = 1;
  });
  process.exit();
}

function depthOf(suite: Mocha.Suite): number {
  return suite.parent ? depthOf(suite.parent) + 1 : 0;
}

function reasonOf(error: unknown): string {
  const text = error instanceof Error ? error.message : inspect(error);
  return text.slice(0, reasonCharactersMax);
}

/** The stack, which begins with the message and the values that differ, and those of the causes. */
function textOf(error: unknown): string {
  if (!(error instanceof Error)) return inspect(error);
  const { stack, cause } = error;
  const code =
    'code' in error && error.code !== 'ERR_ASSERTION' ? `\ncode: ${inspect(error.code)}` : '';
  const text = `${stack ?? error.message}${code}`;
  return cause === undefined ? text : `${text}\ncause: ${textOf(cause)}`;
}

function indented(text: string): string {
  return text.replaceAll(/^/gm, '  ');
}
