// TPM sessions (Part 1 §17). A salted one hides authorisation values and first parameters from
// whoever listens on the TPM's bus, as long as its secret is encrypted to a key of this TPM and not
// to one that somebody on the bus put in its place: so the key is pinned to a public area that the
// caller knows from elsewhere, such as an endorsement key's certificate.
import type { CallOptions, Connection, ObjectHandle, SessionHandle } from './connection.ts';
import { hierarchy, noHandle, sessionAttribute, sessionType } from './constants.ts';
import { nameOf } from './structures.ts';
import { TpmError } from './tpm-error.ts';

/** A loaded decryption key, and what it must be. */
export interface SaltKey {
  readonly key: ObjectHandle;
  /** TPMT_PUBLIC as known beforehand, never as this TPM gave it in this connection. */
  readonly publicArea: Uint8Array;
}

export interface SessionOptions {
  /** Of each command. Default: the connection's. */
  readonly timeoutMs?: number;
  /** The session's secret is encrypted to it. */
  readonly salt?: SaltKey;
  /**
   * Encrypt first parameters both ways (AES-128-CFB): one session of a command may. Default: true
   * where there is a salt key.
   */
  readonly encrypt?: boolean;
}

export class Sessions {
  readonly #connection: Connection;

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  /**
   * TPM2_StartAuthSession, Part 3 §11.1, HMAC: lasts until it is flushed. Throws TpmError
   * `untrusted-key` where the salt key's Name is not the one that its public area gives.
   */
  async startHmac(options: SessionOptions = {}): Promise<SessionHandle> {
    return this.#start(sessionType.hmac, sessionAttribute.continueSession, options);
  }

  /**
   * TPM2_StartAuthSession, Part 3 §11.1, policy: conditions are added by `policies`, and the TPM
   * drops it after its one use. Throws as `startHmac`.
   */
  async startPolicy(options: SessionOptions = {}): Promise<SessionHandle> {
    return this.#start(sessionType.policy, 0, options);
  }

  /** TPM2_StartAuthSession, Part 3 §11.1, trial: computes a policy's digest; authorises nothing. */
  async startTrial(options: Pick<SessionOptions, 'timeoutMs'> = {}): Promise<SessionHandle> {
    return this.#start(sessionType.trial, 0, options);
  }

  /**
   * A policy session satisfied by the endorsement hierarchy's authorisation (TPM2_PolicySecret,
   * Part 3 §23.4): the right to use an endorsement key made from the low-range templates. One use.
   */
  async startEndorsement(options: SessionOptions = {}): Promise<SessionHandle> {
    const session = await this.startPolicy(options);
    const inputs = [hierarchy.endorsement, session];
    await this.#connection.run('policySecret', inputs, timeoutOf(options));
    return session;
  }

  /** Local: the nonce that the TPM gave last, which a signer binds a PolicySigned to. */
  async nonce(session: SessionHandle): Promise<Uint8Array> {
    return (await this.#connection.run('sessionNonce', [session])).bytes();
  }

  /** TPM2_FlushContext, Part 3 §28.4. */
  async flush(session: SessionHandle, options?: CallOptions): Promise<void> {
    await this.#connection.run('flushContext', [session], options);
  }

  async #start(type: number, flags: number, options: SessionOptions): Promise<SessionHandle> {
    const { salt, encrypt = salt !== undefined } = options;
    if (salt !== undefined) await this.#refuseOtherKey(salt);
    const inputs = [salt?.key ?? noHandle, type];
    const results = await this.#connection.run('startAuthSession', inputs, timeoutOf(options));
    const session = results.number() as SessionHandle;
    const crypt = encrypt ? sessionAttribute.decrypt | sessionAttribute.encrypt : 0;
    await this.#connection.run('sessionAttributes', [session, flags | crypt, 0xff]);
    return session;
  }

  /** ESYS has checked that its Name is the digest of the public part that it encrypts to. */
  async #refuseOtherKey(salt: SaltKey): Promise<void> {
    const name = (await this.#connection.run('name', [salt.key])).bytes();
    if (Buffer.compare(name, nameOf(salt.publicArea)) === 0) return;
    throw new TpmError({
      operation: 'startAuthSession',
      failure: 'untrusted-key',
      code: 0,
      text:
        `the salt key is named '${Buffer.from(name).toString('hex')}', which is not the Name of ` +
        'the public area that was given: another TPM, or somebody between it and us',
      mayHaveChanged: false,
    });
  }
}

function timeoutOf({ timeoutMs }: SessionOptions): CallOptions {
  return timeoutMs === undefined ? {} : { timeoutMs };
}
