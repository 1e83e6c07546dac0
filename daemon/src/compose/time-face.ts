/** What the control socket asks about time. */
import { encodeBase64, formatTai, formatTimeProfile } from '@kudurru/proof';

import { KudurruError } from '../base/errors.ts';
import type { TimeFace, TimeProfileView } from '../control/views.ts';
import type { ProfileInForce } from './time-profiles.ts';
import { timeViewOf } from './time-view.ts';
import type { Timekeeping } from './timekeeping.ts';

const validHoursMax = 720;

export function timeFace(time: Timekeeping, requireRunning: () => void): TimeFace {
  const { profiles } = time;
  return {
    time: () => timeViewOf(time),
    timeProfile: () => {
      if (profiles.inForce !== null) return profileView(profiles.inForce);
      throw new KudurruError('not-found', 'no time profile is in force in this ledger');
    },
    orderTimeProfile: (profile, validHours) => {
      requireRunning();
      if (validHours < 1 || validHours > validHoursMax) {
        throw new KudurruError(
          'request-malformed',
          `request not accepted: "validHours" is not 1 to ${validHoursMax}`,
        );
      }
      const { order, expiryTaiNs, operators } = profiles.describe(profile, validHours);
      return { order: encodeBase64(order), expires: formatTai(expiryTaiNs), operators };
    },
    activateTimeProfile: async (order, signatures) => {
      requireRunning();
      return profileView(await profiles.activate({ order, signatures }));
    },
  };
}

function profileView({ index, profile, operators }: ProfileInForce): TimeProfileView {
  const json: unknown = JSON.parse(formatTimeProfile(profile));
  return { index: Number(index), operators, profile: json };
}
