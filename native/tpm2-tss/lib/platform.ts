// The TPM as a whole: start, stop, what it can do, clock, random numbers and PCRs.
import type { CallOptions, Connection } from './connection.ts';
import { capability, firstHandle, property } from './constants.ts';
import {
  type TimeInfo,
  encodeDigestValues,
  encodePcrSelection,
  parseCurves,
  parseDigestList,
  parseHandles,
  parsePcrBanks,
  parseProperties,
  parseTimeInfo,
} from './structures.ts';
import { concat, u32 } from './wire.ts';

export interface TpmProperties {
  /** Four characters as the vendor gives them, such as 'IFX' or 'IBM'. */
  readonly manufacturer: string;
  readonly vendorString: string;
  readonly firmwareVersion: bigint;
  /** Every property the TPM lists, by its number (Part 2 §6.13). */
  readonly values: ReadonlyMap<number, number>;
}

export class Platform {
  readonly #connection: Connection;

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  /** TPM2_Startup, Part 3 §9.3; `type` from `startupType`. */
  async startup(type: number, options?: CallOptions): Promise<void> {
    await this.#connection.run('startup', [type], options);
  }

  /** TPM2_Shutdown, Part 3 §9.4. Without it the next start counts as a power loss. */
  async shutdown(type: number, options?: CallOptions): Promise<void> {
    await this.#connection.run('shutdown', [type], options);
  }

  /** TPM2_GetCapability, Part 3 §30.2: fixed and variable properties. */
  async properties(options?: CallOptions): Promise<TpmProperties> {
    const values = new Map<number, number>();
    for (const group of [0x100, 0x200]) {
      const results = await this.#connection.run(
        'getCapability',
        [capability.tpmProperties, group, 256],
        options,
      );
      results.number();
      for (const [key, value] of parseProperties(results.bytes())) values.set(key, value);
    }
    const value = (key: number): number => values.get(key) ?? 0;
    const vendor = [0, 1, 2, 3].map((i) => fourCharacters(value(property.vendorString1 + i)));
    return {
      manufacturer: fourCharacters(value(property.manufacturer)),
      vendorString: vendor.join('').trim(),
      firmwareVersion:
        (BigInt(value(property.firmwareVersion1)) << 32n) |
        BigInt(value(property.firmwareVersion2)),
      values,
    };
  }

  /** TPM2_GetCapability, Part 3 §30.2: handles in use, from `first` to the end of its range. */
  async handles(first: number, options?: CallOptions): Promise<number[]> {
    const found: number[] = [];
    for (let next = first, more = 1; more === 1; next = (found.at(-1) ?? first) + 1) {
      const results = await this.#connection.run(
        'getCapability',
        [capability.handles, next, 64],
        options,
      );
      more = results.number();
      const page = parseHandles(results.bytes());
      if (page.length === 0) break;
      found.push(...page);
    }
    return found;
  }

  /** TPM2_GetCapability, Part 3 §30.2: elliptic curves, as numbers of `curve`. */
  async curves(options?: CallOptions): Promise<number[]> {
    return parseCurves(await this.#capability(capability.eccCurves, options));
  }

  /** TPM2_GetCapability, Part 3 §30.2: PCR banks by their hash algorithm, with their PCRs. */
  async pcrBanks(options?: CallOptions): Promise<ReadonlyMap<number, readonly number[]>> {
    return parsePcrBanks(await this.#capability(capability.pcrs, options));
  }

  /** TPM2_ReadClock, Part 3 §29.1. */
  async readClock(options?: CallOptions): Promise<TimeInfo> {
    const results = await this.#connection.run('readClock', [], options);
    return parseTimeInfo(results.bytes());
  }

  /** TPM2_GetRandom, Part 3 §16.1; repeated until `length` bytes are there. */
  async random(length: number, options?: CallOptions): Promise<Uint8Array> {
    const parts: Uint8Array[] = [];
    for (let left = length; left > 0; left -= parts.at(-1)?.length ?? 0) {
      const results = await this.#connection.run('getRandom', [Math.min(left, 32)], options);
      parts.push(results.bytes());
    }
    return concat(parts);
  }

  /**
   * TPM2_PCR_Extend, Part 3 §22.2, SHA-256 bank. Never repeated: a lost answer may have counted.
   */
  async extendPcr(pcr: number, digest: Uint8Array, options?: CallOptions): Promise<void> {
    await this.#connection.run('pcrExtend', [pcr, encodeDigestValues(digest)], options);
  }

  /** TPM2_PCR_Read, Part 3 §22.4, SHA-256 bank; at most eight PCRs in one call. */
  async readPcrs(pcrs: readonly number[], options?: CallOptions): Promise<Uint8Array[]> {
    const results = await this.#connection.run('pcrRead', [encodePcrSelection(pcrs)], options);
    results.number();
    results.bytes();
    return parseDigestList(results.bytes());
  }

  /**
   * TPM2_GetTestResult, Part 3 §10.4: 0 where the TPM has found nothing wrong with itself, else the
   * TPM_RC of its failed or unfinished test.
   */
  async testResult(options?: CallOptions): Promise<number> {
    const results = await this.#connection.run('getTestResult', [], options);
    results.bytes();
    return results.number();
  }

  /**
   * Flushes every transient object and session: what a dead predecessor left behind. Only where
   * this connection is the TPM's one user and no resource manager stands between.
   */
  async flushLeftovers(options?: CallOptions): Promise<void> {
    const { loadedSession, savedSession, transient } = firstHandle;
    for (const range of [transient, loadedSession, savedSession]) {
      for (const tpmHandle of await this.handles(range, options)) {
        const opened = await this.#connection.run('fromPublic', [tpmHandle], options);
        await this.#connection.run('flushContext', [opened.number()], options);
      }
    }
  }

  async #capability(what: number, options?: CallOptions): Promise<Uint8Array> {
    const results = await this.#connection.run('getCapability', [what, 0, 256], options);
    results.number();
    return results.bytes();
  }
}

function fourCharacters(value: number): string {
  const bytes = u32(value).filter((byte) => byte !== 0);
  return new TextDecoder('latin1').decode(bytes);
}
