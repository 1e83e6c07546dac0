// The beginning and end of a program that reads a device for the process that started it, and
// writes what it reads to its standard output. It has no capability, and ends with its parent: by
// the kernel's hand, or when nobody reads the other end.
import { Socket } from 'node:net';

import { dieWithParent, dropCapabilities } from './process.ts';

export interface ReadingProgram<Settings extends { readonly parentPid: number }> {
  /** Path of the program itself. */
  readonly file: string;
  /** Its first argument. Throws what is wrong with it. */
  readonly parse: (json: string) => Settings;
  readonly make: (settings: Settings, out: Socket) => Reading;
}

export interface Reading {
  /** Ends when `stop` was called. */
  run(): Promise<void>;
  stop(): void;
}

const OUT_DESCRIPTOR = 1;
const WRONG_USE = 2;
/** Says that the capabilities are gone already. */
const CONFINED = '--confined';

export function runReadingProgram<Settings extends { readonly parentPid: number }>(
  program: ReadingProgram<Settings>,
): void {
  const [json, confined] = process.argv.slice(2);
  if (json === undefined) {
    process.stderr.write('this program is started by kudurrud, with its settings\n');
    process.exitCode = WRONG_USE;
  } else if (confined === CONFINED) {
    start(program, json);
  } else {
    confine(program.file, json);
  }
}

/** Other threads keep what this one gave up, until the program is executed anew. */
function confine(file: string, json: string): void {
  dropCapabilities();
  process.execve?.(process.execPath, [process.execPath, file, json, CONFINED]);
}

function start<Settings extends { readonly parentPid: number }>(
  { parse, make }: ReadingProgram<Settings>,
  json: string,
): void {
  const settings = parse(json);
  // Nothing keeps this process: it ends.
  if (!dieWithParent(settings.parentPid)) return;
  const out = new Socket({ fd: OUT_DESCRIPTOR, readable: false, writable: true });
  const reading = make(settings, out);
  // Nobody reads any more.
  out.once('error', () => reading.stop());
  out.once('close', () => reading.stop());
  process.once('SIGTERM', () => reading.stop());
  // An interrupt typed at the terminal reaches the whole group; the parent decides.
  process.on('SIGINT', () => undefined);
  void reading.run().then(() => out.destroy());
}
