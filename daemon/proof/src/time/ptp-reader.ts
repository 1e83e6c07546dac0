/** Cursor over a PTP message: big-endian, strict, and total by `ptp-malformed`. */
import { encodeHex, viewOf } from '../bytes.ts';
import { ProofError } from '../proof-error.ts';

/** IEEE 1588-2019 §5.3.5: who speaks, and on which of its ports. Port 0: the clock as a whole. */
export interface PtpPortIdentity {
  /** EUI-64, 16 lower-case hexadecimal digits. */
  readonly clockIdentity: string;
  /** 0 … 65535. */
  readonly portNumber: number;
}

/** IEEE 1588-2019 §5.3.7, §7.6.2.5 to §7.6.3. */
export interface PtpClockQuality {
  /** 0 … 255; 6 locked, 7 in holdover, 248 default, 255 never a master (§7.6.2.5, table 4). */
  readonly clockClass: number;
  /** 0 … 255; 0x20 is 25 ns … 0x31 more than 10 s, 0xfe unknown (§7.6.2.6, table 5). */
  readonly clockAccuracy: number;
  /** 0 … 65535: log2 of the variance in s², times 256, plus 32768 (§7.6.3). */
  readonly offsetScaledLogVariance: number;
}

export class PtpReader {
  readonly #what: string;
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  #offset = 0;

  /** @param what name of the structure, for messages */
  constructor(what: string, bytes: Uint8Array) {
    this.#what = what;
    this.#bytes = bytes;
    this.#view = viewOf(bytes);
  }

  u8(): number {
    return this.#view.getUint8(this.#advance(1));
  }

  i8(): number {
    return this.#view.getInt8(this.#advance(1));
  }

  u16(): number {
    return this.#view.getUint16(this.#advance(2));
  }

  i16(): number {
    return this.#view.getInt16(this.#advance(2));
  }

  u32(): number {
    return this.#view.getUint32(this.#advance(4));
  }

  i32(): number {
    return this.#view.getInt32(this.#advance(4));
  }

  u64(): bigint {
    return this.#view.getBigUint64(this.#advance(8));
  }

  i64(): bigint {
    return this.#view.getBigInt64(this.#advance(8));
  }

  /** linuxptp's counters are the one part of a message in little-endian order. */
  counter(): bigint {
    return this.#view.getBigUint64(this.#advance(8), true);
  }

  /** A truth value of `sizeBytes` octets, of which linuxptp sends 0 and 1 alone. */
  truth(value: number): boolean {
    if (value !== 0 && value !== 1) throw this.malformed(`${value} is neither 0 nor 1`);
    return value === 1;
  }

  bytes(length: number): Uint8Array {
    const start = this.#advance(length);
    return this.#bytes.slice(start, start + length);
  }

  clockIdentity(): string {
    return encodeHex(this.bytes(8));
  }

  portIdentity(): PtpPortIdentity {
    return { clockIdentity: this.clockIdentity(), portNumber: this.u16() };
  }

  clockQuality(): PtpClockQuality {
    return {
      clockClass: this.u8(),
      clockAccuracy: this.u8(),
      offsetScaledLogVariance: this.u16(),
    };
  }

  /** PTPText (§5.3.9): UTF-8 by the standard, which nobody checked. */
  text(): Uint8Array {
    return this.bytes(this.u8());
  }

  rest(): Uint8Array {
    return this.bytes(this.left);
  }

  get left(): number {
    return this.#bytes.length - this.#offset;
  }

  /** Refuses bytes after the structure, but for the octet that makes its length even (§14.2). */
  endPadded(): void {
    if (this.left === 1 && this.#bytes.length % 2 === 0 && this.u8() !== 0) {
      throw this.malformed('the padding is not zero');
    }
    this.end();
  }

  /** Refuses bytes after the structure. */
  end(): void {
    if (this.left > 0) throw this.malformed(`${this.left} bytes after the end`);
  }

  malformed(reason: string): ProofError {
    return new ProofError('ptp-malformed', `${this.#what}: ${reason}`);
  }

  #advance(length: number): number {
    const start = this.#offset;
    if (length > this.left) throw this.malformed('cut off');
    this.#offset = start + length;
    return start;
  }
}
