/** The time profile of an appliance in a lab: what it is commissioned with. */
import { decodeHex, type TimeProfile, type TimeSource } from '@kudurru/proof';

import type { Stage } from './stage.ts';

const ms = 1_000_000n;

/** Pinned to the grandmaster that the lab began with. */
export async function labProfile(stage: Stage): Promise<TimeProfile> {
  return {
    version: 1,
    name: 'lab',
    sources: [await ptpSource(stage)],
    // A quartz, as in any server.
    oscillator: { class: 'quartz', nominalPpb: 0n, driftPpbMax: 50_000n, wanderPpb: 1000n },
    limits: {
      windowMs: 4000,
      samplesMin: 4,
      silenceMs: 2000,
      lockMs: 5000,
      holdoverMs: 600_000,
      widthMaxNs: 50n * ms,
    },
    requireTimeLevel: 'UNKNOWN',
  };
}

async function ptpSource({ lab, grandmaster }: Stage): Promise<TimeSource> {
  return {
    id: 'ptp',
    kind: 'ptp',
    label: 'emulated',
    group: 'lab-grandmaster',
    pins: {
      domain: 0,
      localClockIdentity: decodeHex(await lab.client.clockIdentity()),
      grandmasters: [decodeHex(await grandmaster.ptp4l.clockIdentity())],
      clock: 'realtime',
      delayMechanism: 'e2e',
      delayFilterLength: 10,
      // A frame through two veth pairs, a bridge and the relay; what a loaded machine adds comes on
      // top.
      delayMinNs: 1000n,
      delayMaxNs: ms,
      clockClasses: [6],
      clockAccuracyMax: 0x21,
      timeSources: [0x20],
      slewPpbMax: 1_000_000,
    },
  };
}
