/** Time profiles as an operator would write them, for tests. */
import { decodeHex } from '../../src/bytes.ts';
import type { TimeProfile } from '../../src/time/time-profile.ts';
import type { PtpPins, TimeSource } from '../../src/time/time-source.ts';

export const LOCAL_CLOCK = '3e12d5fffeb8792d';
export const GRANDMASTER = 'a6e429fffe6e1c74';

export const PTP_PINS: PtpPins = {
  domain: 0,
  localClockIdentity: decodeHex(LOCAL_CLOCK),
  grandmasters: [decodeHex(GRANDMASTER)],
  clock: 'realtime',
  delayMechanism: 'e2e',
  delayFilterLength: 10,
  delayMinNs: 500n,
  delayMaxNs: 1_000_000n,
  clockClasses: [6],
  clockAccuracyMax: 0x23,
  timeSources: [0x20],
  slewPpbMax: 200_000,
};

export const PTP_SOURCE: TimeSource = {
  id: 'ptp',
  kind: 'ptp',
  label: 'emulated',
  group: 'grandmaster.a',
  pins: PTP_PINS,
};

export const GNSS_SOURCE: TimeSource = {
  id: 'roof',
  kind: 'gnss',
  label: 'emulated',
  group: 'gnss',
  pins: {
    receiverId: null,
    survey: { latitudeE7: 473_566_100, longitudeE7: 85_190_000, radiusMetres: 50 },
    satellitesMin: 4,
    accuracyNs: 1_000_000n,
    latencyMaxNs: 400_000_000n,
    pulse: false,
    monitored: false,
  },
};

export const SYSTEM_SOURCE: TimeSource = {
  id: 'host',
  kind: 'system-clock',
  label: 'emulated',
  group: 'host',
  pins: {},
};

export const PROFILE: TimeProfile = {
  version: 1,
  name: 'rack 7',
  sources: [PTP_SOURCE, GNSS_SOURCE, SYSTEM_SOURCE],
  oscillator: { class: 'quartz', nominalPpb: 0n, driftPpbMax: 50_000n, wanderPpb: 2_000n },
  limits: {
    windowMs: 16_000,
    samplesMin: 8,
    silenceMs: 3_000,
    lockMs: 5_000,
    holdoverMs: 3_600_000,
    widthMaxNs: 5_000_000n,
  },
  requireTimeLevel: 'UNKNOWN',
};
