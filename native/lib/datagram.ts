// Unix datagram sockets, which Node does not have.
import { getSystemErrorName } from 'node:util';

import { checkBytes, checkInteger } from './arguments.ts';
import { nativePart } from './load.ts';
import { NativeError } from './native-error.ts';

/** One datagram, and the clocks when it was taken from the socket. */
export interface Datagram {
  readonly bytes: Uint8Array;
  /** It was longer than `sizeBytesMax`: the rest is lost. */
  readonly truncated: boolean;
  /** Path that it was sent from, `@` and a name in the abstract space, or '' of an unbound one. */
  readonly from: string;
  /** Whom the kernel names as its sender; pid 0 outside this process's namespace. */
  readonly sender: { readonly pid: number; readonly uid: number; readonly gid: number } | null;
  /** CLOCK_MONOTONIC_RAW before, CLOCK_REALTIME, CLOCK_MONOTONIC_RAW after; nanoseconds. */
  readonly rawBeforeNs: bigint;
  readonly realtimeNs: bigint;
  readonly rawAfterNs: bigint;
}

export interface DatagramOptions {
  /** Where this socket is bound; servers answer there. Made at once, taken away by `close`. */
  readonly path: string;
  /** Of the socket file, below the process's mask; default 0600. */
  readonly mode?: number;
  /** Longer datagrams are cut off; default 2048. */
  readonly sizeBytesMax?: number;
  /** Called with what came, in order, and how many were dropped because 256 were waiting. */
  receive(datagrams: readonly Datagram[], dropped: number): void;
  /** Called once where nothing more can be received. */
  fail(error: NativeError): void;
}

export interface DatagramSocket {
  /**
   * Sends one datagram to the socket at `to`; never waits.
   * @throws NativeError errno `ENOENT`, `ECONNREFUSED`, `EACCES`, `EAGAIN` …
   */
  send(to: string, bytes: Uint8Array): void;
  /** Takes the socket file away. May be called again; nothing is received after it. */
  close(): void;
}

interface NativeDatagramSocket {
  send(to: string, bytes: Uint8Array): number;
  close(): void;
}

interface DatagramPart {
  readonly DatagramSocket: new (
    path: string,
    mode: number,
    sizeBytesMax: number,
    deliver: (datagrams: readonly Datagram[], dropped: number, errno: number) => void,
  ) => NativeDatagramSocket;
}

const native = nativePart<DatagramPart>();

/** What an errno means between two Unix sockets. */
const reasons: Readonly<Record<string, string>> = {
  EACCES: 'this process may not write there: ask for the rights of its owner',
  EADDRINUSE: 'another process has a socket there',
  EAGAIN: 'the queue of the receiver is full',
  ECONNREFUSED: 'the process that made this socket is gone',
  EMSGSIZE: 'the datagram is too long',
  ENAMETOOLONG: 'the path is empty, or longer than the 107 bytes a socket may have',
  ENOENT: 'there is no such socket or folder: the server does not run, or has it elsewhere',
  ENOTCONN: 'this socket is closed',
  ENOTDIR: 'a part of the path is no folder',
  EPROTOTYPE: 'the socket there is not one of datagrams',
  EROFS: 'the file system is read-only',
};

/** @throws NativeError errno `EACCES`, `EADDRINUSE`, `ENAMETOOLONG`, `ENOENT` … */
export function openDatagramSocket(options: DatagramOptions): DatagramSocket {
  const { path, mode = 0o600, sizeBytesMax = 2048 } = options;
  checkText(path, 'path');
  checkInteger(mode, 'mode', { min: 0, max: 0o777 });
  checkInteger(sizeBytesMax, 'sizeBytesMax', { min: 1, max: 1 << 20 });
  return new OpenSocket({ ...options, mode, sizeBytesMax });
}

class OpenSocket implements DatagramSocket {
  readonly #native: NativeDatagramSocket;

  constructor({ path, mode, sizeBytesMax, receive, fail }: Required<DatagramOptions>) {
    const deliver = (datagrams: readonly Datagram[], dropped: number, errno: number): void => {
      if (datagrams.length > 0 || dropped > 0) receive(datagrams, dropped);
      if (errno !== 0) fail(failed(errno, `cannot receive at "${path}"`, 'receive'));
    };
    try {
      this.#native = new native.DatagramSocket(path, mode, sizeBytesMax, deliver);
    } catch (error) {
      if (!(error instanceof NativeError)) throw error;
      throw failed(Number(error.code), `cannot make a socket at "${path}"`, error.operation);
    }
  }

  send(to: string, bytes: Uint8Array): void {
    checkText(to, 'to');
    checkBytes(bytes, 'bytes');
    const errno = this.#native.send(to, bytes);
    if (errno !== 0) throw failed(errno, `cannot send to "${to}"`, 'send');
  }

  close(): void {
    this.#native.close();
  }
}

function failed(errno: number, what: string, operation: string): NativeError {
  const code = getSystemErrorName(-errno);
  const reason = reasons[code] ?? code;
  return new NativeError(`${what}: ${reason}`, { domain: 'errno', code, operation });
}

function checkText(value: unknown, name: string): void {
  if (typeof value !== 'string') throw new TypeError(`${name} is not a string`);
}
