/**
 * When the next anchor is due. Pure: times in, time out, in ms of a clock that never goes back.
 *
 * Activity is what agents and operators cause. Anchors, alarms and the like are not: else a ledger
 * at rest would anchor its own anchors for ever, and wear the TPM for nothing.
 */

export interface ScheduleOptions {
  /** While there is activity, anchors are this far apart. */
  readonly anchorIntervalMs: number;
  /** While there is activity, increments of the counter are this far apart. */
  readonly counterIntervalMs: number;
}

export interface ScheduleState {
  readonly nowMs: number;
  /** End of the last anchor; null before the first of this run. */
  readonly lastAnchorMs: number | null;
  readonly lastCounterMs: number | null;
  /** The oldest activity that no anchor covers. */
  readonly activeSinceMs: number | null;
  /** Somebody waits for an `anchored` receipt. */
  readonly awaited: boolean;
  /** Failures in a row. */
  readonly failures: number;
  readonly lastFailureMs: number | null;
}

export interface Due {
  readonly atMs: number;
  readonly kind: 'anchor' | 'counter-anchor';
}

/** Submissions that arrive together share the anchor that one of them waits for. */
const gatherMs = 25;
/** With somebody waiting, no more than this many times the usual rate. */
const awaitedSpeedUp = 10;
/** First pause after a failure; doubled with each one up to the longest. */
const backoffFirstMs = 1000;
const backoffLongestMs = 60_000;

/** Null while there is nothing to anchor. */
export function nextAnchor(options: ScheduleOptions, state: ScheduleState): Due | null {
  const { activeSinceMs, lastAnchorMs, lastCounterMs } = state;
  if (activeSinceMs === null) return null;
  const spacingMs = state.awaited
    ? options.anchorIntervalMs / awaitedSpeedUp
    : options.anchorIntervalMs;
  const wantedMs = state.awaited ? activeSinceMs + gatherMs : activeSinceMs + spacingMs;
  const spacedMs = lastAnchorMs === null ? activeSinceMs : lastAnchorMs + spacingMs;
  const pausedMs =
    state.lastFailureMs === null ? 0 : state.lastFailureMs + backoffMs(state.failures);
  const atMs = Math.max(wantedMs, spacedMs, pausedMs, state.nowMs);
  const counts = lastCounterMs === null || atMs - lastCounterMs >= options.counterIntervalMs;
  return { atMs, kind: counts ? 'counter-anchor' : 'anchor' };
}

function backoffMs(failures: number): number {
  return failures === 0 ? 0 : Math.min(backoffFirstMs * 2 ** (failures - 1), backoffLongestMs);
}
