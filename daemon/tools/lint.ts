/**
 * Style by program: oxlint with types, prettier, clang-format. `--fix` writes what can be written.
 * Every tool runs, so that one call shows all there is to correct.
 */
import { execFileSync, spawnSync } from 'node:child_process';

const fix = process.argv.includes('--fix');

const cppFiles = execFileSync(
  'git',
  ['ls-files', '--cached', '--others', '--exclude-standard', 'native/*.cpp', 'native/*.h'],
  { encoding: 'utf8' },
)
  .split('\n')
  .filter((path) => path !== '');

const tools: readonly (readonly [string, ...string[]])[] = [
  ['oxlint', '--deny-warnings', ...(fix ? ['--fix'] : [])],
  ['prettier', fix ? '--write' : '--check', '--log-level', 'warn', '.'],
  // Without a file it would wait for one on its standard input.
  ...(cppFiles.length === 0 ? [] : [clangFormat(cppFiles)]),
];

for (const [program, ...parameters] of tools) {
  const { status, error } = spawnSync(program, parameters, { stdio: 'inherit' });
  if (error) throw error;
  if (status === 0) continue;
  process.stderr.write(`${program} found something: npm run format writes what can be written\n`);
  process.exitCode = 1;
}

function clangFormat(files: readonly string[]): [string, ...string[]] {
  return ['clang-format-19', ...(fix ? ['-i'] : ['--dry-run', '-Werror']), ...files];
}
