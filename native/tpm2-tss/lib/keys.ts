// Keys: finding, making, loading, using. A key's private part leaves the TPM only encrypted to its
// parent.
import type { CallOptions, Connection, ObjectHandle, Results } from './connection.ts';
import { type Hierarchy, hierarchy, responseCode } from './constants.ts';
import { encodeEcdsaSignature, parseEcdsaSignature } from './structures.ts';
import { unlessTpmCode } from './tpm-error.ts';

export interface PublicInfo {
  /** TPMT_PUBLIC as marshalled; the Name is nameAlg ‖ its digest (Part 1 §16). */
  readonly publicArea: Uint8Array;
  readonly name: Uint8Array;
  /** The Name chained from the hierarchy down through every parent. */
  readonly qualifiedName: Uint8Array;
}

export interface KeyCreation {
  readonly publicArea: Uint8Array;
  /** TPMS_CREATION_DATA as marshalled. */
  readonly creationData: Uint8Array;
  readonly creationHash: Uint8Array;
  /** TPMT_TK_CREATION: the TPM's own proof for `certifyCreation`. */
  readonly creationTicket: Uint8Array;
}

export interface KeyTemplate {
  /** TPMT_PUBLIC as marshalled; see `templates.ts`. */
  readonly publicArea: Uint8Array;
  /** What later uses of the key must know; empty by default. */
  readonly authValue?: Uint8Array;
  /** Bound into the creation data; at most 66 bytes. */
  readonly outsideInfo?: Uint8Array;
}

/** What TPM2_MakeCredential (Part 3 §12.6), or a program without a TPM, makes for two keys. */
export interface Credential {
  /** TPM2B_ID_OBJECT: HMAC and the secret, encrypted. */
  readonly credentialBlob: Uint8Array;
  /** TPM2B_ENCRYPTED_SECRET: the seed, encrypted to the endorsement key. */
  readonly encryptedSecret: Uint8Array;
}

const none = new Uint8Array(0);

export class Keys {
  readonly #connection: Connection;

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  /** The persistent key at a handle, or undefined where there is none. Reads its public area. */
  async find(persistentHandle: number, options?: CallOptions): Promise<ObjectHandle | undefined> {
    const attempt = this.#connection.run('fromPublic', [persistentHandle], options);
    return (await unlessTpmCode(responseCode.handle, attempt))?.object();
  }

  /** TPM2_ReadPublic, Part 3 §12.4. */
  async readPublic(key: ObjectHandle, options?: CallOptions): Promise<PublicInfo> {
    const results = await this.#connection.run('readPublic', [key], options);
    return {
      publicArea: results.bytes(),
      name: results.bytes(),
      qualifiedName: results.bytes(),
    };
  }

  /** TPM2_CreatePrimary, Part 3 §24.1. The same template gives the same key until a Clear. */
  async createPrimary(
    hierarchy: Hierarchy,
    template: KeyTemplate,
    options?: CallOptions,
  ): Promise<KeyCreation & { readonly key: ObjectHandle }> {
    const inputs = [hierarchy, ...templateInputs(template)];
    const results = await this.#connection.run('createPrimary', inputs, options);
    return { key: results.object(), ...creationFrom(results) };
  }

  /** TPM2_Create, Part 3 §12.1. `privatePart` is encrypted to the parent: safe to store. */
  async create(
    parent: ObjectHandle,
    template: KeyTemplate,
    options?: CallOptions,
  ): Promise<KeyCreation & { readonly privatePart: Uint8Array }> {
    const inputs = [parent, ...templateInputs(template), none];
    const results = await this.#connection.run('create', inputs, options);
    return { privatePart: results.bytes(), ...creationFrom(results) };
  }

  /** TPM2_Load, Part 3 §12.2. A key of another TPM or parent is refused with `integrity`. */
  async load(
    parent: ObjectHandle,
    parts: { readonly privatePart: Uint8Array; readonly publicArea: Uint8Array },
    options?: CallOptions,
  ): Promise<ObjectHandle> {
    const inputs = [parent, parts.privatePart, parts.publicArea];
    return (await this.#connection.run('load', inputs, options)).object();
  }

  /** TPM2_EvictControl, Part 3 §28.5: keeps a loaded key at a persistent handle. */
  async persist(
    hierarchy: Hierarchy,
    place: { readonly key: ObjectHandle; readonly persistentHandle: number },
    options?: CallOptions,
  ): Promise<ObjectHandle> {
    const inputs = [hierarchy, place.key, place.persistentHandle];
    return (await this.#connection.run('evictControl', inputs, options)).object();
  }

  /** TPM2_Sign, Part 3 §20.2: ECDSA P-256 over a SHA-256 digest → r ‖ s, 64 bytes. */
  async sign(key: ObjectHandle, digest: Uint8Array, options?: CallOptions): Promise<Uint8Array> {
    const results = await this.#connection.run('sign', [key, digest], options);
    return parseEcdsaSignature(results.bytes());
  }

  /** TPM2_LoadExternal, Part 3 §12.3: somebody's public key, to verify with. */
  async loadExternal(
    publicArea: Uint8Array,
    which: Hierarchy = hierarchy.owner,
    options?: CallOptions,
  ): Promise<ObjectHandle> {
    return (await this.#connection.run('loadExternal', [publicArea, which], options)).object();
  }

  /**
   * TPM2_VerifySignature, Part 3 §20.1: r ‖ s over a SHA-256 digest → TPMT_TK_VERIFIED, the TPM's
   * note to itself for `policies.authorize`. A wrong signature is refused with `signature`.
   */
  async verifySignature(
    key: ObjectHandle,
    signed: { readonly digest: Uint8Array; readonly signature: Uint8Array },
    options?: CallOptions,
  ): Promise<Uint8Array> {
    const inputs = [key, signed.digest, encodeEcdsaSignature(signed.signature)];
    return (await this.#connection.run('verifySignature', inputs, options)).bytes();
  }

  /**
   * TPM2_ActivateCredential, Part 3 §12.5: the credential's secret, given only where `object` has
   * the Name that it was made for, and `key` can decrypt it. Sessions: the object's, then the
   * key's.
   */
  async activateCredential(
    object: ObjectHandle,
    what: { readonly key: ObjectHandle; readonly credential: Credential },
    options?: CallOptions,
  ): Promise<Uint8Array> {
    const { credentialBlob, encryptedSecret } = what.credential;
    const inputs = [object, what.key, credentialBlob, encryptedSecret];
    return (await this.#connection.run('activateCredential', inputs, options)).bytes();
  }

  /** The authorisation value that later calls of this connection use for the object. */
  async setAuth(object: ObjectHandle | Hierarchy, value: Uint8Array): Promise<void> {
    await this.#connection.run('setAuth', [object, value]);
  }

  /** TPM2_FlushContext, Part 3 §28.4: drops a loaded key from the TPM's memory. */
  async flush(key: ObjectHandle, options?: CallOptions): Promise<void> {
    await this.#connection.run('flushContext', [key], options);
  }
}

function templateInputs(template: KeyTemplate): Uint8Array[] {
  return [template.authValue ?? none, template.publicArea, template.outsideInfo ?? none];
}

/** As `create` and `createPrimary` answer. */
export function creationFrom(results: Results): KeyCreation {
  return {
    publicArea: results.bytes(),
    creationData: results.bytes(),
    creationHash: results.bytes(),
    creationTicket: results.bytes(),
  };
}
