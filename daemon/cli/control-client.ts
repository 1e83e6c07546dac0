/**
 * The control socket, from the caller's side: HTTP/JSON over a Unix socket. A refusal of the daemon
 * keeps its code and its words.
 */
import { request as httpRequest, type IncomingMessage } from 'node:http';

import { EXIT, Failure } from './exit-code.ts';

/** Longer than any bundle or page of results. */
const ANSWER_SIZE_BYTES_MAX = 64 * 1024 * 1024;
/** Making a bundle may wait for the next anchor. */
const TIMEOUT_MS = 60_000;

interface Request {
  readonly method: 'GET' | 'POST';
  readonly path: string;
  readonly body?: unknown;
}

export class ControlClient {
  readonly #socketPath: string;

  constructor(socketPath: string) {
    this.#socketPath = socketPath;
  }

  /**
   * `path` with `query`, whose undefined members are left out. The answer is the caller's to know.
   */
  async get<Answer>(path: string, query: Query = {}): Promise<Answer> {
    return parseJson<Answer>(await this.#ask({ method: 'GET', path: withQuery(path, query) }));
  }

  async getBytes(path: string, query: Query = {}): Promise<Uint8Array> {
    return this.#ask({ method: 'GET', path: withQuery(path, query) });
  }

  async post<Answer>(path: string, body: unknown): Promise<Answer> {
    return parseJson<Answer>(await this.#ask({ method: 'POST', path, body }));
  }

  async postForBytes(path: string, body: unknown): Promise<Uint8Array> {
    return this.#ask({ method: 'POST', path, body });
  }

  async #ask({ method, path, body }: Request): Promise<Uint8Array> {
    const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
    const headers = body === undefined ? {} : { 'content-type': 'application/json' };
    const asked = httpRequest({ socketPath: this.#socketPath, method, path, headers }, resolve);
    asked.setTimeout(TIMEOUT_MS, () => {
      asked.destroy(new Error(`no answer within ${TIMEOUT_MS / 1000} s`));
    });
    asked.on('error', reject);
    asked.end(body === undefined ? undefined : JSON.stringify(body));
    try {
      const answer = await promise;
      const bytes = await readAll(answer);
      if ((answer.statusCode ?? 0) < 300) return bytes;
      throw refusalOf(bytes);
    } catch (error) {
      if (error instanceof Failure) throw error;
      throw this.#unreachable(error);
    }
  }

  #unreachable(error: unknown): Failure {
    const reason = error instanceof Error ? error.message : String(error);
    return new Failure(
      EXIT.daemonUnreachable,
      `daemon not reached at "${this.#socketPath}": ${reason}`,
      {
        code: 'daemon-unreachable',
        hint: 'is it running (npm start), and is this its state folder (--state DIR)?',
        cause: error,
      },
    );
  }
}

export type Query = Readonly<Record<string, string | number | undefined>>;

function withQuery(path: string, query: Query): string {
  const given = Object.entries(query).flatMap(([name, value]) =>
    value === undefined ? [] : [[name, String(value)] as [string, string]],
  );
  return given.length === 0 ? path : `${path}?${new URLSearchParams(given).toString()}`;
}

async function readAll(answer: IncomingMessage): Promise<Uint8Array> {
  const chunks: Buffer[] = [];
  let sizeBytes = 0;
  for await (const chunk of answer as AsyncIterable<Buffer>) {
    sizeBytes += chunk.length;
    if (sizeBytes > ANSWER_SIZE_BYTES_MAX) throw new Error('the answer is too long');
    chunks.push(chunk);
  }
  return new Uint8Array(Buffer.concat(chunks));
}

function parseJson<Answer>(bytes: Uint8Array): Answer {
  // The daemon's own description (openapi.json) says what each path answers; it is believed.
  return JSON.parse(Buffer.from(bytes).toString()) as Answer;
}

function refusalOf(bytes: Uint8Array): Failure {
  const { code, message } = parseJson<{ code: string; message: string }>(bytes);
  return new Failure(EXIT.foundBad, message, { code });
}
