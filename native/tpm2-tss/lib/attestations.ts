// Attestations: statements that the TPM makes about itself and signs with a restricted key. The
// bytes are given as signed; nothing in them is believed until a verifier has checked them.
import type { CallOptions, Connection, ObjectHandle, Results } from './connection.ts';
import type { KeyCreation } from './keys.ts';
import { encodePcrSelection, parseEcdsaSignature } from './structures.ts';

export interface Attestation {
  /** TPMS_ATTEST (Part 2 §10.12.12) as signed. */
  readonly attest: Uint8Array;
  /** ECDSA P-256 over SHA-256(attest): r ‖ s, 64 bytes. */
  readonly signature: Uint8Array;
}

/** Every call binds `qualifyingData` (at most 66 bytes) into the attestation's extraData. */
export class Attestations {
  readonly #connection: Connection;

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  /** TPM2_Certify, Part 3 §18.2: `object` is loaded in this TPM under this Name. */
  async certify(
    key: ObjectHandle,
    what: { readonly object: ObjectHandle; readonly qualifyingData: Uint8Array },
    options?: CallOptions,
  ): Promise<Attestation> {
    const inputs = [what.object, key, what.qualifyingData];
    return attestationFrom(await this.#connection.run('certify', inputs, options));
  }

  /** TPM2_CertifyCreation, Part 3 §18.3: `object` was made in this TPM with this creation data. */
  async certifyCreation(
    key: ObjectHandle,
    what: {
      readonly object: ObjectHandle;
      readonly creation: KeyCreation;
      readonly qualifyingData: Uint8Array;
    },
    options?: CallOptions,
  ): Promise<Attestation> {
    const { creationHash, creationTicket } = what.creation;
    const inputs = [key, what.object, what.qualifyingData, creationHash, creationTicket];
    return attestationFrom(await this.#connection.run('certifyCreation', inputs, options));
  }

  /** TPM2_Quote, Part 3 §18.4: the digest of PCRs of the SHA-256 bank. */
  async quote(
    key: ObjectHandle,
    what: { readonly pcrs: readonly number[]; readonly qualifyingData: Uint8Array },
    options?: CallOptions,
  ): Promise<Attestation> {
    const inputs = [key, what.qualifyingData, encodePcrSelection(what.pcrs)];
    return attestationFrom(await this.#connection.run('quote', inputs, options));
  }

  /** TPM2_GetTime, Part 3 §18.7: the TPM's clock, resets and restarts. */
  async getTime(
    key: ObjectHandle,
    qualifyingData: Uint8Array,
    options?: CallOptions,
  ): Promise<Attestation> {
    const inputs = [key, qualifyingData];
    return attestationFrom(await this.#connection.run('getTime', inputs, options));
  }

  /** TPM2_NV_Certify, Part 3 §31.16: the first `size` bytes of the index, from its offset 0. */
  async nvCertify(
    key: ObjectHandle,
    what: {
      readonly index: ObjectHandle;
      readonly size: number;
      readonly qualifyingData: Uint8Array;
    },
    options?: CallOptions,
  ): Promise<Attestation> {
    const inputs = [key, what.index, what.index, what.qualifyingData, what.size, 0];
    return attestationFrom(await this.#connection.run('nvCertify', inputs, options));
  }
}

function attestationFrom(results: Results): Attestation {
  return { attest: results.bytes(), signature: parseEcdsaSignature(results.bytes()) };
}
