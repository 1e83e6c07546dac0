/** What a PTP source announces of itself, in words that change when any of it does. */
import { PtpView } from './ptp-view.ts';
import type { Frames } from './source-reading.ts';
import type { PtpPins } from './time-source.ts';

/**
 * Of the newest answers: parent, grandmaster, its class, accuracy and source of time, the flags and
 * the UTC offset. A parent tells of itself; what is measured is not in it.
 */
export function ptpAnnounced(frames: Frames, pins: PtpPins): string {
  const view = new PtpView(frames, pins);
  const parent = view.parent.at(-1)?.set;
  const properties = view.timeProperties.at(-1)?.set;
  if (parent === undefined || properties === undefined) return 'nothing';
  const { clockIdentity, portNumber } = parent.parentPortIdentity;
  const { clockClass, clockAccuracy } = parent.grandmasterClockQuality;
  const { name: _, ...told } = properties;
  const announced = {
    ...{ parent: `${clockIdentity}-${portNumber}`, grandmaster: parent.grandmasterIdentity },
    ...{ clockClass, clockAccuracy, ...told },
  };
  return Object.entries(announced)
    .map(([name, value]) => `${name}=${String(value)}`)
    .join(' ');
}
