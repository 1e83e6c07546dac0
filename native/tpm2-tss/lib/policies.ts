// Conditions of a policy session, in the order in which the policy's digest has them. The digests
// themselves are computed without a TPM in `policyDigests`.
import type { CallOptions, Connection, ObjectHandle, SessionHandle } from './connection.ts';
import type { Comparison, Hierarchy } from './constants.ts';
import { encodeEcdsaSignature, encodePcrSelection } from './structures.ts';

const none = new Uint8Array(0);

export interface PcrCondition {
  /** Of the SHA-256 bank. */
  readonly pcrs: readonly number[];
  /** SHA-256 over their values in ascending order; the values of now where it is not given. */
  readonly digest?: Uint8Array;
}

export interface ApprovedPolicy {
  /** The policy's digest so far, which the key approved. */
  readonly approvedPolicy: Uint8Array;
  /** Signed with it; empty by default. */
  readonly policyRef?: Uint8Array;
  /** Name of the approving key. */
  readonly keyName: Uint8Array;
  /** From `keys.verifySignature`, over `policyDigests.approvalMessage`. */
  readonly ticket: Uint8Array;
}

export interface TimeCondition {
  /** Compared with as many bytes at `offset` of TPMS_TIME_INFO (Part 2 §10.11.6). */
  readonly operand: Uint8Array;
  readonly offset: number;
  readonly comparison: Comparison;
}

export interface SignedCondition {
  /** The signer's public key, loaded (`keys.loadExternal`). */
  readonly key: ObjectHandle;
  /** r ‖ s over `policyDigests.signedMessage` of the fields below. */
  readonly signature: Uint8Array;
  /** `sessions.nonce`: the signature is good for this session alone. Any session without it. */
  readonly nonce?: Uint8Array;
  readonly policyRef?: Uint8Array;
  /** Seconds from the session's start (with a nonce); 0 for no end. */
  readonly expirationSeconds?: number;
}

export class Policies {
  readonly #connection: Connection;

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  /** TPM2_PolicyPCR, Part 3 §23.7. A wrong digest is refused with `value`. */
  async pcr(session: SessionHandle, condition: PcrCondition, options?: CallOptions): Promise<void> {
    const inputs = [session, condition.digest ?? none, encodePcrSelection(condition.pcrs)];
    await this.#connection.run('policyPcr', inputs, options);
  }

  /** TPM2_PolicyAuthorize, Part 3 §23.16: whatever a key approved stands for the key's name. */
  async authorize(
    session: SessionHandle,
    approved: ApprovedPolicy,
    options?: CallOptions,
  ): Promise<void> {
    const { approvedPolicy, policyRef, keyName, ticket } = approved;
    const inputs = [session, approvedPolicy, policyRef ?? none, keyName, ticket];
    await this.#connection.run('policyAuthorize', inputs, options);
  }

  /** TPM2_PolicyCounterTimer, Part 3 §23.10: refused with `policy` where it does not hold now. */
  async counterTimer(
    session: SessionHandle,
    condition: TimeCondition,
    options?: CallOptions,
  ): Promise<void> {
    const { operand, offset, comparison } = condition;
    const inputs = [session, operand, offset, comparison];
    await this.#connection.run('policyCounterTimer', inputs, options);
  }

  /** TPM2_PolicySecret, Part 3 §23.4: whoever knows the object's authorisation value. */
  async secret(
    session: SessionHandle,
    object: ObjectHandle | Hierarchy,
    options?: CallOptions,
  ): Promise<void> {
    await this.#connection.run('policySecret', [object, session], options);
  }

  /** TPM2_PolicySigned, Part 3 §23.3: whoever holds the signer's key, now. */
  async signed(
    session: SessionHandle,
    condition: SignedCondition,
    options?: CallOptions,
  ): Promise<void> {
    const { key, nonce, policyRef, expirationSeconds = 0, signature } = condition;
    const inputs = [
      ...[key, session, nonce ?? none, policyRef ?? none, expirationSeconds],
      encodeEcdsaSignature(signature),
    ];
    await this.#connection.run('policySigned', inputs, options);
  }

  /** TPM2_PolicyGetDigest, Part 3 §23.19: the digest of the conditions so far. */
  async digest(session: SessionHandle, options?: CallOptions): Promise<Uint8Array> {
    return (await this.#connection.run('policyGetDigest', [session], options)).bytes();
  }
}
