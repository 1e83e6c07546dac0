/** The data types of SSH (RFC 4251 §5): strict, and total by `ssh-malformed`. */
import { concatBytes, decodeUtf8, equalBytes, encodeUtf8, viewOf } from './bytes.ts';
import { ProofError } from './proof-error.ts';

const SCALAR_SIZE_BYTES = 32;
/** A sign byte may stand before the digits. */
const MPINT_SIZE_BYTES_MAX = SCALAR_SIZE_BYTES + 1;

export class SshReader {
  readonly #structure: string;
  readonly #bytes: Uint8Array;
  #offset = 0;

  /** @param structure name of the structure, for messages */
  constructor(structure: string, bytes: Uint8Array) {
    this.#structure = structure;
    this.#bytes = bytes;
  }

  u8(): number {
    return viewOf(this.bytes(1)).getUint8(0);
  }

  u32(): number {
    return viewOf(this.bytes(4)).getUint32(0);
  }

  bytes(length: number): Uint8Array {
    const start = this.#offset;
    if (length > this.#bytes.length - start) throw this.malformed('cut off');
    this.#offset = start + length;
    return this.#bytes.subarray(start, this.#offset);
  }

  /** A `string` of at most `max` bytes. */
  string(max: number): Uint8Array {
    const length = this.u32();
    if (length > max) throw this.malformed(`a string of ${length} bytes, at most ${max} fit`);
    return this.bytes(length);
  }

  /** A `string` of at most `max` bytes of printable ASCII. */
  text(max: number): string {
    const bytes = this.string(max);
    const isPrintable = bytes.every((byte) => byte >= 0x20 && byte < 0x7f);
    if (!isPrintable) throw this.malformed('a name is not printable ASCII');
    return decodeUtf8(bytes);
  }

  /** A positive, minimal `mpint` of at most 32 significant bytes, as exactly 32 bytes. */
  scalar(): Uint8Array {
    const encoded = this.string(MPINT_SIZE_BYTES_MAX);
    const [first = 0, second = 0] = encoded;
    const isMinimal = first !== 0 || (encoded.length > 1 && second >= 0x80);
    if (encoded.length === 0 || first >= 0x80 || !isMinimal) {
      throw this.malformed('a number is not positive and minimal');
    }
    const digits = first === 0 ? encoded.subarray(1) : encoded;
    if (digits.length > SCALAR_SIZE_BYTES) throw this.malformed('a number is too long');
    const scalar = new Uint8Array(SCALAR_SIZE_BYTES);
    scalar.set(digits, SCALAR_SIZE_BYTES - digits.length);
    return scalar;
  }

  /** Refuses another value than `wanted` in the `string` that follows. */
  expect(wanted: string): void {
    const found = this.string(wanted.length);
    if (!equalBytes(found, encodeUtf8(wanted))) throw this.malformed(`does not say '${wanted}'`);
  }

  /** Refuses bytes after the structure. */
  end(): void {
    const left = this.#bytes.length - this.#offset;
    if (left > 0) throw this.malformed(`${left} bytes after the end`);
  }

  malformed(reason: string): ProofError {
    return new ProofError('ssh-malformed', `${this.#structure}: ${reason}`);
  }
}

/** `bytes`, or the UTF-8 of a text, as a `string`. */
export function sshString(value: Uint8Array | string): Uint8Array {
  const bytes = typeof value === 'string' ? encodeUtf8(value) : value;
  return concatBytes(sshU32(bytes.length), bytes);
}

export function sshU32(value: number): Uint8Array {
  const bytes = new Uint8Array(4);
  viewOf(bytes).setUint32(0, value);
  return bytes;
}

/** An unsigned big-endian number as a minimal `mpint`. */
export function sshMpint(number: Uint8Array): Uint8Array {
  const start = number.findIndex((byte) => byte !== 0);
  const digits = start < 0 ? new Uint8Array(0) : number.subarray(start);
  const sign = (digits[0] ?? 0) >= 0x80 ? 1 : 0;
  return sshString(concatBytes(new Uint8Array(sign), digits));
}
