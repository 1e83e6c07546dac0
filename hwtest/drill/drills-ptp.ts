/** What can happen to a clock that follows a PTP grandmaster alone. */
import { renameSync, rmSync } from 'node:fs';

import { forgery, inject } from '../lab/intruders.ts';
import { type Linuxptp, NEWER_LINUXPTP_MISSING, newerLinuxptp } from '../lab/linuxptp.ts';
import type { Drill } from './drill.ts';
import { announce, atLeast, below, delay, found, noted, watch } from './steps.ts';

const ms = 1_000_000n;
const s = 1000n * ms;

const content = 'what the pinned grandmaster says is true';

export const PTP_DRILLS: readonly Drill[] = [
  {
    name: 'lock',
    about: 'A clock out of the box locks to its grandmaster, and stays locked.',
    steps: [watch(15)],
  },
  {
    name: 'grandmaster-killed',
    about: 'The grandmaster dies; ptp4l goes on telling its stale class 6.',
    steps: [
      {
        say: 'the grandmaster is killed',
        act: ({ grandmaster }) => grandmaster.ptp4l.kill(),
      },
      below('LOCKED'),
      watch(10),
      { say: 'it comes back', act: ({ grandmaster }) => grandmaster.start() },
      atLeast('LOCKED'),
    ],
  },
  {
    name: 'switch-port-down',
    about: "The switch loses the grandmaster's port.",
    steps: [
      {
        say: 'the port goes down',
        act: ({ lab, grandmaster }) => lab.network.setPort(grandmaster.station, 'down'),
      },
      below('LOCKED'),
      {
        say: 'the port comes up',
        act: ({ lab, grandmaster }) => lab.network.setPort(grandmaster.station, 'up'),
      },
      atLeast('LOCKED'),
    ],
  },
  {
    name: 'announced-class-7',
    about: 'The grandmaster says that it is in holdover.',
    steps: [
      announce('it announces class 7', { clockClass: 7 }),
      found('clock-class'),
      below('LOCKED'),
      announce('it announces class 6', { clockClass: 6 }),
      atLeast('LOCKED'),
    ],
  },
  {
    name: 'class-6-in-holdover',
    about: 'The grandmaster drifts in holdover and goes on announcing class 6.',
    takesAway: content,
    steps: [
      {
        say: 'the grandmaster drifts by 20 ppm, and says nothing of it',
        act: ({ grandmaster }) => grandmaster.clock.drift(20_000n),
      },
      watch(25),
    ],
  },
  {
    name: 'rogue-grandmaster',
    about: 'A better grandmaster appears that nobody pinned, 5 ms off.',
    steps: [
      {
        say: 'a rogue with priority1 90 appears',
        act: (stage) =>
          stage.addGrandmaster({ name: 'rogue', priority1: 90 }, (rogue) =>
            rogue.clock.step(5n * ms),
          ),
      },
      found('grandmaster'),
      below('LOCKED'),
      watch(10),
      { say: 'the rogue dies', act: ({ other }) => other.ptp4l.kill() },
      atLeast('LOCKED'),
    ],
  },
  {
    name: 'one-way-delay',
    about: 'Two milliseconds more from the grandmaster to the client.',
    steps: [delay('inbound', 2n * ms), below('LOCKED'), watch(15)],
  },
  {
    name: 'one-way-delay-outbound',
    about: 'Two milliseconds more from the client to the grandmaster.',
    steps: [delay('outbound', 2n * ms), below('LOCKED'), watch(15)],
  },
  {
    name: 'small-one-way-delay',
    about: 'A delay too small to be told from a busy network: only the window holds it.',
    steps: [delay('inbound', ms), watch(20)],
  },
  {
    name: 'delay-from-boot',
    about: 'The same delay present from boot.',
    fromBoot: [delay('inbound', 2n * ms)],
    steps: [found('delay-too-long'), watch(15)],
  },
  {
    name: 'delay-requests-dropped',
    about: 'Delay requests are lost: ptp4l stays SLAVE on a delay that it once measured.',
    steps: [
      {
        say: 'delay requests are lost',
        act: ({ lab }) => lab.relay.drop('outbound', ['delay-request']),
      },
      below('LOCKED'),
      delay('inbound', 2n * ms),
      watch(10),
    ],
  },
  {
    name: 'grandmaster-step',
    about: 'The grandmaster steps by a second.',
    steps: [
      {
        say: 'the grandmaster steps by 1 s',
        act: ({ grandmaster }) => grandmaster.clock.step(s),
      },
      below('LOCKED'),
      watch(25),
    ],
  },
  {
    name: 'slow-lie',
    about: 'The pinned grandmaster lies slowly: by PTP alone nobody can know.',
    takesAway: content,
    steps: [
      {
        say: 'the grandmaster runs 30 ppm fast',
        act: ({ grandmaster }) => grandmaster.clock.drift(30_000n),
      },
      watch(30),
    ],
  },
  {
    name: 'utc-offset-38',
    about: 'The grandmaster announces a UTC offset that is not.',
    steps: [
      announce('it announces UTC offset 38', { currentUtcOffset: 38 }),
      found('utc-offset'),
      below('LOCKED'),
      watch(5),
      announce('it announces UTC offset 37', { currentUtcOffset: 37 }),
      atLeast('LOCKED'),
    ],
  },
  ...(['leap61', 'leap59'] as const).map((flag): Drill => ({
    name: `${flag}-raised`,
    about: 'The grandmaster announces a leap second that our list does not have.',
    steps: [
      announce(`it raises ${flag}`, { [flag]: 1 }),
      found('leap-announced'),
      below('LOCKED'),
      watch(10),
    ],
  })),
  {
    name: 'ptp-timescale-toggled',
    about: 'The grandmaster says that its scale is arbitrary: the client steps by 37 s.',
    steps: [
      announce('it takes ptpTimescale back', { ptpTimescale: 0 }),
      found('timescale'),
      below('LOCKED'),
      watch(10),
      announce('it claims ptpTimescale again', { ptpTimescale: 1 }),
      atLeast('LOCKED'),
    ],
  },
  {
    name: 'not-traceable',
    about: 'The grandmaster says that its time is not traceable.',
    steps: [
      announce('it takes timeTraceable back', { timeTraceable: 0 }),
      found('not-traceable'),
      below('LOCKED'),
    ],
  },
  {
    name: 'client-clock-set',
    about: "Somebody sets the appliance's own clock by a second.",
    steps: [
      { say: 'the clock is set', act: ({ lab }) => lab.clientClock.step(s) },
      below('LOCKED'),
      atLeast('LOCKED'),
    ],
  },
  {
    name: 'oscillator-drift',
    about: 'The oscillator warms up: 10 ppm, within its class, while the grandmaster is gone.',
    steps: [
      { say: 'the grandmaster is killed', act: ({ grandmaster }) => grandmaster.ptp4l.kill() },
      { say: 'the oscillator drifts', act: ({ lab }) => lab.clocks.driftOscillator(10_000n) },
      below('LOCKED'),
      watch(25),
    ],
  },
  {
    name: 'ptp4l-restarted',
    about: 'ptp4l dies and is started again.',
    steps: [
      { say: 'ptp4l is killed', act: ({ lab }) => lab.client.kill() },
      below('LOCKED'),
      watch(5),
      { say: 'ptp4l starts', act: ({ lab }) => lab.client.start() },
      noted('restarted'),
      atLeast('LOCKED'),
    ],
  },
  {
    name: 'ptp4l-replaced',
    about: 'ptp4l 3.1.1 is replaced by linuxptp 4.',
    needsNewer: true,
    steps: [
      { say: 'ptp4l is stopped', act: ({ lab }) => lab.client.stop() },
      below('LOCKED'),
      { say: 'ptp4l of linuxptp 4 starts', act: ({ lab }) => lab.client.start(requireNewer()) },
      noted('restarted'),
      atLeast('LOCKED'),
      watch(5),
    ],
  },
  {
    name: 'socket-gone',
    about: "ptp4l goes on, but its management socket's name is removed.",
    steps: [
      { say: 'the name is removed', act: async ({ lab }) => rmSync(lab.client.socket) },
      below('LOCKED'),
    ],
  },
  {
    name: 'forged-response',
    about: "The network answers in ptp4l's stead: time far off, by another grandmaster.",
    steps: [
      {
        say: 'a RESPONSE is sent from the network, which ptp4l hands on',
        act: ({ lab, grandmaster }) => inject(lab, grandmaster, forgery()),
      },
      noted('forged-response'),
      atLeast('LOCKED'),
    ],
  },
  {
    name: 'socket-impostor',
    about: "Another user's process puts its own socket in the place of ptp4l's.",
    steps: [
      {
        say: 'ptp4l is killed, and an impostor has its socket',
        async act({ lab }) {
          await lab.client.kill();
          lab.impostor(lab.client.socket, () => undefined);
        },
      },
      below('LOCKED'),
      noted('socket-impostor'),
    ],
  },
  {
    name: 'socket-of-another-clock',
    about: 'Another ptp4l, on another clock, has the socket: it does not answer for ours.',
    steps: [
      {
        say: 'ptp4l is killed, and another has its socket',
        async act({ lab, grandmaster }) {
          await lab.client.kill();
          renameSync(grandmaster.ptp4l.socket, lab.client.socket);
        },
      },
      below('LOCKED'),
      found('silent'),
    ],
  },
];

function requireNewer(): Linuxptp {
  const newer = newerLinuxptp();
  if (newer === null) throw new Error(NEWER_LINUXPTP_MISSING);
  return newer;
}
