/**
 * Collects the signatures that concurrent checks ask about and has them verified together, once all
 * checks wait: one call to the verifier for most bundles, wherever a faster one is injected.
 */
import type { SignatureCheck } from '../public-key.ts';
import { verifySignature } from '../public-key.ts';

/** Verifies many signatures; the answers are in the order of the checks. */
export type BatchVerifier = (checks: readonly SignatureCheck[]) => Promise<readonly boolean[]>;

interface Waiting {
  readonly check: SignatureCheck;
  readonly resolve: (isValid: boolean) => void;
  readonly reject: (reason: unknown) => void;
}

/** Verifies with this package's own curve arithmetic. */
export const verifyInTurn: BatchVerifier = (checks) => Promise.resolve(checks.map(verifySignature));

export class SignatureQueue {
  readonly #verify: BatchVerifier;
  #waiting: Waiting[] = [];

  constructor(verify: BatchVerifier) {
    this.#verify = verify;
  }

  /** Whether the signature is accepted (SPEC.md §2.1). */
  check(check: SignatureCheck): Promise<boolean> {
    return new Promise((resolve, reject) => {
      if (this.#waiting.length === 0) queueMicrotaskOf(() => this.#flush());
      this.#waiting.push({ check, resolve, reject });
    });
  }

  #flush(): void {
    const batch = this.#waiting;
    this.#waiting = [];
    this.#verify(batch.map(({ check }) => check)).then(
      (answers) => batch.forEach(({ resolve }, i) => resolve(answers[i] === true)),
      (reason: unknown) => batch.forEach(({ reject }) => reject(reason)),
    );
  }
}

function queueMicrotaskOf(task: () => void): void {
  void Promise.resolve().then(task);
}
