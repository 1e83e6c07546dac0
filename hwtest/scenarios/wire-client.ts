/**
 * A client of the agent socket that may say anything: whole frames, parts of frames, or bytes that
 * are none. Written from SPEC.md §6 and on nothing of @kudurru/agent, which refuses to misbehave.
 */
import assert from 'node:assert/strict';
import { createConnection, type Socket } from 'node:net';

import {
  decodeCbor,
  encodeCbor,
  isCborArray,
  type CborArray,
  type CborValue,
} from '@kudurru/proof';

export const FRAME = {
  hello: 0x01,
  open: 0x02,
  submit: 0x03,
  close: 0x04,
  welcome: 0x81,
  opened: 0x82,
  committed: 0x83,
  anchored: 0x84,
  closed: 0x85,
  refused: 0x86,
} as const;

const headerSizeBytes = 5;
const lengthSizeBytes = 4;

/** `u32 length of type and payload ‖ u8 type ‖ payload`. */
export function frameOf(type: number, payload: Uint8Array): Uint8Array {
  const frame = Buffer.alloc(headerSizeBytes + payload.length);
  frame.writeUInt32BE(1 + payload.length);
  frame.writeUInt8(type, lengthSizeBytes);
  frame.set(payload, headerSizeBytes);
  return new Uint8Array(frame);
}

export function cborFrame(type: number, value: CborValue): Uint8Array {
  return frameOf(type, encodeCbor(value));
}

export interface Answer {
  readonly type: number;
  readonly items: CborArray;
}

export interface Refusal {
  readonly firstSequence: number | null;
  readonly code: string;
  readonly message: string;
  /** 0 never, 1 later, 2 restart. */
  readonly retry: number;
}

export class WireClient {
  readonly socket: Socket;
  /** Resolves when the daemon has ended the connection, however. */
  readonly ended: Promise<void>;
  #received: Buffer = Buffer.alloc(0);
  #isOver = false;
  #wake = Promise.withResolvers<void>();

  private constructor(socket: Socket) {
    this.socket = socket;
    this.ended = new Promise((resolve) => {
      socket.once('close', () => resolve());
    });
    socket.on('data', (part) => {
      this.#received = Buffer.concat([this.#received, part]);
      this.#wake.resolve();
    });
    const over = (): void => {
      this.#isOver = true;
      this.#wake.resolve();
    };
    // A reset is how a refused client's unread bytes end; what it was told came before.
    socket.on('error', over);
    socket.on('close', over);
    socket.on('end', over);
  }

  static async connect(socketPath: string): Promise<WireClient> {
    const socket = createConnection({ path: socketPath, allowHalfOpen: true });
    await new Promise<void>((resolve, reject) => {
      socket.once('connect', resolve);
      socket.once('error', reject);
    });
    return new WireClient(socket);
  }

  send(bytes: Uint8Array): void {
    this.socket.write(bytes);
  }

  /** Says that nothing more will come. */
  finish(): void {
    this.socket.end();
  }

  destroy(): void {
    this.socket.destroy();
  }

  /** The next frame, or null where the connection has ended. */
  async next(): Promise<Answer | null> {
    for (;;) {
      const answer = this.#takeFrame();
      if (answer !== null) return answer;
      if (this.#isOver) return null;
      await this.#wake.promise;
      this.#wake = Promise.withResolvers();
    }
  }

  /** The items of the next frame, which is of this type. */
  async expect(type: keyof typeof FRAME): Promise<CborArray> {
    const answer = await this.next();
    assert.ok(answer !== null, `the connection ended where a frame "${type}" was due`);
    assert.equal(answer.type, FRAME[type], `${describe(answer)} came instead of "${type}"`);
    return answer.items;
  }

  async refusal(): Promise<Refusal> {
    const [firstSequence, code, message, retry] = await this.expect('refused');
    assert.ok(firstSequence === null || typeof firstSequence === 'number');
    assert.ok(typeof code === 'string' && typeof message === 'string');
    assert.ok(typeof retry === 'number');
    return { firstSequence, code, message, retry };
  }

  /** Nothing more comes: the daemon ends the connection. */
  async requireEnd(): Promise<void> {
    const answer = await this.next();
    assert.equal(answer, null, answer === null ? '' : `${describe(answer)} came, not the end`);
    this.socket.end();
    await this.ended;
  }

  #takeFrame(): Answer | null {
    if (this.#received.length < headerSizeBytes) return null;
    const end = lengthSizeBytes + this.#received.readUInt32BE();
    if (this.#received.length < end) return null;
    const type = this.#received.readUInt8(lengthSizeBytes);
    const items = decodeCbor(new Uint8Array(this.#received.subarray(headerSizeBytes, end)));
    this.#received = this.#received.subarray(end);
    assert.ok(isCborArray(items), `the payload of frame type ${type} is no array`);
    return { type, items };
  }
}

function describe({ type, items }: Answer): string {
  return `a frame of type ${type} (${items.map(String).join(', ')})`;
}
