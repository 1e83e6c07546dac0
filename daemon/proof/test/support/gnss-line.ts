/** A line with a scripted receiver on it, judged epoch by epoch. */
import assert from 'node:assert/strict';

import { LEAP_LIST_PUBLISHED_UNIX_SECONDS, LEAP_TABLE, taiOfUtc } from '../../src/tai.ts';
import type { GnssEpoch, GnssOptions, ReceiverAccount } from '../../src/time/gnss-integrity.ts';
import { GnssIntegrity } from '../../src/time/gnss-integrity.ts';
import type { GnssPins } from '../../src/time/time-source.ts';
import { RECEIVER_PINS } from './gnss-world.ts';
import type { ReceiverScript } from './scripted-receiver.ts';
import { receiverEpoch, taiAt } from './scripted-receiver.ts';

const second = 1_000_000_000n;
const ms = 1_000_000n;
export const LINE_PINS: GnssPins = { ...RECEIVER_PINS, latencyMaxNs: 500n * ms, pulse: false };
export const LINE_BEGIN_TAI_NS = taiAt('2026-11-22T12:00:00Z');
/** CLOCK_MONOTONIC_RAW then, by the truth of the line. */
export const LINE_BEGIN_RAW_NS = 77n * second;

/** A line with a receiver on it: the truth goes on a second with each epoch. */
export class ReceiverLine {
  readonly integrity: GnssIntegrity;
  #taiNs: bigint;
  #rawNs = 0n;

  constructor(options: Partial<GnssOptions> = {}, taiNs = LINE_BEGIN_TAI_NS) {
    const passedTaiNs = taiOfUtc(BigInt(LEAP_LIST_PUBLISHED_UNIX_SECONDS) * second);
    this.integrity = new GnssIntegrity({
      pins: LINE_PINS,
      leap: LEAP_TABLE,
      passedTaiNs,
      ...options,
    });
    this.#taiNs = taiNs;
    this.#open(-1n);
  }

  /** The verdict on the epoch that `script` makes; its frames come from 20 ms to 120 ms after. */
  epoch(script: ReceiverScript = {}): GnssEpoch {
    const epoch = this.send(receiverEpoch(this.#taiNs, script));
    this.#taiNs += second;
    return epoch;
  }

  send(frames: readonly Uint8Array[]): GnssEpoch {
    for (const [i, bytes] of frames.entries()) {
      const ended = this.#take(bytes, i);
      // What the line opened with, where time passed since.
      if (i > 0) assert.equal(ended, null, 'a verdict in the midst of its epoch');
    }
    const epoch = this.#open(1n);
    assert.ok(epoch !== null, 'no verdict');
    return epoch;
  }

  pass(ns: bigint): void {
    this.#taiNs += ns;
  }

  reopen(): void {
    const rawNs = this.#rawNs;
    const bytes = new TextEncoder().encode('unplugged');
    this.integrity.take({ kind: 'note', bytes, rawBeforeNs: rawNs, rawAfterNs: rawNs });
    this.#open(-1n);
  }

  account(): ReceiverAccount {
    return this.integrity.account(this.#rawNs);
  }

  /** The first sentence of another epoch: what ends the one before. */
  #open(seconds: bigint): GnssEpoch | null {
    const [first = new Uint8Array(0)] = receiverEpoch(this.#taiNs + seconds * second);
    return this.#take(first, 0, seconds * second);
  }

  #take(bytes: Uint8Array, i: number, aheadNs = 0n): GnssEpoch | null {
    const raw = LINE_BEGIN_RAW_NS + this.#taiNs - LINE_BEGIN_TAI_NS + aheadNs;
    const rawBeforeNs = raw + (i === 0 ? -500n : 10n + BigInt(i) * 10n) * ms;
    this.#rawNs = raw + (20n + BigInt(i) * 10n) * ms;
    const kind = bytes[0] === 0x24 ? 'nmea' : 'ubx';
    return this.integrity.take({ kind, bytes, rawBeforeNs, rawAfterNs: this.#rawNs });
  }
}
