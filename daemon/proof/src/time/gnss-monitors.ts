/**
 * What a receiver says of the sky: spoofing and interference, from whichever messages it sends. A
 * verdict older than GNSS_MONITOR_AGE_MAX_NS is none, and no verdict is not a clean one.
 */
import type { SkyState } from './source-verdict.ts';
import { SKY_STATES } from './source-verdict.ts';
import type { UbxMessage } from './ubx.ts';

/** Receivers report once a second, or once every few seconds where the line is slow. */
export const GNSS_MONITOR_AGE_MAX_NS = 10_000_000_000n;

interface Report {
  readonly rawNs: bigint;
  /** 0 unknown or off, 1 none, 2 indicated, 3 affirmed or critical. */
  readonly state: number;
}

type Reports = Map<UbxMessage['kind'], Report>;

export class GnssMonitors {
  readonly #spoofing: Reports = new Map();
  readonly #jamming: Reports = new Map();

  take(message: UbxMessage, rawNs: bigint): void {
    const { spoofing, jamming } = statesOf(message);
    if (spoofing !== null) this.#spoofing.set(message.kind, { rawNs, state: spoofing });
    if (jamming !== null) this.#jamming.set(message.kind, { rawNs, state: jamming });
  }

  /** Forgets what an earlier receiver, or the same one before it was unplugged, had said. */
  reset(): void {
    this.#spoofing.clear();
    this.#jamming.clear();
  }

  spoofing(rawNs: bigint): SkyState {
    return verdictOf(this.#spoofing, rawNs);
  }

  jamming(rawNs: bigint): SkyState {
    return verdictOf(this.#jamming, rawNs);
  }
}

function statesOf(message: UbxMessage): { spoofing: number | null; jamming: number | null } {
  switch (message.kind) {
    case 'nav-status':
      return { spoofing: message.spoofingState, jamming: null };
    case 'mon-hw':
      return { spoofing: null, jamming: message.jammingState };
    case 'mon-rf': {
      const states = message.blocks.map(({ jammingState }) => jammingState);
      // One band that is not watched is a band that is not watched.
      const isWatched = states.length > 0 && states.every((state) => state > 0);
      const worst = Math.max(0, ...states);
      return { spoofing: null, jamming: worst > 1 || isWatched ? worst : 0 };
    }
    case 'sec-sig':
      return {
        spoofing: message.isSpoofingMonitored ? message.spoofingState : 0,
        jamming: message.isJammingMonitored ? message.jammingState : 0,
      };
    default:
      return { spoofing: null, jamming: null };
  }
}

function verdictOf(reports: Reports, rawNs: bigint): SkyState {
  const fresh = [...reports.values()].filter(
    (report) => rawNs - report.rawNs <= GNSS_MONITOR_AGE_MAX_NS,
  );
  const worst = Math.max(0, ...fresh.map(({ state }) => state));
  return SKY_STATES[worst] ?? 'affirmed';
}
