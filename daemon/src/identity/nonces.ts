/**
 * Nonces for enrolment: random, used once, known only to the run of the daemon that gave them. A
 * proof of possession made for another day or another box is of no use here.
 */
import { randomBytes } from 'node:crypto';

import { KudurruError } from '../base/errors.ts';

const nonceSizeBytes = 32;
/** A person may have to fetch a key from somewhere between the two steps. */
export const nonceLifetimeMs = 600_000;
/** Nonces given and not yet used; the oldest goes when one more is asked for. */
const noncesMax = 1024;

export class Nonces {
  /** Hexadecimal nonce → when it was given; in the order given. */
  readonly #givenMs = new Map<string, number>();
  readonly #nowMs: () => number;

  /** `nowMs` never goes back (`performance.now`). */
  constructor(nowMs: () => number) {
    this.#nowMs = nowMs;
  }

  give(): Uint8Array {
    const nonce = randomBytes(nonceSizeBytes);
    if (this.#givenMs.size >= noncesMax) {
      const [oldest] = this.#givenMs.keys();
      if (oldest !== undefined) this.#givenMs.delete(oldest);
    }
    this.#givenMs.set(nonce.toString('hex'), this.#nowMs());
    return new Uint8Array(nonce);
  }

  /** Uses it up. @throws KudurruError `nonce-unknown` */
  take(nonce: Uint8Array): void {
    const key = Buffer.from(nonce).toString('hex');
    const givenMs = this.#givenMs.get(key);
    this.#givenMs.delete(key);
    if (givenMs !== undefined && this.#nowMs() - givenMs <= nonceLifetimeMs) return;
    throw new KudurruError(
      'nonce-unknown',
      `nonce not accepted: this daemon gave no such nonce in the last ` +
        `${nonceLifetimeMs / 60_000} minutes, or it is used; ask for a new one and sign again`,
    );
  }
}
