/**
 * Every source file is reached from a place where something starts: a TypeScript file from a
 * program, a package's face or, outside the product, a test; a C++ header from a source. What only
 * a test reaches is not part of the product.
 */
import { posix } from 'node:path';

import { filesNamedBy } from './imports.ts';
import { cpp, isTest, typeScript, type Finding, type Rule, type Source } from './source.ts';

/** Where the product starts. */
export const PROGRAMS: readonly string[] = [
  'daemon/agent/src/index.ts',
  'daemon/bench/main.ts',
  'daemon/cli/kudurru.ts',
  'daemon/devices/main.ts',
  'daemon/gnss-reader/main.ts',
  'daemon/phc-reader/main.ts',
  'daemon/proof/src/index.ts',
  'daemon/proof/test/corpus/write.ts',
  'daemon/proof/test/fuzz.ts',
  'daemon/ptp4l-client/src/index.ts',
  'daemon/ptp4l-client/src/main.ts',
  'daemon/sim/main.ts',
  'daemon/src/main.ts',
  'daemon/tools/fuzz.ts',
  'daemon/tools/lint.ts',
  'daemon/tools/mocha-reporter.ts',
  'daemon/tools/setup.mjs',
  'daemon/tools/start.ts',
  'daemon/tools/tidy.ts',
  'hwtest/drill/main.ts',
  'hwtest/report/main.ts',
  'hwtest/scenarios/run-kill-cycles.ts',
  'hwtest/soak/main.ts',
  'native/lib/index.ts',
  'native/tpm2-tss/lib/index.ts',
];

/** Made for tests, and reached from them alone. */
const madeForTests = /^(?:daemon\/sim|hwtest|native\/bench)\/|(?:^|\/)test\//;

export const orphans: Rule = (sources) => [
  ...typeScriptOrphans(sources.filter(({ path }) => typeScript.test(path))),
  ...headerOrphans(sources.filter(({ path }) => cpp.test(path))),
];

function typeScriptOrphans(sources: readonly Source[]): Finding[] {
  const byPath = new Map(sources.map((source) => [source.path, source]));
  const fromPrograms = reach(PROGRAMS, byPath);
  const tests = sources.map(({ path }) => path).filter((path) => path.endsWith('.test.ts'));
  const fromAnywhere = reach([...PROGRAMS, ...tests], byPath);
  return sources.flatMap(({ path }): Finding[] => {
    const reached = madeForTests.test(path) || isTest(path) ? fromAnywhere : fromPrograms;
    if (reached.has(path)) return [];
    const problem = fromAnywhere.has(path) ? 'is used by tests alone' : 'is imported by nothing';
    const instead = 'use it or remove it; a new program gets a row in daemon/tools/tidy/orphans.ts';
    return [{ path, line: 1, problem, instead }];
  });
}

function reach(starts: readonly string[], byPath: ReadonlyMap<string, Source>): Set<string> {
  const reached = new Set<string>();
  const waiting = [...starts];
  for (let path = waiting.pop(); path !== undefined; path = waiting.pop()) {
    const source = byPath.get(path);
    if (source === undefined || reached.has(path)) continue;
    reached.add(path);
    waiting.push(...filesNamedBy(source, (named) => byPath.has(named)));
  }
  return reached;
}

function headerOrphans(sources: readonly Source[]): Finding[] {
  const included = new Set(
    sources.flatMap(({ text }) =>
      Array.from(text.matchAll(/^#include "(.+)"/gm), ([, name = '']) => posix.basename(name)),
    ),
  );
  return sources
    .filter(({ path }) => path.endsWith('.h') && !included.has(posix.basename(path)))
    .map(({ path }) => ({
      path,
      line: 1,
      problem: 'is included by nothing',
      instead: 'include it or remove it',
    }));
}
