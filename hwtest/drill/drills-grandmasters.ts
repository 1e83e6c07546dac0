/**
 * What can happen to an appliance with two pinned grandmasters that know nothing of each other: one
 * of them over a network card with a clock of its own, and a ptp4l that steers that.
 */
import type { Drill, Step } from './drill.ts';
import { type LabSource, ptpSource } from './lab-profile.ts';
import type { Stage } from './stage.ts';
import { atLeast, below, disputed, watch } from './steps.ts';

const s = 1_000_000_000n;
const secondDomain = 1;

/** Both run and are locked to. */
async function twoGrandmasters(stage: Stage): Promise<readonly LabSource[]> {
  const { lab, grandmaster } = stage;
  const second = await stage.addGrandmaster({ name: 'second', domain: secondDomain });
  const { ptp4l: client, clock } = await lab.otherClient('card', secondDomain);
  await clock.drift(-20_000n);
  await client.start();
  return [
    await ptpSource({ client: lab.client, grandmaster }),
    {
      ...(await ptpSource({ id: 'card', client, grandmaster: second, domain: secondDomain })),
      environment: clock.environmentOf(client.socket),
    },
  ];
}

/** By its boot entry, and an anchor behind it. */
const anchorsAgain: readonly Step[] = [
  {
    say: 'the daemon records the new boot of the TPM',
    comes: async ({ drilled }) => drilled.newestOf('boot') > drilled.newestOf('time.profile'),
  },
  {
    say: 'it anchors again',
    comes: async ({ drilled }) => drilled.newestOf('anchor') > drilled.newestOf('boot'),
  },
];

export const GRANDMASTERS_DRILLS: readonly Drill[] = [
  {
    name: 'two-sources-agree',
    about: 'Two grandmasters agree: within an anchor, time is attested.',
    sources: twoGrandmasters,
    steps: [atLeast('ATTESTED'), watch(10)],
  },
  {
    name: 'one-of-two-killed',
    about: 'One of two grandmasters dies: the other one is enough for a lock, and no more.',
    sources: twoGrandmasters,
    steps: [
      atLeast('ATTESTED'),
      { say: 'the second is killed', act: ({ other }) => other.ptp4l.kill() },
      below('ATTESTED'),
      watch(10),
      { say: 'it comes back', act: ({ other }) => other.start() },
      atLeast('ATTESTED'),
    ],
  },
  {
    name: 'one-of-two-steps',
    about: 'One of two grandmasters steps by a second: nobody can know which of them is right.',
    sources: twoGrandmasters,
    steps: [
      atLeast('ATTESTED'),
      { say: 'the second steps by 1 s', act: ({ other }) => other.clock.step(s) },
      disputed(),
      watch(5),
    ],
  },
  {
    name: 'one-of-two-lies-slowly',
    about: 'One of two grandmasters lies slowly, until the two have no time in common.',
    takesAway: 'that no pinned grandmaster lies: its evidence holds under no liar',
    sources: twoGrandmasters,
    steps: [
      atLeast('ATTESTED'),
      { say: 'the second runs 40 ppm fast', act: ({ other }) => other.clock.drift(40_000n) },
      disputed(),
      watch(5),
    ],
  },
  {
    name: 'tpm-reset',
    about: 'The TPM is reset during the lock: attested again by an anchor of its new boot.',
    sources: twoGrandmasters,
    steps: [
      atLeast('ATTESTED'),
      {
        say: 'the TPM loses its power',
        act: ({ drilled }) => drilled.appliance.devices.tpm.powerCycle(false),
      },
      ...anchorsAgain,
      atLeast('ATTESTED'),
    ],
  },
];
