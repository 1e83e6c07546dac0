// Sealed objects: bytes that the TPM keeps encrypted to a parent and gives back only to whoever
// satisfies their policy or knows their authorisation value. They are loaded, found and flushed as
// keys are (`keys.load`).
import type { CallOptions, Connection, ObjectHandle } from './connection.ts';
import { type KeyCreation, creationFrom } from './keys.ts';
import { sealedObjectTemplate } from './templates.ts';

/** What every TPM takes (MAX_SYM_DATA, Part 2 §11.1.14). */
export const sealedSizeBytesMax = 128;

const none = new Uint8Array(0);

export interface SealedDefinition {
  /** 1 to 128 bytes. */
  readonly data: Uint8Array;
  /** Digest of the policy that unseals; without it the authorisation value does. */
  readonly authPolicy?: Uint8Array;
  /** Empty by default. */
  readonly authValue?: Uint8Array;
  /** Bound into the creation data; at most 66 bytes. */
  readonly outsideInfo?: Uint8Array;
}

export class SealedObjects {
  readonly #connection: Connection;

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  /**
   * TPM2_Create, Part 3 §12.1. The data and the authorisation value cross the bus in the clear
   * unless a salted session is among `sessions`.
   */
  async create(
    parent: ObjectHandle,
    definition: SealedDefinition,
    options?: CallOptions,
  ): Promise<KeyCreation & { readonly privatePart: Uint8Array }> {
    const { data, authPolicy, authValue = none, outsideInfo = none } = definition;
    if (data.length === 0 || data.length > sealedSizeBytesMax) {
      throw new RangeError(`${data.length} bytes cannot be sealed: 1 to ${sealedSizeBytesMax} can`);
    }
    const template = sealedObjectTemplate(authPolicy);
    const inputs = [parent, authValue, template, outsideInfo, data];
    const results = await this.#connection.run('create', inputs, options);
    return { privatePart: results.bytes(), ...creationFrom(results) };
  }

  /**
   * TPM2_Unseal, Part 3 §12.7, of a loaded object. The data crosses the bus in the clear unless a
   * salted session is among `sessions`.
   */
  async unseal(object: ObjectHandle, options?: CallOptions): Promise<Uint8Array> {
    return (await this.#connection.run('unseal', [object], options)).bytes();
  }
}
