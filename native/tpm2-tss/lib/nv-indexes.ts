// NV indexes: monotonic counters, extend indexes, and reading what others stored. An increment or
// an extend is sent once: when its answer is lost, read the value before deciding anything.
import type { CallOptions, Connection, ObjectHandle } from './connection.ts';
import { algorithm, hierarchy, nvAttribute, responseCode } from './constants.ts';
import { type NvPublic, encodeNvPublic, parseNvPublic } from './structures.ts';
import { unlessTpmCode } from './tpm-error.ts';
import { concat } from './wire.ts';

export interface NvDefinition {
  /** 0x01000000 .. 0x01ffffff; an owner's indexes begin at 0x01800000. */
  readonly index: number;
  /** What later uses must know; empty by default. */
  readonly authValue?: Uint8Array;
  /** Part of the index's Name. Unused as a policy while no policy attribute is set. */
  readonly authPolicy?: Uint8Array;
}

export interface NvInfo extends NvPublic {
  /** TPMS_NV_PUBLIC as marshalled; the Name is nameAlg ‖ its digest. */
  readonly publicArea: Uint8Array;
  /** Changes once: when the index is first written. */
  readonly name: Uint8Array;
}

/** Bytes per read; the smallest buffer seen in a real TPM is 768. */
const readSizeMax = 512;

const readable =
  nvAttribute.authWrite |
  nvAttribute.authRead |
  nvAttribute.ownerRead |
  nvAttribute.noDictionaryAttack;

export class NvIndexes {
  readonly #connection: Connection;

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  /** The index, or undefined where it is not defined. */
  async find(index: number, options?: CallOptions): Promise<ObjectHandle | undefined> {
    const attempt = this.#connection.run('fromPublic', [index], options);
    return (await unlessTpmCode(responseCode.handle, attempt))?.object();
  }

  /** TPM2_NV_DefineSpace, Part 3 §31.3: a counter of 8 bytes, written through at once. */
  async defineCounter(definition: NvDefinition, options?: CallOptions): Promise<ObjectHandle> {
    return this.#define(definition, { type: nvAttribute.typeCounter, dataSize: 8 }, options);
  }

  /**
   * TPM2_NV_DefineSpace, Part 3 §31.3: an extend index of 32 bytes, as a PCR that outlives a reset.
   */
  async defineExtend(definition: NvDefinition, options?: CallOptions): Promise<ObjectHandle> {
    return this.#define(definition, { type: nvAttribute.typeExtend, dataSize: 32 }, options);
  }

  /** TPM2_NV_UndefineSpace, Part 3 §31.4. A counter's value is gone; later ones start above it. */
  async undefine(index: ObjectHandle, options?: CallOptions): Promise<void> {
    await this.#connection.run('nvUndefineSpace', [hierarchy.owner, index], options);
  }

  /** TPM2_NV_ReadPublic, Part 3 §31.6. */
  async readPublic(index: ObjectHandle, options?: CallOptions): Promise<NvInfo> {
    const results = await this.#connection.run('nvReadPublic', [index], options);
    const publicArea = results.bytes();
    return { publicArea, name: results.bytes(), ...parseNvPublic(publicArea) };
  }

  /** TPM2_NV_Read, Part 3 §31.13, with the index's own authorisation. */
  async read(index: ObjectHandle, options?: CallOptions): Promise<Uint8Array> {
    const { dataSize } = await this.readPublic(index, options);
    const parts: Uint8Array[] = [];
    for (let offset = 0; offset < dataSize; offset += readSizeMax) {
      const size = Math.min(readSizeMax, dataSize - offset);
      const results = await this.#connection.run('nvRead', [index, index, size, offset], options);
      parts.push(results.bytes());
    }
    return concat(parts);
  }

  /** The counter's value; undefined before its first increment. */
  async readCounter(index: ObjectHandle, options?: CallOptions): Promise<bigint | undefined> {
    const attempt = this.#connection.run('nvRead', [index, index, 8, 0], options);
    const bytes = (await unlessTpmCode(responseCode.nvUninitialized, attempt))?.bytes();
    return bytes && new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0);
  }

  /** TPM2_NV_Increment, Part 3 §31.8. The first one sets the start value: read it. */
  async increment(index: ObjectHandle, options?: CallOptions): Promise<void> {
    await this.#connection.run('nvIncrement', [index, index], options);
  }

  /** TPM2_NV_Extend, Part 3 §31.9: value = SHA-256(value ‖ data). */
  async extend(index: ObjectHandle, data: Uint8Array, options?: CallOptions): Promise<void> {
    await this.#connection.run('nvExtend', [index, index, data], options);
  }

  /** The authorisation value that later calls of this connection use for the index. */
  async setAuth(index: ObjectHandle, value: Uint8Array): Promise<void> {
    await this.#connection.run('setAuth', [index, value]);
  }

  async #define(
    definition: NvDefinition,
    kind: { readonly type: number; readonly dataSize: number },
    options?: CallOptions,
  ): Promise<ObjectHandle> {
    const publicArea = encodeNvPublic({
      index: definition.index,
      nameAlgorithm: algorithm.sha256,
      attributes: readable | kind.type,
      authPolicy: definition.authPolicy ?? new Uint8Array(0),
      dataSize: kind.dataSize,
    });
    const authValue = definition.authValue ?? new Uint8Array(0);
    const inputs = [hierarchy.owner, authValue, publicArea];
    return (await this.#connection.run('nvDefineSpace', inputs, options)).object();
  }
}
