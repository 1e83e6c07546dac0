/** Little-endian cursor over a UBX payload: strict, and total by `gnss-malformed`. */
import { viewOf } from '../bytes.ts';
import { ProofError } from '../proof-error.ts';

export class UbxReader {
  readonly #message: string;
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  #offset = 0;

  /** @param message name of the message, for what is said of it */
  constructor(message: string, payload: Uint8Array) {
    this.#message = message;
    this.#bytes = payload;
    this.#view = viewOf(payload);
  }

  u8(): number {
    return this.#view.getUint8(this.#advance(1));
  }

  i8(): number {
    return this.#view.getInt8(this.#advance(1));
  }

  u16(): number {
    return this.#view.getUint16(this.#advance(2), true);
  }

  u32(): number {
    return this.#view.getUint32(this.#advance(4), true);
  }

  i32(): number {
    return this.#view.getInt32(this.#advance(4), true);
  }

  bytes(length: number): Uint8Array {
    const start = this.#advance(length);
    return this.#bytes.subarray(start, start + length);
  }

  /** Fields that this appliance does not use, of any value: later firmware gives them one. */
  skip(length: number): void {
    this.#advance(length);
  }

  /** Refuses bytes after the message. */
  end(): void {
    const left = this.#bytes.length - this.#offset;
    if (left > 0) throw this.malformed(`${left} bytes after the end`);
  }

  malformed(reason: string): ProofError {
    return new ProofError('gnss-malformed', `${this.#message}: ${reason}`);
  }

  #advance(length: number): number {
    const start = this.#offset;
    if (length > this.#bytes.length - start) throw this.malformed('cut off');
    this.#offset = start + length;
    return start;
  }
}

/** Whether bit `at` of `value` is set. */
export function bit(value: number, at: number): boolean {
  return ((value >>> at) & 1) === 1;
}

/** `width` bits of `value` from bit `at` on. */
export function bits(value: number, at: number, width: number): number {
  return (value >>> at) & ((1 << width) - 1);
}
