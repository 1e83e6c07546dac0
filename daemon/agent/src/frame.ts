/**
 * Frames of the agent socket (SPEC §6): u32 length of type and payload, u8 type, payload. The
 * reader takes bytes as they arrive and holds at most one unfinished frame.
 */
import { concatBytes } from '@kudurru/proof';

import { AgentError } from './agent-error.ts';

export const FRAME_TYPE = {
  hello: 0x01,
  open: 0x02,
  submit: 0x03,
  close: 0x04,
  bodyChunk: 0x05,
  welcome: 0x81,
  opened: 0x82,
  committed: 0x83,
  anchored: 0x84,
  closed: 0x85,
  refused: 0x86,
} as const;

/** Bytes of type and payload (SPEC §6). */
export const FRAME_SIZE_BYTES_MIN = 2;
export const FRAME_SIZE_BYTES_MAX = 4_194_304;

const LENGTH_SIZE_BYTES = 4;

export interface Frame {
  readonly type: number;
  readonly payload: Uint8Array;
}

export function encodeFrame({ type, payload }: Frame): Uint8Array {
  const bytes = new Uint8Array(LENGTH_SIZE_BYTES + 1 + payload.length);
  new DataView(bytes.buffer).setUint32(0, 1 + payload.length);
  bytes[LENGTH_SIZE_BYTES] = type;
  bytes.set(payload, LENGTH_SIZE_BYTES + 1);
  return bytes;
}

export class FrameReader {
  #chunks: Uint8Array[] = [];
  #sizeBytes = 0;

  /** The frames that `chunk` completes, in order. @throws AgentError `protocol-violation` */
  push(chunk: Uint8Array): Frame[] {
    this.#chunks.push(chunk);
    this.#sizeBytes += chunk.length;
    const frames: Frame[] = [];
    for (let frame = this.#next(); frame !== undefined; frame = this.#next()) frames.push(frame);
    return frames;
  }

  #next(): Frame | undefined {
    if (this.#sizeBytes < LENGTH_SIZE_BYTES) return undefined;
    const length = this.#length();
    if (this.#sizeBytes < LENGTH_SIZE_BYTES + length) return undefined;
    const whole = this.#joined();
    const end = LENGTH_SIZE_BYTES + length;
    const rest = whole.subarray(end);
    this.#chunks = rest.length > 0 ? [rest] : [];
    this.#sizeBytes = rest.length;
    return {
      type: whole[LENGTH_SIZE_BYTES] ?? 0,
      payload: whole.subarray(LENGTH_SIZE_BYTES + 1, end),
    };
  }

  #length(): number {
    // Only a length that is cut across chunks needs them joined: a long frame is joined once.
    const first = this.#chunks[0];
    const head = first !== undefined && first.length >= LENGTH_SIZE_BYTES ? first : this.#joined();
    const length = new DataView(head.buffer, head.byteOffset).getUint32(0);
    if (length < FRAME_SIZE_BYTES_MIN || length > FRAME_SIZE_BYTES_MAX) {
      throw AgentError.own(
        'protocol-violation',
        `frame not read: its length of ${length} is not in ` +
          `${FRAME_SIZE_BYTES_MIN} .. ${FRAME_SIZE_BYTES_MAX}`,
      );
    }
    return length;
  }

  #joined(): Uint8Array {
    const [only] = this.#chunks;
    if (this.#chunks.length === 1 && only !== undefined) return only;
    const whole = concatBytes(...this.#chunks);
    this.#chunks = [whole];
    return whole;
  }
}
