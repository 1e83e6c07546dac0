/**
 * What a TPM means by "not now" (Part 2 §6.6.3, RC_WARN): the command was not begun, and may be
 * sent again after a pause. The library below repeats RETRY, TESTING and YIELDED itself. Whoever
 * changes something that counts looks first whether it was done after all: see `withPauses`.
 */
import { setTimeout as wait } from 'node:timers/promises';

import { TpmError, constants } from '@kudurru/tpm2-tss';

import type { Deadline } from '../deadline.ts';

export interface Pause {
  readonly name: 'nv-rate' | 'nv-unavailable' | 'lockout';
  /** TPM_RC. */
  readonly code: number;
  /** The first pause; each further one is twice as long, up to the longest. */
  readonly firstMs: number;
  readonly longestMs: number;
}

/**
 * NV_RATE guards a TPM's memory against wear, NV_UNAVAILABLE lasts while that is written: both pass
 * by themselves in less than seconds. A lockout ends when a failure is forgiven.
 */
export const pauses: readonly Pause[] = [
  { name: 'nv-rate', code: constants.responseCode.nvRate, firstMs: 100, longestMs: 5000 },
  {
    name: 'nv-unavailable',
    code: constants.responseCode.nvUnavailable,
    firstMs: 100,
    longestMs: 5000,
  },
  { name: 'lockout', code: constants.responseCode.lockout, firstMs: 1000, longestMs: 5000 },
];

/** The pause that the TPM asked for, if it did. */
export function pauseFor(error: unknown): Pause | undefined {
  if (!(error instanceof TpmError) || error.failure !== 'refused') return undefined;
  return pauses.find(({ code }) => error.isTpmCode(code));
}

/**
 * Runs `attempt` until the TPM takes it, or the next pause would pass the deadline: then the TPM's
 * refusal is thrown. An attempt that counts or extends reads first, so that nothing is done twice
 * even by a TPM that refuses what it did.
 */
export async function withPauses<Value>(
  deadline: Deadline,
  attempt: () => Promise<Value>,
): Promise<Value> {
  for (let repeated = 0; ; repeated += 1) {
    try {
      return await attempt();
    } catch (error) {
      const pause = pauseFor(error);
      if (pause === undefined) throw error;
      const pauseMs = Math.min(pause.longestMs, pause.firstMs * 2 ** Math.min(repeated, 10));
      if (pauseMs >= deadline.remainingMs()) throw error;
      await wait(pauseMs);
    }
  }
}
