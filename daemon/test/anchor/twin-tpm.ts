/**
 * A TPM of plain values for the tests of anchoring: it marshals what a TPM attests, and its boots,
 * failures and lost answers come when a test says so. The real one is met in hwtest.
 */
import assert from 'node:assert/strict';
import { generateKeyPairSync, sign } from 'node:crypto';
import { concatBytes, decodeHex, encodeU64, extended, pcrDigest } from '@kudurru/proof';

import type { AnchorRegisters, Extension, Registers } from '../../src/hardware/anchor-registers.ts';
import type { AttestationDevice } from '../../src/hardware/attestation-device.ts';
import type { Attestation, CounterAttestation, Quote } from '../../src/hardware/attestation.ts';
import { DeviceError } from '../../src/hardware/device-error.ts';

/** What a test lets happen at a call: before it, or after it with its answer lost. */
export interface Mishap {
  /** Counts the calls from 0. */
  readonly call: number;
  readonly kind: 'reset-before' | 'reset-after' | 'refused' | 'answer-lost';
}

const type = { nv: 0x8014, quote: 0x8018, time: 0x8019 };
const zeros: Uint8Array = new Uint8Array(32);
const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });

export class TwinTpm implements AttestationDevice, AnchorRegisters {
  readonly steps: string[] = [];
  counter = 40n;
  pcr = zeros;
  extend: Uint8Array;
  resetCount = 3;
  restartCount = 0;
  clockMs = 1000n;
  mishap: Mishap | null = null;
  /** Calls so far. */
  calls = 0;

  constructor(extend: Uint8Array) {
    this.extend = extend;
  }

  /** Power was lost: PCRs begin anew, the clock may go back. */
  reset(): void {
    this.resetCount += 1;
    this.restartCount = 0;
    this.pcr = zeros;
    this.clockMs -= 100n;
  }

  describe(): never {
    assert.fail('not part of these tests');
  }

  readRegisters(): Promise<Registers> {
    return this.#call('read', () => ({
      clock: { ...this.#clock(), timeMs: 0n },
      counter: this.counter,
      pcr: this.pcr,
      extend: this.extend,
    }));
  }

  bracket(data: Uint8Array): Promise<Attestation> {
    return this.#call('bracket', () => {
      const time = concatBytes(encodeU64(this.clockMs), this.#clockInfo(), new Uint8Array(8));
      return this.#attest(type.time, data, time);
    });
  }

  certifyCounter(data: Uint8Array): Promise<CounterAttestation> {
    return this.#call('certify', () => {
      const body = concatBytes(sized(new Uint8Array(34)), u16(0), sized(encodeU64(this.counter)));
      return { ...this.#attest(type.nv, data, body), value: this.counter };
    });
  }

  signCheckpoint(message: Uint8Array): Promise<Uint8Array> {
    return Promise.resolve(signed(message));
  }

  incrementCounter(): Promise<bigint> {
    return this.#call('increment', () => (this.counter += 1n));
  }

  extendPcr({ from, data }: Extension): Promise<Uint8Array> {
    return this.#call('extend-pcr', () => {
      if (Buffer.compare(from, this.pcr) === 0) this.pcr = extended(from, data);
      return this.pcr;
    });
  }

  extendIndex({ from, data }: Extension): Promise<Uint8Array> {
    return this.#call('extend-index', () => {
      if (Buffer.compare(from, this.extend) === 0) this.extend = extended(from, data);
      return this.extend;
    });
  }

  certifyExtend(data: Uint8Array): Promise<Attestation> {
    return this.#call('certify-index', () => {
      const body = concatBytes(sized(new Uint8Array(34)), u16(0), sized(this.extend));
      return this.#attest(type.nv, data, body);
    });
  }

  quote({ pcrs, qualifyingData }: { pcrs: readonly number[]; qualifyingData: Uint8Array }) {
    return this.#call('quote', (): Quote => {
      const values = pcrs.map((pcr) => (pcr === 14 ? this.pcr : zeros));
      const bitmap = new Uint8Array(3);
      for (const pcr of pcrs) bitmap[pcr >> 3] = (bitmap[pcr >> 3] ?? 0) | (1 << (pcr & 7));
      const selection = concatBytes(u32(1), u16(0x000b), Uint8Array.of(3), bitmap);
      const body = concatBytes(selection, sized(pcrDigest(values)));
      return { ...this.#attest(type.quote, qualifyingData, body), values };
    });
  }

  async #call<Value>(step: string, run: () => Value): Promise<Value> {
    const { mishap } = this;
    const isNow = mishap?.call === this.calls;
    this.calls += 1;
    if (isNow && mishap.kind === 'reset-before') this.reset();
    if (isNow && mishap.kind === 'refused') {
      throw new DeviceError('device-refused', `${step} refused by the test`);
    }
    this.clockMs += 1n;
    this.steps.push(step);
    const value = run();
    if (isNow && mishap.kind === 'reset-after') this.reset();
    if (isNow && mishap.kind === 'answer-lost') {
      const lost = { deviceMayHaveChanged: true };
      throw new DeviceError('device-deadline-exceeded', `${step} not answered`, lost);
    }
    return value;
  }

  #clock() {
    const { clockMs, resetCount, restartCount } = this;
    return { clockMs, resetCount, restartCount, safe: true };
  }

  #clockInfo(): Uint8Array {
    const counts = concatBytes(u32(this.resetCount), u32(this.restartCount), Uint8Array.of(1));
    return concatBytes(encodeU64(this.clockMs), counts);
  }

  #attest(attestType: number, extraData: Uint8Array, body: Uint8Array): Attestation {
    const attest = concatBytes(
      decodeHex('ff544347'),
      u16(attestType),
      sized(new Uint8Array(34)),
      sized(extraData),
      this.#clockInfo(),
      new Uint8Array(8),
      body,
    );
    return { attest, signature: signed(attest) };
  }
}

function signed(message: Uint8Array): Uint8Array {
  return new Uint8Array(sign('sha256', message, { key: privateKey, dsaEncoding: 'ieee-p1363' }));
}

function sized(bytes: Uint8Array): Uint8Array {
  return concatBytes(u16(bytes.length), bytes);
}

function u16(value: number): Uint8Array {
  return Uint8Array.of(value >> 8, value & 255);
}

function u32(value: number): Uint8Array {
  return encodeU64(BigInt(value)).subarray(4);
}
