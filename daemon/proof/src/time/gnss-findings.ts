/** What can be said against an epoch of a GNSS receiver: closed lists of codes. */

/** Kept once seen, until an operator clears them: what they tell of does not undo itself. */
export const GNSS_LATCHES = [
  /** The receiver indicates or affirms spoofing. */
  'spoofing',
  /** The receiver indicates interference, or calls it critical. */
  'jamming',
  /** The antenna is not where it was surveyed. */
  'position-moved',
  /** Another receiver answers than the one that is pinned. */
  'receiver-differs',
  /** Its time leapt against CLOCK_MONOTONIC_RAW. */
  'time-step',
] as const;
export type GnssLatch = (typeof GNSS_LATCHES)[number];

/** An epoch with one of these does not count. */
export const GNSS_REFUSALS = [
  ...GNSS_LATCHES,
  /** No valid date and time of day, or the receiver says that it has no fix. */
  'no-fix',
  /** Simulator, manual input or dead reckoning. */
  'mode-refused',
  /** Fewer than the pins require, or not told. */
  'too-few-satellites',
  /** The receiver itself doubts the second or the date. */
  'time-unresolved',
  /** Its messages name different instants as the same epoch. */
  'time-disagrees',
  /** No instant of the calendar, or a leap second that our list does not have. */
  'time-impossible',
  /** Before the leap list was published, or before what this ledger knows to have passed. */
  'before-lower-bound',
  /** Further than GNSS_HORIZON_SECONDS beyond that. */
  'beyond-horizon',
  /** GPS - UTC by the receiver is not that of our list. */
  'leap-differs',
  /** No SEC-UNIQID since the line was opened. */
  'receiver-unidentified',
  /** A surveyed antenna without a position. */
  'position-unknown',
  /** Where the pins require it: nothing watches for spoofing. */
  'spoofing-not-monitored',
  /** Where the pins require it: nothing watches for interference. */
  'jamming-not-monitored',
] as const;
export type GnssRefusal = (typeof GNSS_REFUSALS)[number];

/** Told with an epoch that counts nevertheless. */
export const GNSS_REMARKS = [
  /** A frame that breaks its format; it is left out. */
  'frame-malformed',
  /** A leap second is announced that our list does not have. It is never applied. */
  'leap-announced',
] as const;
export type GnssRemark = (typeof GNSS_REMARKS)[number];

export type GnssFinding = GnssRefusal | GnssRemark;

/** `clean` is what the receiver says of itself; `not-monitored` says nothing at all. */
export type GnssMonitoring = 'not-monitored' | 'clean' | 'indicated' | 'affirmed';
