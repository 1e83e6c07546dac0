/**
 * A serial line: opened, set to raw and emptied by serialport, then read without waiting. A read
 * that finds nothing, or less than it asked for, shows that the line was empty at its moment: what
 * a later read finds has come since. Reading as bytes arrive would not show that.
 */
import { readSync } from 'node:fs';

import { readBracket, readRawNs } from '@kudurru/native';
import { SerialPort } from 'serialport';

/** Bytes that came between two readings of CLOCK_MONOTONIC_RAW. */
export interface HeardBytes {
  readonly bytes: Uint8Array;
  /** The line was empty then. */
  readonly sinceRawNs: bigint;
  readonly untilRawNs: bigint;
  /** CLOCK_REALTIME between the two. */
  readonly realtimeNs: bigint;
}

/** The line cannot be opened, or went away. */
export class LineError extends Error {
  override readonly name = 'LineError';
}

type Port = Awaited<ReturnType<typeof SerialPort.binding.open>>;

/** More than the fastest line brings between two reads that are on time. */
const READ_SIZE_BYTES = 4096;

export class SerialLine {
  readonly #port: Port;
  readonly #path: string;
  readonly #buffer = new Uint8Array(READ_SIZE_BYTES);
  #emptySinceRawNs: bigint;

  private constructor(port: Port, path: string, emptySinceRawNs: bigint) {
    this.#port = port;
    this.#path = path;
    this.#emptySinceRawNs = emptySinceRawNs;
  }

  /** What had come before is discarded: of that nobody knows when. @throws LineError */
  static async open(path: string, baudRate: number): Promise<SerialLine> {
    const emptySinceRawNs = readRawNs();
    try {
      return new SerialLine(
        await SerialPort.binding.open({ path, baudRate }),
        path,
        emptySinceRawNs,
      );
    } catch (cause) {
      throw lost(path, cause);
    }
  }

  /** What has come; null where nothing has. @throws LineError */
  read(): HeardBytes | null {
    const beforeRawNs = readRawNs();
    const size = this.#readNow();
    const now = readBracket('realtime', 1);
    const sinceRawNs = this.#emptySinceRawNs;
    if (size < READ_SIZE_BYTES) this.#emptySinceRawNs = beforeRawNs;
    if (size === 0) return null;
    return {
      ...{ bytes: this.#buffer.slice(0, size), sinceRawNs },
      ...{ untilRawNs: now.rawAfterNs, realtimeNs: now.valueNs },
    };
  }

  /** Asks the receiver. Nobody waits: where the line takes nothing, nothing is answered either. */
  ask(question: Uint8Array): void {
    // A line that went away says so when it is read.
    this.#port.write(Buffer.from(question)).catch(() => undefined);
  }

  async close(): Promise<void> {
    await this.#port.close();
  }

  #readNow(): number {
    const { fd } = this.#port;
    if (fd === null) throw new LineError(`"${this.#path}" is closed`);
    let size: number;
    try {
      size = readSync(fd, this.#buffer);
    } catch (cause) {
      if ((cause as NodeJS.ErrnoException).code === 'EAGAIN') return 0;
      throw lost(this.#path, cause);
    }
    if (size === 0) throw new LineError(`"${this.#path}" has hung up`);
    return size;
  }
}

function lost(path: string, cause: unknown): LineError {
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new LineError(`"${path}": ${reason}`, { cause });
}
