/** The time profile of an appliance in a lab: what it is commissioned with. */
import { decodeHex, type TimeProfile, type TimeSource } from '@kudurru/proof';

import type { Grandmaster } from '../lab/grandmaster.ts';
import type { Ptp4l } from '../lab/ptp4l.ts';

const ms = 1_000_000n;

/** A source of the profile, and where the appliance finds it. */
export interface LabSource {
  readonly source: TimeSource;
  /** Members of its table `[time.sources.ID]`. */
  readonly place: Readonly<Record<string, string | number>>;
  /** Added to that of the daemon. */
  readonly environment?: Readonly<Record<string, string>>;
}

/** As in any server. */
const quartz = { class: 'quartz', nominalPpb: 0n, driftPpbMax: 50_000n, wanderPpb: 1000n };

export function labProfile(
  sources: readonly LabSource[],
  oscillator: TimeProfile['oscillator'] = quartz,
): TimeProfile {
  const isSlow = sources.some(({ source }) => source.kind === 'gnss');
  return {
    version: 1,
    name: 'lab',
    sources: sources.map(({ source }) => source),
    oscillator,
    limits: {
      windowMs: 4000,
      samplesMin: 4,
      // A receiver speaks once a second, and a busy machine may miss one.
      silenceMs: isSlow ? 3500 : 2000,
      lockMs: 5000,
      holdoverMs: 600_000,
      widthMaxNs: 50n * ms,
    },
    requireTimeLevel: 'UNKNOWN',
  };
}

export interface PtpSourceOptions {
  readonly id?: string;
  /** On the clock that it disciplines; it runs. */
  readonly client: Ptp4l;
  /** The one that is pinned; it runs. */
  readonly grandmaster: Grandmaster;
  readonly domain?: number;
}

/** Pinned to one grandmaster, which it is named after. */
export async function ptpSource(options: PtpSourceOptions): Promise<LabSource> {
  const { id = 'ptp', client, grandmaster, domain = 0 } = options;
  return {
    source: {
      id,
      kind: 'ptp',
      label: 'emulated',
      group: grandmaster.ptp4l.name,
      pins: {
        domain,
        localClockIdentity: decodeHex(await client.clockIdentity()),
        grandmasters: [decodeHex(await grandmaster.ptp4l.clockIdentity())],
        clock: 'realtime',
        delayMechanism: 'e2e',
        delayFilterLength: 10,
        // A frame through two veth pairs, a bridge and the relay; what a loaded machine adds comes
        // on top.
        delayMinNs: 1000n,
        delayMaxNs: ms,
        clockClasses: [6],
        clockAccuracyMax: 0x21,
        timeSources: [0x20],
        slewPpbMax: 1_000_000,
      },
    },
    place: { socket: client.socket, intervalMs: 250 },
  };
}
