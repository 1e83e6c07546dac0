/**
 * Strict reading of what a caller sent: each field is asked for by name and form, and what nobody
 * asked for is refused. All failures are `request-malformed` and name the field.
 */
import { KudurruError } from '../base/errors.ts';

export class Fields {
  readonly #values: Readonly<Record<string, unknown>>;
  readonly #asked = new Set<string>();

  constructor(body: unknown) {
    if (typeof body !== 'object' || body === null || Array.isArray(body)) {
      throw malformed('the body is not a JSON object');
    }
    this.#values = body as Record<string, unknown>;
  }

  /** Query parameters, each given at most once. */
  static ofQuery(query: URLSearchParams): Fields {
    const values: Record<string, string> = {};
    for (const [name, value] of query) {
      if (Object.hasOwn(values, name)) throw malformed(`"${name}" is given twice`);
      values[name] = value;
    }
    return new Fields(values);
  }

  text(name: string): string {
    const value = this.#take(name);
    if (typeof value !== 'string' || value === '') throw malformed(`"${name}" is not a text`);
    return value;
  }

  optionalText(name: string): string | null {
    return this.#given(name) ? this.text(name) : null;
  }

  /** A whole number from 0 to 2^53 - 1; in a query its decimal digits. */
  integer(name: string): number {
    const value = this.#take(name);
    const number =
      typeof value === 'string' && /^(?:0|[1-9]\d{0,15})$/u.test(value) ? Number(value) : value;
    if (typeof number !== 'number' || !Number.isSafeInteger(number) || number < 0) {
      throw malformed(`"${name}" is not a whole number from 0 to 2^53 - 1`);
    }
    return number;
  }

  optionalInteger(name: string): number | null {
    return this.#given(name) ? this.integer(name) : null;
  }

  boolean(name: string, fallback: boolean): boolean {
    if (!this.#given(name)) return fallback;
    const value = this.#take(name);
    if (value === true || value === 'true') return true;
    if (value === false || value === 'false') return false;
    throw malformed(`"${name}" is neither true nor false`);
  }

  /** Canonical base64 (RFC 4648 §4). */
  base64(name: string): Uint8Array {
    const text = this.text(name);
    const bytes = Buffer.from(text, 'base64');
    if (bytes.toString('base64') !== text) throw malformed(`"${name}" is not canonical base64`);
    return new Uint8Array(bytes);
  }

  /** A list of them, at most `countMax`. */
  base64List(name: string, countMax: number): readonly Uint8Array[] {
    const values = this.#take(name);
    if (!Array.isArray(values) || values.length === 0 || values.length > countMax) {
      throw malformed(`"${name}" is not a list of 1 to ${countMax}`);
    }
    return values.map((value: unknown) => new Fields({ [name]: value }).base64(name));
  }

  /** 32 bytes in lower-case hexadecimal. */
  optionalHash(name: string): Uint8Array | null {
    if (!this.#given(name)) return null;
    const text = this.text(name);
    if (!/^[0-9a-f]{64}$/u.test(text)) {
      throw malformed(`"${name}" is not 64 lower-case hexadecimal digits`);
    }
    return new Uint8Array(Buffer.from(text, 'hex'));
  }

  /** Call when all fields have been asked for: refuses the rest. */
  end(): void {
    const extra = Object.keys(this.#values).filter((name) => !this.#asked.has(name));
    if (extra.length === 0) return;
    const known = [...this.#asked].join(', ') || 'none';
    throw malformed(`"${extra.join('", "')}" is not known here; known are ${known}`);
  }

  #given(name: string): boolean {
    this.#asked.add(name);
    return Object.hasOwn(this.#values, name) && this.#values[name] !== null;
  }

  #take(name: string): unknown {
    if (!this.#given(name)) throw malformed(`"${name}" is missing`);
    return this.#values[name];
  }
}

function malformed(reason: string): KudurruError {
  return new KudurruError('request-malformed', `request not accepted: ${reason}`);
}
