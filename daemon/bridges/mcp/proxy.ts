/**
 * The recording proxy for MCP servers on stdio: it stands between a client and the server it would
 * have started, hands every line on as it is, and lets no call pass that the ledger has not
 * committed. It ends when the server ends, with the server's exit code.
 */
import { spawn, type ChildProcessByStdio } from 'node:child_process';
import { constants } from 'node:os';
import type { Readable, Writable } from 'node:stream';

import { AgentError, type Action } from '@kudurru/agent';

import { Catalogue } from './catalogue.ts';
import { Lane, lineOf } from './lane.ts';
import { LineTooLongError } from './line-reader.ts';
import { Recorder, type Ledger } from './recorder.ts';

export interface ProxyOptions {
  readonly command: string;
  readonly parameters: readonly string[];
  readonly ledger: Ledger;
  /** The client's side. */
  readonly input: Readable;
  readonly output: Writable;
  /** A line for the person. */
  readonly say: (line: string) => void;
  /** Signals of ours that are the server's to handle. */
  readonly signals: NodeJS.EventEmitter;
}

/** Shells' own codes for a command that cannot be run. */
export const EXIT_NOT_EXECUTABLE = 126;
export const EXIT_NOT_FOUND = 127;
/** sysexits.h EX_SOFTWARE. */
const EXIT_INTERNAL = 70;

type ServerProcess = ChildProcessByStdio<Writable, Readable, null>;

/** How long a server may take to end after its input did, and again after SIGTERM (MCP, stdio). */
const END_TIMEOUT_MS = 5_000;

const FORWARDED_SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** Runs until the server has ended; gives its exit code, or 128 and the signal's number. */
export async function runProxy(options: ProxyOptions): Promise<number> {
  const { command, parameters, signals } = options;
  const server = spawn(command, [...parameters], { stdio: ['pipe', 'pipe', 'inherit'] });
  const failure = await startFailureOf(server);
  if (failure !== null) {
    options.say(`"${command}" not started: ${failure.message}`);
    return failure.code === 'ENOENT' ? EXIT_NOT_FOUND : EXIT_NOT_EXECUTABLE;
  }
  const forward = (signal: NodeJS.Signals): void => void server.kill(signal);
  for (const signal of FORWARDED_SIGNALS) signals.on(signal, forward);
  try {
    return await new RunningProxy(options, server).run();
  } finally {
    for (const signal of FORWARDED_SIGNALS) signals.off(signal, forward);
  }
}

class RunningProxy {
  readonly #options: ProxyOptions;
  readonly #server: ServerProcess;
  readonly #exited: Promise<number>;
  readonly #clientRequests: Recorder;
  readonly #serverRequests: Recorder;

  constructor(options: ProxyOptions, server: ServerProcess) {
    this.#options = options;
    this.#server = server;
    this.#exited = exitCodeOf(this.#server);
    const catalogue = new Catalogue(options.say);
    const { say } = options;
    this.#clientRequests = new Recorder({ side: 'client', catalogue, say });
    this.#serverRequests = new Recorder({ side: 'server', catalogue, say });
  }

  async run(): Promise<number> {
    const { input, output } = this.#options;
    // A side that is gone is noticed by the end of its lines; writing to it is no error of ours.
    for (const stream of [this.#server.stdin, output]) stream.on('error', () => stream.destroy());
    const clientLane = this.#runLane('client');
    const serverLane = this.#runLane('server');
    void clientLane.then(() => this.#endServer());
    const isSound = await serverLane;
    const exitCode = await this.#exited;
    // The client may hold its side open; nothing it says has a receiver any more.
    input.destroy();
    const wasSound = await clientLane;
    await this.#recordUnanswered();
    return isSound && wasSound ? exitCode : EXIT_INTERNAL;
  }

  /** The client is gone: the server is asked to end, then told to, then ended. */
  #endServer(): void {
    this.#server.stdin.end();
    const timers = (['SIGTERM', 'SIGKILL'] as const).map((signal, at) =>
      setTimeout(() => this.#server.kill(signal), END_TIMEOUT_MS * (at + 1)),
    );
    void this.#exited.then(() => timers.forEach(clearTimeout));
  }

  /** False when a line was too long: the server is ended then, as the rest cannot be understood. */
  async #runLane(from: 'client' | 'server'): Promise<boolean> {
    const { input, output, ledger, say } = this.#options;
    const isClient = from === 'client';
    const lane = new Lane({
      from,
      ledger,
      say,
      source: isClient ? input : this.#server.stdout,
      onward: isClient ? this.#server.stdin : output,
      back: isClient ? output : this.#server.stdin,
      requests: isClient ? this.#clientRequests : this.#serverRequests,
      answers: isClient ? this.#serverRequests : this.#clientRequests,
    });
    try {
      await lane.run();
      return true;
    } catch (error) {
      if (isPrematureClose(error)) return true;
      if (!(error instanceof LineTooLongError)) throw error;
      say(`the ${from} is not understood: ${error.message}`);
      this.#server.kill();
      return false;
    }
  }

  async #recordUnanswered(): Promise<void> {
    const { output, ledger, say } = this.#options;
    const ofClient = this.#clientRequests.end('server-exited');
    const ofServer = this.#serverRequests.end('client-gone');
    await commit(ledger, [...ofClient.outcomes, ...ofServer.outcomes], say);
    if (!output.writable) return;
    for (const answer of ofClient.answers) output.write(lineOf(answer));
  }
}

/** What an intent without outcome came to is not known either way: said, and no error. */
async function commit(
  ledger: Ledger,
  outcomes: readonly Action[],
  say: (line: string) => void,
): Promise<void> {
  if (outcomes.length === 0) return;
  try {
    await ledger.submit(outcomes);
  } catch (error) {
    if (!(error instanceof AgentError)) throw error;
    say(`${outcomes.length} calls without an answer are not recorded as such: ${error.message}`);
  }
}

/** Null when it runs. */
async function startFailureOf(server: ServerProcess): Promise<NodeJS.ErrnoException | null> {
  const { promise, resolve } = Promise.withResolvers<NodeJS.ErrnoException | null>();
  server.once('spawn', () => resolve(null));
  server.once('error', resolve);
  return promise;
}

function exitCodeOf(server: ServerProcess): Promise<number> {
  const { promise, resolve } = Promise.withResolvers<number>();
  server.once('exit', (code, signal) => {
    resolve(code ?? 128 + constants.signals[signal ?? 'SIGTERM']);
  });
  return promise;
}

function isPrematureClose(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ERR_STREAM_PREMATURE_CLOSE';
}
