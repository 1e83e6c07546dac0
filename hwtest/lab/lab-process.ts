/**
 * A process of the lab. The kernel ends it with the process that started it, by kill -9 too, and it
 * can never set the host's clock: CAP_SYS_TIME is taken from it for good.
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { createInterface, type Interface } from 'node:readline';

export interface LabProcessOptions {
  /** Runs in the network namespace of this process. */
  readonly namespacePid?: number;
  readonly environment?: Readonly<Record<string, string>>;
  /** Its output goes to this file; otherwise it is spoken with by lines. */
  readonly logFile?: string;
}

/** The parent may have ended before the kernel was told what to do then. */
const guard = '[ "$PPID" = "$0" ] || exit 1; exec "$@"';

export class LabProcess {
  readonly child: ChildProcess;
  /** Resolves when the process has ended, however. */
  readonly ended: Promise<void>;
  readonly #lines: Interface | null;
  readonly #answers: string[] = [];
  readonly #waiting: PromiseWithResolvers<string>[] = [];
  #isEnded = false;

  constructor(words: readonly string[], options: LabProcessOptions = {}) {
    const output = options.logFile === undefined ? null : openSync(options.logFile, 'a');
    this.child = spawn('setpriv', startWords(words, options), {
      cwd: '/',
      stdio: output === null ? ['pipe', 'pipe', 'inherit'] : ['ignore', output, output],
      // A group of its own: an interrupt typed at the terminal is for the owner.
      detached: true,
    });
    if (output !== null) closeSync(output);
    this.ended = new Promise((resolve) => {
      const end = (): void => {
        this.#isEnded = true;
        for (const { reject } of this.#waiting) reject(new Error(`'${words.join(' ')}' ended`));
        resolve();
      };
      this.child.once('close', end);
      this.child.once('error', end);
    });
    this.#lines = this.child.stdout === null ? null : createInterface(this.child.stdout);
    this.#lines?.on('line', (line) => this.#take(line));
  }

  get pid(): number {
    if (this.child.pid === undefined) throw new Error('the process was not started');
    return this.child.pid;
  }

  get isEnded(): boolean {
    return this.#isEnded;
  }

  /** Says a line and waits for the line that answers it; answers come in the order of asking. */
  async ask(line: string): Promise<string> {
    const answer = this.nextLine();
    this.say(line);
    return answer;
  }

  say(line: string): void {
    this.child.stdin?.write(`${line}\n`);
  }

  /** From now on each line goes here, and answers to nothing. */
  onLine(take: (line: string) => void): void {
    this.#lines?.removeAllListeners('line').on('line', take);
  }

  async nextLine(): Promise<string> {
    const held = this.#answers.shift();
    if (held !== undefined) return held;
    if (this.#isEnded) throw new Error('the process has ended');
    const waiting = Promise.withResolvers<string>();
    this.#waiting.push(waiting);
    return waiting.promise;
  }

  async end(signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
    this.child.kill(signal);
    await this.ended;
  }

  #take(line: string): void {
    const waiting = this.#waiting.shift();
    if (waiting === undefined) this.#answers.push(line);
    else waiting.resolve(line);
  }
}

function startWords(words: readonly string[], options: LabProcessOptions): string[] {
  const variables = Object.entries(options.environment ?? {}).map((pair) => pair.join('='));
  const { namespacePid } = options;
  return [
    ...['--pdeathsig', 'KILL', '--inh-caps=-sys_time', '--bounding-set=-sys_time'],
    ...['sh', '-c', guard, String(process.pid)],
    ...(namespacePid === undefined ? [] : inNamespace(namespacePid)),
    ...(variables.length === 0 ? [] : ['env', ...variables]),
    ...words,
  ];
}

/** What runs a command in the network namespace of a process. */
export function inNamespace(pid: number): string[] {
  return ['nsenter', `--net=/proc/${pid}/ns/net`];
}

/** A busy machine must not make a bad clock of what runs so, where we may say so. */
export function asSoon(): readonly string[] {
  const words = ['chrt', '--fifo', '5'];
  const { status } = spawnSync('chrt', [...words.slice(1), 'true'], { stdio: 'ignore' });
  return status === 0 ? words : [];
}
