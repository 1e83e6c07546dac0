/**
 * What the daemon says about itself: one JSON line on stderr for each thing worth knowing, for
 * journald and for people. It is not the ledger and proves nothing. Fields are named values, so
 * that nobody has to put an action's bytes, a key or a PIN into a sentence; the value of a field
 * whose name says that it is secret is not printed, and a long value is cut.
 */
import { KudurruError, reasonOf } from './errors.ts';

export const LOG_LEVELS = ['debug', 'info', 'warning', 'error'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

/** Values that are printed as they are; bigint as decimal text. Bytes are not among them. */
export type LogValue = string | number | bigint | boolean | null;
/** Named facts of a line. The four names of the log itself are not free. */
export type LogFields = Readonly<Record<string, LogValue>> & {
  readonly [own in 'time' | 'level' | 'part' | 'what']?: never;
};

export interface Log {
  debug(what: string, fields?: LogFields): void;
  info(what: string, fields?: LogFields): void;
  warning(what: string, fields?: LogFields): void;
  /** Says what failed; code, retry and causes of `error` become fields. */
  error(what: string, error: unknown, fields?: LogFields): void;
  /** The same log, with the name of a part of the daemon in each line. */
  part(name: string): Log;
}

export interface LogOptions {
  /** Least level that is printed. */
  readonly level: LogLevel;
  /** Takes one line with its newline. Default: stderr. */
  readonly write?: (line: string) => void;
  /** Milliseconds since 1970 for the line's time; for reading only, never evidence. */
  readonly nowMs?: () => number;
}

/** Characters of one value; more are cut with a mark, so that a line stays a line. */
const valueLengthMax = 1024;
const secretName = /(?:^pin|Pin|[pP]assword|[sS]ecret|[pP]rivateKey|[tT]oken)$/;

export function openLog(options: LogOptions): Log {
  return new LineLog(options, undefined);
}

class LineLog implements Log {
  readonly #options: LogOptions;
  readonly #part: string | undefined;

  constructor(options: LogOptions, part: string | undefined) {
    this.#options = options;
    this.#part = part;
  }

  debug(what: string, fields: LogFields = {}): void {
    this.#print('debug', what, fields);
  }

  info(what: string, fields: LogFields = {}): void {
    this.#print('info', what, fields);
  }

  warning(what: string, fields: LogFields = {}): void {
    this.#print('warning', what, fields);
  }

  error(what: string, error: unknown, fields: LogFields = {}): void {
    const facts =
      error instanceof KudurruError ? { code: error.code, retry: error.retry } : { code: null };
    this.#print('error', what, { ...fields, ...facts, reason: reasonOf(error) });
  }

  part(name: string): Log {
    return new LineLog(this.#options, name);
  }

  #print(level: LogLevel, what: string, fields: LogFields): void {
    const { write = writeToStderr, nowMs = Date.now } = this.#options;
    if (LOG_LEVELS.indexOf(level) < LOG_LEVELS.indexOf(this.#options.level)) return;
    const line: Record<string, string | number | boolean | null> = {
      time: new Date(nowMs()).toISOString(),
      level,
      ...(this.#part === undefined ? {} : { part: this.#part }),
      what,
    };
    for (const [name, value] of Object.entries(fields)) {
      line[name] = secretName.test(name) ? '(secret, not printed)' : printable(value);
    }
    write(`${JSON.stringify(line)}\n`);
  }
}

function printable(value: LogValue): string | number | boolean | null {
  if (typeof value === 'bigint') return value.toString();
  if (typeof value !== 'string' || value.length <= valueLengthMax) return value;
  return `${value.slice(0, valueLengthMax)}… (${value.length} characters)`;
}

function writeToStderr(line: string): void {
  process.stderr.write(line);
}
