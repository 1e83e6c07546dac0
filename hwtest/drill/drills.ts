/** All drills. */
import type { Drill } from './drill.ts';
import { GNSS_DRILLS } from './drills-gnss.ts';
import { GRANDMASTERS_DRILLS } from './drills-grandmasters.ts';
import { LEAP_DRILLS } from './drills-leap.ts';
import { PTP_DRILLS } from './drills-ptp.ts';

export const DRILLS: readonly Drill[] = [
  ...PTP_DRILLS,
  ...GRANDMASTERS_DRILLS,
  ...LEAP_DRILLS,
  ...GNSS_DRILLS,
];
