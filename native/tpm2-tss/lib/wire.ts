// Big-endian fields of TPM structures (Part 1 §4.3). The reader is strict: it throws on a short
// input, and `end` on a long one.

export class WireReader {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  readonly #what: string;
  #offset = 0;

  constructor(bytes: Uint8Array, what: string) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#what = what;
  }

  u8(): number {
    return this.#view.getUint8(this.#take(1));
  }

  u16(): number {
    return this.#view.getUint16(this.#take(2));
  }

  u32(): number {
    return this.#view.getUint32(this.#take(4));
  }

  u64(): bigint {
    return this.#view.getBigUint64(this.#take(8));
  }

  bytes(length: number): Uint8Array {
    const start = this.#take(length);
    return this.#bytes.slice(start, start + length);
  }

  /** TPM2B: a length of two bytes, and as many bytes. */
  sized(): Uint8Array {
    return this.bytes(this.u16());
  }

  rest(): Uint8Array {
    return this.bytes(this.#bytes.length - this.#offset);
  }

  end(): void {
    const left = this.#bytes.length - this.#offset;
    if (left !== 0) throw new RangeError(`malformed ${this.#what}: ${left} bytes left over`);
  }

  #take(length: number): number {
    const start = this.#offset;
    if (start + length > this.#bytes.length) {
      throw new RangeError(`malformed ${this.#what}: it ends after ${this.#bytes.length} bytes`);
    }
    this.#offset = start + length;
    return start;
  }
}

export function u16(value: number): Uint8Array {
  return Uint8Array.of(value >>> 8, value & 0xff);
}

export function u32(value: number): Uint8Array {
  return Uint8Array.of(value >>> 24, (value >>> 16) & 0xff, (value >>> 8) & 0xff, value & 0xff);
}

/** TPM2B. */
export function sized(bytes: Uint8Array): Uint8Array {
  return concat([u16(bytes.length), bytes]);
}

export function concat(parts: readonly Uint8Array[]): Uint8Array {
  const joined = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let offset = 0;
  for (const part of parts) {
    joined.set(part, offset);
    offset += part.length;
  }
  return joined;
}
