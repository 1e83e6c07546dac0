/** A receiver on a line in a simulated world: what it sends of one second, as frames. */
import type { TimeFrame } from '../../src/time/raw-time-evidence.ts';
import type { GnssPins, TimeSource } from '../../src/time/time-source.ts';
import type { ReceiverScript } from './scripted-receiver.ts';
import {
  receiverEpoch,
  SCRIPTED_LATITUDE_E7,
  SCRIPTED_LONGITUDE_E7,
  SCRIPTED_RECEIVER_ID,
} from './scripted-receiver.ts';
import type { TimeWorld } from './time-world.ts';

const SECOND_NS = 1_000_000_000n;
const MS_NS = 1_000_000n;
/** Its first message comes so long after the second, and each other so long after that. */
const LATENCY_NS = 60n * MS_NS;
const APART_NS = 2n * MS_NS;
/** All of a second's messages have come by then. */
const SPAN_NS = 200n * MS_NS;
const BRACKET_NS = 1_000n;

export const RECEIVER_PINS: GnssPins = {
  receiverId: SCRIPTED_RECEIVER_ID,
  survey: {
    latitudeE7: SCRIPTED_LATITUDE_E7,
    longitudeE7: SCRIPTED_LONGITUDE_E7,
    radiusMetres: 50,
  },
  satellitesMin: 4,
  accuracyNs: 1_000_000n,
  latencyMaxNs: 400n * MS_NS,
  pulse: true,
  monitored: true,
};

export const RECEIVER_SOURCE: TimeSource = {
  ...{ id: 'roof', kind: 'gnss', label: 'emulated', group: 'gnss' },
  pins: RECEIVER_PINS,
};

export interface Receiver {
  /** Place of the source in the profile. */
  readonly place: number;
  readonly script?: (seconds: number) => ReceiverScript;
  /** By how much its own time is wrong, pulse and messages alike. */
  readonly lieNs?: (seconds: number) => bigint;
  readonly isPlugged?: (seconds: number) => boolean;
}

/** The last second in `world` of which all has come: its pulse and its messages. */
export function receiverFrames(world: TimeWorld, receiver: Receiver): TimeFrame[] {
  const { place, script = () => ({}), lieNs = () => 0n, isPlugged = () => true } = receiver;
  if (!isPlugged(world.seconds)) return [];
  const ownNs = world.taiNs + lieNs(world.seconds) - SPAN_NS;
  const secondNs = (ownNs / SECOND_NS) * SECOND_NS;
  const rawNs = world.rawAt(secondNs - lieNs(world.seconds));
  const of = (kind: TimeFrame['kind'], atNs: bigint, bytes: Uint8Array): TimeFrame => ({
    ...{ source: place, kind, rawBeforeNs: atNs - BRACKET_NS, rawAfterNs: atNs + BRACKET_NS },
    ...{ clockNs: null, bytes },
  });
  const messages = receiverEpoch(secondNs, script(world.seconds)).map((bytes, i) => {
    const kind = bytes[0] === 0x24 ? 'nmea' : 'ubx';
    return of(kind, rawNs + LATENCY_NS + BigInt(i) * APART_NS, bytes);
  });
  return [of('pps', rawNs, new Uint8Array(0)), ...messages];
}
