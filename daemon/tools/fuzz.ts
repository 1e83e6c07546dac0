/**
 * Runs the C++ fuzz targets, one after another: `npm run fuzz -- [--seconds N] [target…]`, 10
 * seconds each unless told. They are built with clang, libFuzzer and both sanitizers into
 * native/build/fuzz; what a run learned stays in its corpus folder there and is the start of the
 * next. A finding leaves its input beside them, prints the sanitizer's report, and fails the run.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join, parse } from 'node:path';
import { parseArgs } from 'node:util';

const checkout = join(import.meta.dirname, '..', '..');
const build = join(checkout, 'native', 'build', 'fuzz');
const targetsFolder = join(checkout, 'native', 'fuzz');

const { values, positionals } = parseArgs({
  options: { seconds: { type: 'string', default: '10' } },
  allowPositionals: true,
});
const seconds = Number(values.seconds);
if (!Number.isInteger(seconds) || seconds <= 0) {
  throw new Error(`--seconds '${values.seconds}' is not a positive whole number`);
}

const known = readdirSync(targetsFolder)
  .filter((file) => file.endsWith('.cpp'))
  .map((file) => parse(file).name);
const unknown = positionals.filter((name) => !known.includes(name));
if (unknown.length > 0) {
  throw new Error(`no fuzz target '${unknown.join("', '")}': there are ${known.join(', ')}`);
}

compile();
for (const name of positionals.length === 0 ? known : positionals) {
  if (!run(name)) process.exitCode = 1;
}

function compile(): void {
  const settings = ['-DKUDURRU_FUZZ=ON', '-DCMAKE_CXX_COMPILER=clang++-19'];
  const where = ['-S', join(checkout, 'native'), '-B', build, '-G', 'Unix Makefiles'];
  for (const parameters of [
    [...where, ...settings],
    ['--build', build, `-j${availableParallelism()}`],
  ]) {
    execFileSync('cmake', parameters, { stdio: ['ignore', 'ignore', 'inherit'] });
  }
}

/** Whether the target ran its time without a finding. */
function run(name: string): boolean {
  const corpus = join(build, 'corpus', name);
  const seeds = join(targetsFolder, 'corpus', name);
  mkdirSync(corpus, { recursive: true });
  const { status, stderr } = spawnSync(
    join(build, `fuzz_${name}`),
    [
      `-max_total_time=${seconds}`,
      `-artifact_prefix=${build}/${name}-`,
      '-print_final_stats=1',
      corpus,
      ...(existsSync(seeds) ? [seeds] : []),
    ],
    { encoding: 'utf8', maxBuffer: 2 ** 28 },
  );
  const inputs = /number_of_executed_units: (\d+)/.exec(stderr)?.[1] ?? 'unknown number of';
  if (status === 0) {
    process.stdout.write(`${name}: ${inputs} inputs in ${seconds} s, no finding\n`);
  } else {
    process.stdout.write(`${name}: FAILED\n${stderr.slice(-20_000)}\n`);
  }
  return status === 0;
}
