/** A last minute of the year that has a leap second, and one that a grandmaster makes of itself. */
import { taiOfUtc } from '@kudurru/proof';

import type { Drill, Step } from './drill.ts';
import { announce, atLeast, below, found, watch } from './steps.ts';

const nsPerMs = 1_000_000n;
/** For the appliance to lock in before. */
const lockMs = 150_000;
/** The newest leap second of our list comes just before the first; none before the second. */
const leapMs = Date.UTC(2017, 0, 1);
const noLeapMs = Date.UTC(2016, 0, 1);
/** ptp4l steps its clock; no kernel of the lab knows of leap seconds. */
const clientSettings = { kernel_leap: 0 };

function midnight(utcMs: number): Step {
  const taiNs = taiOfUtc(BigInt(utcMs) * nsPerMs);
  return { say: 'the year ends', comes: async ({ lab }) => lab.truthNow() >= taiNs };
}

export const LEAP_DRILLS: readonly Drill[] = [
  {
    name: 'leap61-real',
    about: 'The second 23:59:60 of 2016: announced, in our list, and come.',
    lab: { utcMs: leapMs - lockMs, clientSettings },
    steps: [
      announce('leap61 is announced', { leap61: 1 }),
      atLeast('LOCKED'),
      watch(10),
      midnight(leapMs),
      announce('UTC is 37 s behind TAI', { leap61: 0, currentUtcOffset: 37 }),
      below('LOCKED'),
      watch(15),
      {
        // It takes up the announced offset when it next chooses its master, and not before.
        say: 'the grandmaster is started anew: ptp4l goes by 37 s, too',
        async act({ lab, grandmaster }) {
          await grandmaster.ptp4l.stop();
          await lab.client.untilPortState('LISTENING');
          await grandmaster.start();
        },
      },
      atLeast('LOCKED'),
    ],
  },
  {
    name: 'leap59-real',
    about: 'A grandmaster leaves out 23:59:59 of 2015, which nobody else does: TAI goes on.',
    lab: { utcMs: noLeapMs - lockMs, clientSettings },
    steps: [
      announce('leap59 is announced', { leap59: 1 }),
      found('leap-announced'),
      below('LOCKED'),
      midnight(noLeapMs),
      announce('it says that UTC is 35 s behind TAI', { leap59: 0, currentUtcOffset: 35 }),
      found('utc-offset'),
      watch(10),
    ],
  },
];
