/**
 * DER (ITU-T X.690 §10) as far as certificates go: definite, minimal lengths, one-byte tags, and
 * nothing after what was read. Strict, and total by `certificate-malformed`.
 */
import { decodeUtf8, encodeHex } from './bytes.ts';
import { ProofError } from './proof-error.ts';

export const DER_TAG = {
  boolean: 0x01,
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  null: 0x05,
  objectId: 0x06,
  utf8String: 0x0c,
  sequence: 0x30,
  set: 0x31,
  printableString: 0x13,
  utcTime: 0x17,
  generalizedTime: 0x18,
} as const;

export interface DerElement {
  readonly tag: number;
  /** Without tag and length. */
  readonly content: Uint8Array;
  /** With both. */
  readonly whole: Uint8Array;
}

export class DerReader {
  readonly #structure: string;
  readonly #bytes: Uint8Array;
  #offset = 0;

  /** @param structure name of the structure, for messages */
  constructor(structure: string, bytes: Uint8Array) {
    this.#structure = structure;
    this.#bytes = bytes;
  }

  get isAtEnd(): boolean {
    return this.#offset === this.#bytes.length;
  }

  /** Whether an element with `tag` comes next. */
  isNext(tag: number): boolean {
    return this.#bytes[this.#offset] === tag;
  }

  /** The next element, which must have `tag` if one is given. */
  element(tag?: number): DerElement {
    const start = this.#offset;
    const found = this.#byte();
    if ((found & 0x1f) === 0x1f) throw this.malformed('a tag of more than one byte');
    if (tag !== undefined && found !== tag) {
      throw this.malformed(`tag ${found.toString(16)} where ${tag.toString(16)} must stand`);
    }
    const length = this.#length();
    if (length > this.#bytes.length - this.#offset) throw this.malformed('cut off');
    const content = this.#bytes.subarray(this.#offset, this.#offset + length);
    this.#offset += length;
    return { tag: found, content, whole: this.#bytes.subarray(start, this.#offset) };
  }

  /** A reader of what is in the next element, which must have `tag`. */
  into(tag: number): DerReader {
    return new DerReader(this.#structure, this.element(tag).content);
  }

  /** An OBJECT IDENTIFIER as the hexadecimal of its content. */
  objectId(): string {
    const { content } = this.element(DER_TAG.objectId);
    if (content.length === 0) throw this.malformed('an empty object identifier');
    return encodeHex(content);
  }

  /** The bytes of a non-negative, minimal INTEGER, without a sign byte. */
  unsigned(): Uint8Array {
    const { content } = this.element(DER_TAG.integer);
    const [first = 0, second = 0] = content;
    const isPadded = content.length > 1 && first === 0 && second < 0x80;
    if (content.length === 0 || first >= 0x80 || isPadded) {
      throw this.malformed('a number is negative or not minimal');
    }
    return first === 0 && content.length > 1 ? content.subarray(1) : content;
  }

  /** A BIT STRING of whole bytes. */
  bits(): Uint8Array {
    const { content } = this.element(DER_TAG.bitString);
    if (content[0] !== 0) throw this.malformed('a bit string is not of whole bytes');
    return content.subarray(1);
  }

  /** TRUE, FALSE, or the default FALSE, which DER leaves out. */
  flag(): boolean {
    if (!this.isNext(DER_TAG.boolean)) return false;
    const { content } = this.element(DER_TAG.boolean);
    if (content.length !== 1 || content[0] !== 0xff) {
      throw this.malformed('a boolean is not TRUE');
    }
    return true;
  }

  /** A UTF8String or PrintableString. */
  text(): string {
    const { tag, content } = this.element();
    if (tag === DER_TAG.utf8String || tag === DER_TAG.printableString) {
      return this.attempt(() => decodeUtf8(content));
    }
    throw this.malformed('a text of another type');
  }

  /** Refuses bytes after the structure. */
  end(): void {
    if (!this.isAtEnd) {
      throw this.malformed(`${this.#bytes.length - this.#offset} bytes after the end`);
    }
  }

  /** Gives a malformed part this structure's code. */
  attempt<T>(read: () => T): T {
    try {
      return read();
    } catch (cause) {
      if (!(cause instanceof ProofError)) throw cause;
      throw new ProofError('certificate-malformed', `${this.#structure}: ${cause.message}`, {
        cause,
      });
    }
  }

  malformed(reason: string): ProofError {
    return new ProofError('certificate-malformed', `${this.#structure}: ${reason}`);
  }

  #byte(): number {
    const byte = this.#bytes[this.#offset];
    if (byte === undefined) throw this.malformed('cut off');
    this.#offset += 1;
    return byte;
  }

  #length(): number {
    const first = this.#byte();
    if (first < 0x80) return first;
    const count = first & 0x7f;
    // Two bytes are enough: nothing here is longer than a certificate may be.
    if (count === 0 || count > 2) throw this.malformed('an indefinite or too long length');
    let length = 0;
    for (let i = 0; i < count; i++) length = length * 256 + this.#byte();
    if (length < 0x80 || (count === 2 && length < 0x100)) {
      throw this.malformed('a length is not minimal');
    }
    return length;
  }
}
