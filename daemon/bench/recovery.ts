/**
 * How long the daemon is away after a kill: from the start of the process to the line that says
 * that it is ready, with everything in between: runtime, devices, journal, and the first anchor.
 */
import type { House } from './house.ts';

export interface Recovery {
  /** Entries in the log when it was killed. */
  readonly entries: number;
  readonly afterKillMs: number;
}

export async function measureRecovery(house: House): Promise<Recovery> {
  const { size } = await house.control.get<{ size: number }>('/v1/status');
  const startedAtMs = performance.now();
  await house.killAndStart();
  return { entries: size, afterKillMs: performance.now() - startedAtMs };
}
