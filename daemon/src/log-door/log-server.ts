/**
 * The log over HTTP, read-only, as c2sp.org/tlog-tiles says: on a Unix socket, and on TCP where
 * configured. Whoever reads can neither write nor slow down what the ledger commits: files first,
 * and every wait and every amount has a bound.
 */
import { chmodSync, rmSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

import { isKudurruError, KudurruError, wrapError, type ErrorCode } from '../base/errors.ts';
import type { Log } from '../base/log.ts';
import { answerLogRequest, type PublishedLog } from './log-answer.ts';

export interface LogDoorOptions {
  readonly published: PublishedLog;
  readonly socketPath: string;
  /** Host and port; null: no TCP. Port 0: any that is free. */
  readonly listen: { readonly host: string; readonly port: number } | null;
  readonly log: Log;
}

export interface LogDoor {
  /** `unix:PATH` and `http://HOST:PORT`. */
  readonly addresses: readonly string[];
  /** Bytes of answers that clients have not read yet. */
  readonly heldBytes: number;
  /** Sends what is under way, ends all connections, removes the socket. */
  stop(): Promise<void>;
}

/** Of each listener. */
export const logConnectionsMax = 128;
/** Bytes of answers under way, in all: fifteen of the largest entry bundles there can be. */
export const logAnswersBytesMax = 67_108_864;
const headersSizeBytesMax = 8192;
const requestTimeoutMs = 10_000;
/** A connection on which nothing moves, in ms. */
const idleTimeoutMs = 30_000;
const keepAliveTimeoutMs = 5000;
/** How long a stop waits for answers under way, in ms. */
const stopTimeoutMs = 2000;
/** Owner and group: who else may come in is decided by the folder. */
const socketMode = 0o660;

const statusOfCode: Partial<Record<ErrorCode, number>> = {
  'request-malformed': 400,
  'not-found': 404,
  'path-unknown': 404,
  'method-not-allowed': 405,
  'request-too-long': 414,
  'not-ready': 503,
  stopping: 503,
};

/** @throws KudurruError `socket-unusable` */
export async function openLogDoor(options: LogDoorOptions): Promise<LogDoor> {
  const door = new RunningDoor(options);
  try {
    await door.open();
  } catch (error) {
    await door.stop();
    throw error;
  }
  return door;
}

class RunningDoor implements LogDoor {
  readonly addresses: string[] = [];
  readonly #options: LogDoorOptions;
  readonly #servers: Server[] = [];
  readonly #underWay = new Set<Promise<void>>();
  #heldBytes = 0;

  constructor(options: LogDoorOptions) {
    this.#options = options;
  }

  get heldBytes(): number {
    return this.#heldBytes;
  }

  async open(): Promise<void> {
    const { socketPath, listen } = this.#options;
    // The lock of the state folder is ours by now: a socket that is left is of a daemon gone.
    rmSync(socketPath, { force: true });
    await this.#listen({ path: socketPath }, `log socket "${socketPath}"`);
    chmodSync(socketPath, socketMode);
    this.addresses.push(`unix:${socketPath}`);
    if (listen === null) return;
    const server = await this.#listen(listen, `log on "${listen.host}:${listen.port}"`);
    const { address, family, port } = server.address() as AddressInfo;
    this.addresses.push(`http://${family === 'IPv6' ? `[${address}]` : address}:${port}`);
  }

  async stop(): Promise<void> {
    const closed = this.#servers.map(
      (server) => new Promise<void>((resolve) => server.close(() => resolve())),
    );
    const timeout = Promise.withResolvers<void>();
    const timer = setTimeout(timeout.resolve, stopTimeoutMs);
    await Promise.race([Promise.all(this.#underWay), timeout.promise]);
    clearTimeout(timer);
    for (const server of this.#servers) server.closeAllConnections();
    await Promise.all(closed);
  }

  async #listen(
    where: { readonly path: string } | { readonly host: string; readonly port: number },
    what: string,
  ): Promise<Server> {
    const server = createServer(
      {
        maxHeaderSize: headersSizeBytesMax,
        headersTimeout: requestTimeoutMs,
        requestTimeout: requestTimeoutMs,
        keepAliveTimeout: keepAliveTimeoutMs,
      },
      (request, response) => {
        const served = this.#serve(request, response).finally(() => this.#underWay.delete(served));
        this.#underWay.add(served);
      },
    );
    server.maxConnections = logConnectionsMax;
    server.timeout = idleTimeoutMs;
    await new Promise<void>((resolve, reject) => {
      server.once('error', (cause) => {
        reject(wrapError('socket-unusable', `${what} not opened`, cause));
      });
      server.listen(where, resolve);
    });
    this.#servers.push(server);
    return server;
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    let heldBytes = 0;
    try {
      const answer = await this.#answer(request);
      heldBytes = answer.body.length;
      this.#heldBytes += heldBytes;
      this.#requireRoom();
      const length = answer.status === 304 ? {} : { 'content-length': heldBytes };
      response.writeHead(answer.status, { ...answer.headers, ...length });
      response.end(request.method === 'HEAD' ? undefined : answer.body);
    } catch (error) {
      this.#answerError(response, error);
    }
    await sent(response);
    this.#heldBytes -= heldBytes;
  }

  #answer({ method, url = '', headers }: IncomingMessage): ReturnType<typeof answerLogRequest> {
    if (method !== 'GET' && method !== 'HEAD') {
      throw new KudurruError('method-not-allowed', `the log is read-only: no ${method}`);
    }
    this.#requireRoom();
    return answerLogRequest(this.#options.published, { target: url, headers, method });
  }

  #requireRoom(): void {
    if (this.#heldBytes <= logAnswersBytesMax) return;
    throw new KudurruError('not-ready', 'too many answers are not read yet: try again later');
  }

  #answerError(response: ServerResponse, error: unknown): void {
    const status = isKudurruError(error) ? (statusOfCode[error.code] ?? 500) : 500;
    if (status === 500) this.#options.log.error('log request failed', error);
    if (response.headersSent) {
      response.destroy();
      return;
    }
    const text =
      status !== 500 && isKudurruError(error)
        ? `${error.code}: ${error.message}`
        : 'internal error: the log of the daemon says more';
    response.writeHead(status, {
      'content-type': 'text/plain; charset=utf-8',
      'cache-control': 'no-store',
      'x-content-type-options': 'nosniff',
      ...(status === 405 ? { allow: 'GET, HEAD' } : {}),
      ...(status === 503 ? { 'retry-after': '1' } : {}),
      // What the client still sends is not read.
      connection: 'close',
    });
    response.end(`${text}\n`);
  }
}

/** The kernel has the whole answer, or nobody is there to read it. */
function sent(response: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    if (response.writableFinished || response.destroyed) resolve();
    else response.once('finish', resolve).once('close', resolve);
  });
}
