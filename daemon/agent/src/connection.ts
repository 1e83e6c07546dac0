/**
 * One connection to the agent socket: bytes to frames and back, the greeting, and the end. It holds
 * no session; whoever opened it is told every frame, and once that it is over.
 */
import { createConnection, type Socket } from 'node:net';

import { AgentError } from './agent-error.ts';
import { FRAME_TYPE, FrameReader, type Frame } from './frame.ts';
import { decodeRefused, decodeWelcome, expectFrame, helloFrame, type Welcome } from './messages.ts';

/** Bytes of a Unix socket's path, without its closing NUL (unix(7)). */
const SOCKET_PATH_SIZE_BYTES_MAX = 107;

export interface ConnectionOptions {
  readonly socketPath: string;
  /** Name and version of the program, for the ledger's entry. */
  readonly client: string;
  /** For reaching the ledger and for its greeting. */
  readonly timeoutMs: number;
}

export interface ConnectionListener {
  frame(frame: Frame): void;
  /** Room again after `send` returned false. */
  drained(): void;
  /** Told once. */
  ended(reason: AgentError): void;
}

export class Connection {
  readonly #socket: Socket;
  readonly #reader = new FrameReader();
  readonly #socketPath: string;
  #listener: ConnectionListener = new Answer();
  #endedBy: AgentError | null = null;

  private constructor(socketPath: string) {
    this.#socketPath = socketPath;
    this.#socket = createConnection({ path: socketPath });
    this.#socket.on('data', (chunk: Buffer) => this.#receive(chunk));
    this.#socket.on('drain', () => this.#listener.drained());
    this.#socket.on('error', (cause: NodeJS.ErrnoException) => this.#end(this.#reasonOf(cause)));
    this.#socket.on('close', () => this.#end(this.#unreachable('it closed the connection')));
  }

  /**
   * Connects and greets.
   * @throws AgentError `ledger-unreachable`, `protocol-violation`, or the ledger's own refusal
   */
  static async open(options: ConnectionOptions): Promise<{ link: Connection; welcome: Welcome }> {
    const { socketPath, client, timeoutMs } = options;
    if (Buffer.byteLength(socketPath) > SOCKET_PATH_SIZE_BYTES_MAX) {
      throw AgentError.own(
        'ledger-unreachable',
        `not connected: the path "${socketPath}" is longer than the ` +
          `${SOCKET_PATH_SIZE_BYTES_MAX} bytes a Unix socket can have`,
      );
    }
    const link = new Connection(socketPath);
    const payload = await link.ask(helloFrame(client), { type: 'welcome', timeoutMs });
    return { link, welcome: link.#decoded(() => decodeWelcome(payload)) };
  }

  /**
   * Sends `frame` and waits for the one answer, of `type`; for the exchanges before a session is
   * open. On any failure the connection is over.
   * @throws AgentError `ledger-unreachable`, `protocol-violation`, or the ledger's own refusal
   */
  async ask(
    frame: Uint8Array,
    { type, timeoutMs }: { readonly type: keyof typeof FRAME_TYPE; readonly timeoutMs: number },
  ): Promise<Uint8Array> {
    const answer = new Answer();
    this.listen(answer);
    this.send(frame);
    const timer = setTimeout(() => {
      this.destroy(this.#unreachable(`no answer within ${timeoutMs} ms`));
    }, timeoutMs);
    try {
      const arrived = await answer.arrived;
      return this.#decoded(() => payloadOf(arrived, type));
    } finally {
      clearTimeout(timer);
    }
  }

  /** From now on `listener` is told; at once when the connection is over already. */
  listen(listener: ConnectionListener): void {
    this.#listener = listener;
    if (this.#endedBy !== null) listener.ended(this.#endedBy);
  }

  /** False when the caller should wait for `drained` before it sends more. */
  send(frame: Uint8Array): boolean {
    return this.#socket.write(frame);
  }

  /** Ends the connection at once; the listener is told `reason`. */
  destroy(reason: AgentError): void {
    this.#end(reason);
    this.#socket.destroy();
  }

  /** A step that reads an answer; where it fails, the connection is of no more use. */
  #decoded<Value>(decode: () => Value): Value {
    try {
      return decode();
    } catch (error) {
      const reason = asAgentError(error);
      this.destroy(reason);
      throw reason;
    }
  }

  #receive(chunk: Buffer): void {
    try {
      for (const frame of this.#reader.push(chunk)) {
        if (this.#endedBy !== null) return;
        this.#listener.frame(frame);
      }
    } catch (error) {
      this.destroy(asAgentError(error));
    }
  }

  #end(reason: AgentError): void {
    if (this.#endedBy !== null) return;
    this.#endedBy = reason;
    this.#listener.ended(reason);
  }

  #reasonOf(cause: NodeJS.ErrnoException): AgentError {
    const reason = SOCKET_ERRORS[cause.code ?? ''] ?? cause.message;
    return AgentError.own(
      'ledger-unreachable',
      `ledger not reached at "${this.#socketPath}": ${reason}`,
      cause,
    );
  }

  #unreachable(reason: string): AgentError {
    return AgentError.own(
      'ledger-unreachable',
      `ledger not reached at "${this.#socketPath}": ${reason}`,
    );
  }
}

const SOCKET_ERRORS: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such socket: is the daemon running, and is this its state folder?',
  ECONNREFUSED: 'nobody listens on the socket: is the daemon running?',
  EACCES: 'the socket belongs to another user',
};

/** Waits for one frame. */
class Answer implements ConnectionListener {
  readonly #frame = Promise.withResolvers<Frame>();

  constructor() {
    // Whoever asks awaits `arrived`; a connection that ends while nobody asks is not an error.
    this.#frame.promise.catch(() => undefined);
  }

  get arrived(): Promise<Frame> {
    return this.#frame.promise;
  }

  frame(frame: Frame): void {
    this.#frame.resolve(frame);
  }

  drained(): void {
    // One small frame at a time: nothing waits for room.
  }

  ended(reason: AgentError): void {
    this.#frame.reject(reason);
  }
}

function payloadOf(frame: Frame, type: keyof typeof FRAME_TYPE): Uint8Array {
  if (frame.type === FRAME_TYPE.refused) throw AgentError.ofLedger(decodeRefused(frame.payload));
  return expectFrame(frame, type);
}

function asAgentError(error: unknown): AgentError {
  if (error instanceof AgentError) return error;
  throw error;
}
