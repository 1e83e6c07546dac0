/** Big-endian cursor over a marshalled TPM 2.0 structure: strict, and total by `tpm-malformed`. */
import { viewOf } from './bytes.ts';
import { ProofError } from './proof-error.ts';

export class TpmReader {
  readonly #structure: string;
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  #offset = 0;

  /** @param structure name of the structure, for messages */
  constructor(structure: string, bytes: Uint8Array) {
    this.#structure = structure;
    this.#bytes = bytes;
    this.#view = viewOf(bytes);
  }

  u8(): number {
    return this.#view.getUint8(this.#advance(1));
  }

  u16(): number {
    return this.#view.getUint16(this.#advance(2));
  }

  u32(): number {
    return this.#view.getUint32(this.#advance(4));
  }

  u64(): bigint {
    return this.#view.getBigUint64(this.#advance(8));
  }

  /** TPMI_YES_NO. */
  yesNo(): boolean {
    const value = this.u8();
    if (value > 1) throw this.malformed(`${value} is neither yes nor no`);
    return value === 1;
  }

  bytes(length: number): Uint8Array {
    const start = this.#advance(length);
    return this.#bytes.subarray(start, start + length);
  }

  /** A TPM2B of at most `max` bytes. */
  sized(max: number): Uint8Array {
    const length = this.u16();
    if (length > max) throw this.malformed(`a field of ${length} bytes, at most ${max} fit`);
    return this.bytes(length);
  }

  /** Refuses bytes after the structure. */
  end(): void {
    const left = this.#bytes.length - this.#offset;
    if (left > 0) throw this.malformed(`${left} bytes after the end`);
  }

  malformed(reason: string): ProofError {
    return new ProofError('tpm-malformed', `${this.#structure}: ${reason}`);
  }

  #advance(length: number): number {
    const start = this.#offset;
    if (length > this.#bytes.length - start) throw this.malformed('cut off');
    this.#offset = start + length;
    return start;
  }
}
