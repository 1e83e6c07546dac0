// Who may do what with the TPM as a whole: the hierarchies' authorisation values, the limits on
// guessing, and Clear.
import type { CallOptions, Connection } from './connection.ts';
import { type Hierarchy, hierarchy } from './constants.ts';

/**
 * When the TPM locks keys that are protected against guessing. A power loss after such a key was
 * used counts as a failure too.
 */
export interface LockoutLimits {
  readonly triesMax: number;
  /** One failure is forgiven after so long. */
  readonly recoverySeconds: number;
  /** After a wrong lockout authorisation, the next is taken after so long. */
  readonly lockoutRecoverySeconds: number;
}

export class Hierarchies {
  readonly #connection: Connection;

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  /** The authorisation value that later calls of this connection use for the hierarchy. */
  async setAuth(which: Hierarchy, value: Uint8Array): Promise<void> {
    await this.#connection.run('setAuth', [which, value]);
  }

  /**
   * TPM2_HierarchyChangeAuth, Part 3 §24.8: at most 32 bytes, used from then on by this connection
   * too. The value crosses the bus in the clear unless a salted session is among `sessions`.
   */
  async changeAuth(which: Hierarchy, value: Uint8Array, options?: CallOptions): Promise<void> {
    await this.#connection.run('hierarchyChangeAuth', [which, value], options);
    await this.setAuth(which, value);
  }

  /** TPM2_DictionaryAttackLockReset, Part 3 §25.2: forgets the failures counted so far. */
  async resetLockout(options?: CallOptions): Promise<void> {
    await this.#connection.run('dictionaryAttackLockReset', [hierarchy.lockout], options);
  }

  /** TPM2_DictionaryAttackParameters, Part 3 §25.3. */
  async setLockoutLimits(limits: LockoutLimits, options?: CallOptions): Promise<void> {
    const { triesMax, recoverySeconds, lockoutRecoverySeconds } = limits;
    const inputs = [hierarchy.lockout, triesMax, recoverySeconds, lockoutRecoverySeconds];
    await this.#connection.run('dictionaryAttackParameters', inputs, options);
  }

  /**
   * TPM2_Clear, Part 3 §24.6, by the lockout authorisation: every key and index of the owner is
   * gone for good, reset count and clock begin anew. Nothing of the product calls it.
   */
  async clearTpm(options?: CallOptions): Promise<void> {
    await this.#connection.run('clear', [hierarchy.lockout], options);
  }
}
