/** A client of the agent socket that sends what it is told, right or wrong, and reads frames. */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';

import { concatBytes, decodeCbor, encodeCbor, isCborArray, type CborValue } from '@kudurru/proof';

export const FRAME = {
  hello: 0x01,
  open: 0x02,
  submit: 0x03,
  close: 0x04,
  welcome: 0x81,
  opened: 0x82,
  anchored: 0x84,
  closed: 0x85,
  refused: 0x86,
} as const;

const lengthBytes = 4;

export interface Frame {
  readonly type: number;
  readonly fields: readonly CborValue[];
}

export function frameOf(type: number, payload: Uint8Array): Uint8Array {
  const head = new Uint8Array(lengthBytes + 1);
  new DataView(head.buffer).setUint32(0, payload.length + 1);
  head[lengthBytes] = type;
  return concatBytes(head, payload);
}

export const helloFrame = frameOf(FRAME.hello, encodeCbor([1, 'test']));
/** The socket does not look into the request: that is the daemon's. */
export const openFrame = frameOf(FRAME.open, encodeCbor([Uint8Array.of(1, 2, 3)]));
/** Well framed, and refused with `submission-malformed`. */
export const badSubmitFrame = frameOf(FRAME.submit, encodeCbor([]));

export class AgentSocket {
  readonly socket: Socket;
  #received: Uint8Array = new Uint8Array(0);
  #ended = false;

  private constructor(socket: Socket) {
    this.socket = socket;
    // A refused client that goes on writing is told so by the kernel too.
    socket.on('error', () => undefined);
    socket.on('close', () => (this.#ended = true));
  }

  static async connect(path: string): Promise<AgentSocket> {
    const socket = connect({ path, allowHalfOpen: true });
    await once(socket, 'connect');
    return new AgentSocket(socket);
  }

  write(...parts: readonly Uint8Array[]): void {
    for (const part of parts) this.socket.write(part);
  }

  /** The next frame; null at the end of the connection. */
  async frame(): Promise<Frame | null> {
    for (;;) {
      const frame = this.#take();
      if (frame !== null) return frame;
      const chunk: unknown = this.socket.read();
      if (chunk instanceof Uint8Array) {
        this.#received = concatBytes(this.#received, chunk);
      } else if (this.#ended || this.socket.readableEnded) {
        return null;
      } else {
        await this.#more();
      }
    }
  }

  /** The code of the next frame, which is a refusal. */
  async refusal(): Promise<CborValue | undefined> {
    const frame = await this.frame();
    return frame?.type === FRAME.refused ? frame.fields[1] : `type ${frame?.type}`;
  }

  #more(): Promise<void> {
    return new Promise((resolve) => {
      const done = (): void => {
        for (const event of ['readable', 'end', 'close']) this.socket.off(event, done);
        resolve();
      };
      for (const event of ['readable', 'end', 'close']) this.socket.on(event, done);
    });
  }

  #take(): Frame | null {
    const bytes = this.#received;
    if (bytes.length < lengthBytes) return null;
    const length = new DataView(bytes.buffer, bytes.byteOffset).getUint32(0);
    if (bytes.length < lengthBytes + length) return null;
    const payload = decodeCbor(bytes.slice(lengthBytes + 1, lengthBytes + length));
    this.#received = bytes.slice(lengthBytes + length);
    if (!isCborArray(payload)) throw new Error('the daemon sent a payload that is no array');
    return { type: bytes[lengthBytes] ?? 0, fields: payload };
  }
}
