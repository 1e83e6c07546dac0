/** What can happen to a clock that follows a GNSS receiver, alone or beside a PTP grandmaster. */
import {
  type ReceiverScript,
  SCRIPTED_LATITUDE_E7,
} from '../../daemon/proof/test/support/scripted-receiver.ts';
import type { GnssReceiver } from '../lab/gnss-receiver.ts';
import type { Drill, Step } from './drill.ts';
import { gnssSource } from './gnss-source.ts';
import { type LabSource, ptpSource } from './lab-profile.ts';
import type { Stage } from './stage.ts';
import { atLeast, below, disputed, found, watch } from './steps.ts';

const ms = 1_000_000n;
const s = 1000n * ms;
/** In 10^-7 degrees of latitude. */
const kilometreE7 = 89_932;
/** What it is trusted to is what a lie can pass for. */
const poor = {
  ...{ class: 'ceramic resonator', nominalPpb: 0n, driftPpbMax: 500_000n, wanderPpb: 10_000n },
};
const otherReceiver = Uint8Array.of(0x72, 0x75, 0x64, 0x75, 0x4b);

async function receiver({ lab }: Stage): Promise<LabSource[]> {
  await lab.receiver.plugIn();
  return [gnssSource(lab.receiver)];
}

async function both(stage: Stage): Promise<LabSource[]> {
  const { lab, grandmaster } = stage;
  return [await ptpSource({ client: lab.client, grandmaster }), ...(await receiver(stage))];
}

function tell(say: string, script: ReceiverScript): Step {
  return { say, act: async ({ lab }) => lab.receiver.tell(script) };
}

const unplug: Step = { say: 'the receiver is unplugged', act: ({ lab }) => lab.receiver.unplug() };
const plugIn: Step = { say: 'the receiver is plugged in', act: ({ lab }) => lab.receiver.plugIn() };

/**
 * An alarm of the receiver, and then its time goes wrong: nobody follows it there. When all is well
 * again it is held against the receiver still, until operators sign.
 */
function alarmed(script: ReceiverScript, problem: string): readonly Step[] {
  return [
    tell('the receiver says so', script),
    found(problem),
    below('LOCKED'),
    { say: 'its time walks off', act: ({ lab }) => lab.receiver.clock.drift(500_000n) },
    watch(15),
    { say: 'its time is true again', act: ({ lab }) => setRight(lab.receiver) },
    tell('the receiver finds its sky clean', {}),
    // Longer than evidence looks back.
    watch(15),
    found(problem),
    { say: 'operators sign the profile anew', act: ({ drilled }) => drilled.useProfileAgain() },
    atLeast('LOCKED'),
  ];
}

async function setRight({ clock }: GnssReceiver): Promise<void> {
  await clock.drift(0n);
  await clock.step(-(await clock.truthOffsetNs()));
}

export const GNSS_DRILLS: readonly Drill[] = [
  {
    name: 'gnss-lock',
    about: 'A clock out of the box follows a GNSS receiver alone.',
    sources: receiver,
    steps: [watch(15)],
  },
  {
    name: 'ptp-and-gnss-agree',
    about: 'A grandmaster and a receiver agree, between two attestations of the TPM.',
    sources: both,
    steps: [atLeast('ATTESTED'), watch(15)],
  },
  {
    name: 'slow-lie-beside-gnss',
    about: 'The pinned grandmaster lies slowly: the receiver contradicts it.',
    takesAway: 'what the pinned grandmaster says is true',
    oscillator: poor,
    sources: both,
    steps: [
      atLeast('ATTESTED'),
      {
        say: 'the grandmaster runs 400 ppm slow',
        act: ({ grandmaster }) => grandmaster.clock.drift(-400_000n),
      },
      disputed(),
      watch(5),
    ],
  },
  {
    name: 'ptp-gnss-disagree',
    about: 'A receiver speaks up that is 400 ms off and finds nothing wrong with itself.',
    sources: async (stage) => {
      stage.lab.receiver.stall();
      await stage.lab.receiver.clock.step(-400n * ms);
      return both(stage);
    },
    steps: [
      { say: 'the receiver speaks up', act: async ({ lab }) => lab.receiver.resume() },
      disputed(),
      watch(5),
      unplug,
      atLeast('LOCKED'),
    ],
  },
  {
    name: 'gnss-spoofed',
    about: 'The receiver indicates that it is spoofed, and then is.',
    sources: receiver,
    steps: alarmed({ spoofing: 2 }, 'spoofing'),
  },
  {
    name: 'gnss-jammed',
    about: 'The receiver indicates interference, and then runs free.',
    sources: receiver,
    steps: alarmed({ jamming: 2 }, 'jamming'),
  },
  {
    name: 'gnss-spoofed-beside-ptp',
    about: 'The receiver is spoofed while a grandmaster is there: it alone is followed.',
    sources: both,
    steps: [
      atLeast('ATTESTED'),
      tell('the receiver says so', { spoofing: 3 }),
      { say: 'its time leaps', act: ({ lab }) => lab.receiver.clock.step(s) },
      found('spoofing'),
      below('ATTESTED'),
      atLeast('LOCKED'),
      watch(10),
    ],
  },
  {
    name: 'gnss-position-jump',
    about: 'The surveyed antenna is a kilometre away all of a sudden.',
    sources: receiver,
    steps: [
      tell('the position jumps', { latitudeE7: SCRIPTED_LATITUDE_E7 + kilometreE7 }),
      found('position'),
      below('LOCKED'),
      watch(10),
    ],
  },
  {
    name: 'gnss-week-rollover',
    about: "The receiver's week number rolls over: it is 1,024 weeks ago.",
    sources: receiver,
    steps: [
      tell('the date falls back', { weeksOff: -1024 }),
      found('date'),
      below('LOCKED'),
      watch(15),
    ],
  },
  {
    name: 'gnss-time-leaps',
    about: "The receiver's time leaps by two seconds, and it finds nothing wrong with that.",
    sources: receiver,
    steps: [
      { say: 'its time leaps', act: ({ lab }) => lab.receiver.clock.step(2n * s) },
      below('LOCKED'),
      watch(20),
    ],
  },
  {
    name: 'gnss-simulator',
    about: 'The receiver plays a recording.',
    sources: receiver,
    steps: [
      tell('it is in simulator mode', { mode: 'S' }),
      found('simulated'),
      below('LOCKED'),
      watch(5),
      tell('it has a fix again', {}),
      atLeast('LOCKED'),
    ],
  },
  {
    name: 'gnss-dead-reckoning',
    about: 'The receiver sees no satellites and goes on by dead reckoning.',
    sources: receiver,
    steps: [
      tell('it goes by dead reckoning', { mode: 'E' }),
      found('simulated'),
      below('LOCKED'),
      watch(5),
      tell('it has a fix again', {}),
      atLeast('LOCKED'),
    ],
  },
  {
    name: 'gnss-leap-announced',
    about: 'The receiver announces a leap second that our list does not have.',
    sources: receiver,
    steps: [
      tell('it announces one', { leapAnnounced: { change: 1, inSeconds: 3600 } }),
      found('leap-announced'),
      below('LOCKED'),
      watch(5),
    ],
  },
  {
    name: 'gnss-utc-offset',
    about: 'The receiver believes that GPS is 19 s ahead of UTC.',
    sources: receiver,
    steps: [
      tell('its offset is 19 s', { leapSeconds: 19 }),
      found('utc-offset'),
      below('LOCKED'),
      watch(15),
    ],
  },
  {
    name: 'gnss-stalled',
    about: 'The receiver falls silent, and speaks again.',
    sources: receiver,
    steps: [
      { say: 'it falls silent', act: async ({ lab }) => lab.receiver.stall() },
      found('silent'),
      below('LOCKED'),
      watch(10),
      { say: 'it speaks again', act: async ({ lab }) => lab.receiver.resume() },
      atLeast('LOCKED'),
    ],
  },
  {
    name: 'gnss-unplugged',
    about: 'The receiver is unplugged and plugged in again.',
    sources: receiver,
    steps: [unplug, below('LOCKED'), watch(10), plugIn, atLeast('LOCKED'), watch(5)],
  },
  {
    name: 'gnss-replaced',
    about: 'Another receiver is plugged in where the pinned one was.',
    sources: receiver,
    steps: [
      unplug,
      below('LOCKED'),
      {
        say: 'another one is plugged in',
        act: ({ lab }) => lab.receiver.plugIn(otherReceiver),
      },
      found('identity'),
      watch(10),
    ],
  },
];
