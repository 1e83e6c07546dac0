/**
 * Routes of the control socket: a method and a path of fixed words and `:names`. A path matches one
 * route at most; what it does with the request is the route's own.
 */
import { KudurruError } from '../base/errors.ts';

export type Method = 'GET' | 'POST';

/** Who asks, as the kernel says. */
export interface Caller {
  readonly uid: number;
  readonly pid: number;
}

export interface ControlRequest {
  /** Values of the path's `:names`, decoded. */
  readonly parameters: Readonly<Record<string, string>>;
  readonly query: URLSearchParams;
  /** The JSON body; undefined for a GET. */
  readonly body: unknown;
  readonly caller: Caller;
}

export interface ControlAnswer {
  readonly status: 200 | 201;
  readonly mediaType: 'application/json' | 'application/octet-stream' | 'text/plain; charset=utf-8';
  readonly body: Uint8Array | string;
}

export interface Route {
  readonly method: Method;
  readonly path: string;
  handle(request: ControlRequest): ControlAnswer | Promise<ControlAnswer>;
}

export interface Match {
  readonly route: Route;
  readonly parameters: Readonly<Record<string, string>>;
}

/** @throws KudurruError `path-unknown`, `method-not-allowed` */
export function findRoute(routes: readonly Route[], method: string, path: string): Match {
  const words = path.split('/');
  const matches = routes.flatMap((route) => {
    const parameters = matchWords(route.path.split('/'), words);
    return parameters === null ? [] : [{ route, parameters }];
  });
  const match = matches.find(({ route }) => route.method === method);
  if (match !== undefined) return match;
  if (matches.length === 0) {
    throw new KudurruError(
      'path-unknown',
      `no answer for "${path}": /openapi.json lists all paths`,
    );
  }
  const methods = matches.map(({ route }) => route.method).join(', ');
  throw new KudurruError(
    'method-not-allowed',
    `"${path}" does not take ${method}: ${methods} only`,
  );
}

function matchWords(
  pattern: readonly string[],
  words: readonly string[],
): Record<string, string> | null {
  if (pattern.length !== words.length) return null;
  const parameters: Record<string, string> = {};
  for (const [position, expected] of pattern.entries()) {
    const word = words[position] ?? '';
    if (!expected.startsWith(':')) {
      if (word !== expected) return null;
      continue;
    }
    const value = decodeWord(word);
    if (value === null || value === '') return null;
    parameters[expected.slice(1)] = value;
  }
  return parameters;
}

/** Percent-decoded; null where the encoding is broken, so that no route matches. */
function decodeWord(word: string): string | null {
  if (!/^(?:[^%]|%[0-9A-Fa-f]{2})*$/u.test(word)) return null;
  try {
    return decodeURIComponent(word);
  } catch (error) {
    if (error instanceof URIError) return null;
    throw error;
  }
}

/** An answer in JSON. Indexes and sizes are numbers (below 2^53), nanoseconds decimal strings. */
export function json(value: unknown, status: ControlAnswer['status'] = 200): ControlAnswer {
  return { status, mediaType: 'application/json', body: `${JSON.stringify(value)}\n` };
}
