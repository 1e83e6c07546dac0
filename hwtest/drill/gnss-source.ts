/** The GNSS receiver of a lab, as a source of the time profile. */
import {
  SCRIPTED_LATITUDE_E7,
  SCRIPTED_LONGITUDE_E7,
  SCRIPTED_RECEIVER_ID,
} from '../../daemon/proof/test/support/scripted-receiver.ts';
import { type GnssReceiver, RECEIVER_LATENCY_MAX_NS } from '../lab/gnss-receiver.ts';
import type { LabSource } from './lab-profile.ts';

/** Pinned to the scripted receiver, where it was surveyed; no pulse is wired. */
export function gnssSource({ path }: GnssReceiver): LabSource {
  return {
    source: {
      id: 'gnss',
      kind: 'gnss',
      label: 'emulated',
      group: 'sky',
      pins: {
        receiverId: SCRIPTED_RECEIVER_ID,
        survey: {
          latitudeE7: SCRIPTED_LATITUDE_E7,
          longitudeE7: SCRIPTED_LONGITUDE_E7,
          radiusMetres: 50,
        },
        satellitesMin: 4,
        accuracyNs: 1000n,
        latencyMaxNs: RECEIVER_LATENCY_MAX_NS,
        pulse: false,
        monitored: true,
      },
    },
    place: { line: path },
  };
}
