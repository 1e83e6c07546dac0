/**
 * HTTP/JSON on the control socket, for operators and the command. The kernel names the caller, and
 * only the daemon's own uid is answered. Every answer that is not 2xx is
 * `{"code", "message", "retry"}` with the codes of base/errors.ts.
 */
import { createServer, type IncomingMessage, type ServerResponse, type Server } from 'node:http';
import { chmodSync, rmSync } from 'node:fs';
import type { Socket } from 'node:net';

import { isKudurruError, KudurruError, wrapError, type ErrorCode } from '../base/errors.ts';
import type { Log } from '../base/log.ts';
import { findRoute, type Caller, type ControlAnswer, type Route } from './router.ts';

export interface ControlServerOptions {
  readonly path: string;
  readonly routes: readonly Route[];
  /** Who is at the other end of this descriptor (SO_PEERCRED). */
  readonly callerOf: (descriptor: number) => Caller;
  /** The uid that is answered. */
  readonly allowedUid: number;
  readonly log: Log;
}

export interface ControlServer {
  /**
   * Answers what was asked in full, takes nothing new, ends all connections, removes the socket.
   */
  stop(): Promise<void>;
}

/** Bytes of a request's body: an enrolment with both texts at their longest is under 8 KiB. */
const requestSizeBytesMax = 65_536;
/** Time to send a whole request, in ms: both ends are on the same box. */
const requestTimeoutMs = 10_000;
const connectionsMax = 64;
/** How long a stop waits for answers under way: longer than one may wait for its anchor, in ms. */
const stopTimeoutMs = 35_000;

/** HTTP status of the codes that are not simply a bad request. */
const statusOfCode: Partial<Record<ErrorCode, number>> = {
  'path-unknown': 404,
  'not-found': 404,
  'not-held': 404,
  'method-not-allowed': 405,
  'request-too-long': 413,
  'caller-not-allowed': 403,
  'agent-exists': 409,
  'not-ready': 503,
  stopping: 503,
};

/** @throws KudurruError `socket-unusable` */
export async function startControlServer(options: ControlServerOptions): Promise<ControlServer> {
  const underWay = new Map<IncomingMessage, Promise<void>>();
  const server = createServer({ requestTimeout: requestTimeoutMs }, (request, response) => {
    const served = serve(options, request, response).finally(() => underWay.delete(request));
    underWay.set(request, served);
  });
  server.maxConnections = connectionsMax;
  // The lock of the state folder is ours by now: a socket that is left is of a daemon that is gone.
  rmSync(options.path, { force: true });
  await listen(server, options.path);
  chmodSync(options.path, 0o600);
  return { stop: () => stop(server, underWay) };
}

function listen(server: Server, path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (cause) => {
      reject(wrapError('socket-unusable', `control socket "${path}" not made`, cause));
    });
    server.listen(path, resolve);
  });
}

/** The server ends its own timeouts with `close`: who sends no more would keep it for ever. */
async function stop(
  server: Server,
  underWay: ReadonlyMap<IncomingMessage, Promise<void>>,
): Promise<void> {
  const closed = new Promise<void>((resolve, reject) => {
    server.close((error) => (error === undefined ? resolve() : reject(error)));
  });
  const asked = [...underWay].flatMap(([request, served]) => (request.complete ? [served] : []));
  const timeout = Promise.withResolvers<void>();
  const timer = setTimeout(timeout.resolve, stopTimeoutMs);
  await Promise.race([Promise.all(asked), timeout.promise]);
  clearTimeout(timer);
  server.closeAllConnections();
  await closed;
}

async function serve(
  options: ControlServerOptions,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  try {
    const answer = await answerOf(options, request);
    response.writeHead(answer.status, { 'content-type': answer.mediaType });
    response.end(answer.body);
  } catch (error) {
    answerError(options.log, response, error);
  }
  await sent(response);
}

/** The kernel has the whole answer, or nobody is there to read it. */
function sent(response: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    if (response.writableFinished || response.destroyed) resolve();
    else response.once('finish', resolve).once('close', resolve);
  });
}

async function answerOf(
  options: ControlServerOptions,
  request: IncomingMessage,
): Promise<ControlAnswer> {
  const caller = callerOf(options, request.socket);
  const { method = '', url = '/' } = request;
  const mark = url.indexOf('?');
  const [path, query] = mark < 0 ? [url, ''] : [url.slice(0, mark), url.slice(mark + 1)];
  const { route, parameters } = findRoute(options.routes, method, path);
  const body = route.method === 'POST' ? await readJson(request) : undefined;
  return route.handle({ parameters, query: new URLSearchParams(query), body, caller });
}

function callerOf({ callerOf: ask, allowedUid }: ControlServerOptions, socket: Socket): Caller {
  // Node gives no public way to a socket's descriptor, and the kernel answers by descriptor.
  const handle = (socket as unknown as { readonly _handle?: { readonly fd?: number } })._handle;
  const descriptor = handle?.fd;
  if (descriptor === undefined || descriptor < 0) {
    throw new KudurruError('caller-not-allowed', 'caller not known: the connection is gone');
  }
  const caller = ask(descriptor);
  if (caller.uid === allowedUid) return caller;
  throw new KudurruError(
    'caller-not-allowed',
    `caller refused: uid ${caller.uid} asked, and only uid ${allowedUid} is answered`,
  );
}

async function readJson(request: IncomingMessage): Promise<unknown> {
  const parts: Buffer[] = [];
  let sizeBytes = 0;
  for await (const part of request) {
    const bytes = part as Buffer;
    sizeBytes += bytes.length;
    if (sizeBytes > requestSizeBytesMax) {
      throw new KudurruError(
        'request-too-long',
        `request not accepted: its body is longer than ${requestSizeBytesMax} bytes`,
      );
    }
    parts.push(bytes);
  }
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(Buffer.concat(parts)));
  } catch (cause) {
    throw wrapError('request-malformed', 'request not accepted: the body is not JSON', cause);
  }
}

function answerError(log: Log, response: ServerResponse, error: unknown): void {
  const known = isKudurruError(error);
  if (!known) log.error('control request failed', error);
  const { code, message, retry } = known
    ? error
    : {
        code: 'internal',
        message: 'internal error: the log of the daemon says more',
        retry: 'later',
      };
  const status = known ? (statusOfCode[error.code] ?? 400) : 500;
  if (response.headersSent) {
    response.destroy();
    return;
  }
  // The rest of a body that is too long is not read: the connection ends with this answer.
  response.writeHead(status, { 'content-type': 'application/json', connection: 'close' });
  response.end(`${JSON.stringify({ code, message, retry })}\n`);
}
