/** Seeded mutation of bytes, for fuzzing: the same seed gives the same inputs. */
const INTERESTING = [
  0x00, 0x01, 0x17, 0x18, 0x19, 0x1b, 0x40, 0x5f, 0x7f, 0x80, 0x9f, 0xa0, 0xf6, 0xff,
];
const INPUT_SIZE_BYTES_MAX = 1 << 20;

export class Mutator {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** An integer in 0 … below - 1 (mulberry32). */
  below(below: number): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let mixed = this.#state;
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  }

  /** One of `items`. */
  pick<T>(items: readonly T[]): T {
    return items[this.below(items.length)] as T;
  }

  /** One of `corpus` after one to eight changes, some of them parts of another of `corpus`. */
  mutate(corpus: readonly Uint8Array[]): Uint8Array {
    let bytes: Uint8Array = this.pick(corpus).slice();
    for (let rounds = this.below(8); rounds >= 0; rounds--) bytes = this.#change(bytes, corpus);
    return bytes.subarray(0, INPUT_SIZE_BYTES_MAX);
  }

  #change(bytes: Uint8Array, corpus: readonly Uint8Array[]): Uint8Array {
    const at = this.below(bytes.length + 1);
    const length = this.below(Math.min(64, bytes.length - at + 1));
    const [head, tail] = [bytes.subarray(0, at), bytes.subarray(at)];
    switch (this.below(7)) {
      case 0:
        return set(bytes, at, (bytes[at] ?? 0) ^ (1 << this.below(8)));
      case 1:
        return set(bytes, at, this.pick(INTERESTING));
      case 2:
        return set(bytes, at, this.below(256));
      case 3:
        return join(head, tail.subarray(length)); // cut out
      case 4:
        return join(head, tail.subarray(0, length), tail); // repeat
      case 5:
        return head.slice(); // cut off
      default: {
        const other = this.pick(corpus);
        const start = this.below(other.length + 1);
        return join(head, other.subarray(start, start + this.below(256)), tail);
      }
    }
  }
}

function set(bytes: Uint8Array, at: number, value: number): Uint8Array {
  if (at < bytes.length) bytes[at] = value;
  return bytes;
}

function join(...parts: readonly Uint8Array[]): Uint8Array {
  return Uint8Array.from(Buffer.concat(parts));
}
