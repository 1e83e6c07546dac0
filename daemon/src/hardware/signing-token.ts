/**
 * What the ledger needs of a PKCS#11 token: signatures by the log key and wrapping of scope keys.
 * Neither key can leave the token.
 *
 * Every call has a deadline, `timeoutMs` from the call, and throws DeviceError. No call here
 * changes the token, so `deviceMayHaveChanged` is false. Codes of all calls:
 * `device-deadline-exceeded`, `device-missing`, `device-refused`, `device-mismatch`,
 * `device-wrong-pin`, `device-helper-lost`.
 */
import type { SigningTokenDescription } from './device-description.ts';

export interface SigningToken {
  /** The token and its log key. */
  describe(timeoutMs: number): Promise<SigningTokenDescription>;

  /** Ed25519 (RFC 8032) by the log key: 64 bytes. The message has at least one byte. */
  sign(message: Uint8Array, timeoutMs: number): Promise<Uint8Array>;

  /**
   * Encrypts a key of 16 to 64 bytes under the token's wrapping key, so that it can be stored.
   * `context` is what the key is for; unwrapping needs the same.
   */
  wrap(key: Uint8Array, context: Uint8Array, timeoutMs: number): Promise<Uint8Array>;

  /** The key that was wrapped. Altered bytes or another context: `device-refused`. */
  unwrap(wrapped: Uint8Array, context: Uint8Array, timeoutMs: number): Promise<Uint8Array>;
}
