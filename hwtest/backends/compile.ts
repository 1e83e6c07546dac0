/** Compiles the C programs and preload libraries of the tests, each once a process. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, rmSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

export interface CSources {
  /** Of what is made, unique in the house. */
  readonly name: string;
  readonly kind: 'program' | 'preload-library';
  readonly sources: readonly URL[];
  /** A folder of headers that are not ours. */
  readonly headers?: URL;
}

const built = new Map<string, string>();

/** Path of what was made; it is removed when this process ends. */
export function compile(order: CSources): string {
  const made = built.get(order.name) ?? build(order);
  built.set(order.name, made);
  return made;
}

function build({ name, kind, sources, headers }: CSources): string {
  const folder = fileURLToPath(new URL('../build', import.meta.url));
  mkdirSync(folder, { recursive: true });
  // Under a name of its own: another process may be running with the one before.
  const isLibrary = kind === 'preload-library';
  const made = `${folder}/${name}-${process.pid}${isLibrary ? '.so' : ''}`;
  const flags = ['-O2', '-Wall', '-Wextra', ...(isLibrary ? ['-shared', '-fPIC'] : [])];
  if (headers !== undefined) flags.push('-isystem', fileURLToPath(headers));
  const files = sources.map((source) => fileURLToPath(source));
  execFileSync('cc', [...flags, '-o', made, ...files, '-ldl', '-lpthread']);
  process.once('exit', () => rmSync(made, { force: true }));
  return made;
}
