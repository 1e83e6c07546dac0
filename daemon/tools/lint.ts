/**
 * Style by program: oxlint with types, prettier, clang-format. `--fix` writes what can be written,
 * and breaks comments that are too wide for a line. Every tool runs, so that one call shows all
 * there is to correct.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';

import { breakWideComments } from './tidy/comment-width.ts';

const fix = process.argv.includes('--fix');

const cppFiles = listFiles('native/*.cpp', 'native/*.h', 'hwtest/*.c', 'hwtest/*.h');
if (fix) {
  for (const path of listFiles('*.ts', '*.mjs')) {
    const text = readFileSync(path, 'utf8');
    const broken = breakWideComments(path, text);
    if (broken !== text) writeFileSync(path, broken);
  }
}

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

/** What git tracks or would track, and is there. */
function listFiles(...patterns: readonly string[]): string[] {
  const parameters = ['ls-files', '--cached', '--others', '--exclude-standard', ...patterns];
  const listed = execFileSync('git', parameters, { encoding: 'utf8' });
  return listed.split('\n').filter((path) => path !== '' && existsSync(path));
}

function clangFormat(files: readonly string[]): [string, ...string[]] {
  return ['clang-format-19', ...(fix ? ['-i'] : ['--dry-run', '-Werror']), ...files];
}
