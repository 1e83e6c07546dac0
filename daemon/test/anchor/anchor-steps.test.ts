/**
 * A mishap at every call to the TPM, and then either the same daemon goes on or another one starts:
 * the log that comes of it must replay to what the TPM attested, with nothing done twice.
 */
import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import {
  anchorDigest,
  compareBoots,
  extendBase,
  extendData,
  extended,
  parseAttest,
  pcrDigest,
  sha256,
  type TpmClockInfo,
} from '@kudurru/proof';

import type { AnchorContent } from '../../src/anchor/ports.ts';
import { DeviceError } from '../../src/hardware/device-error.ts';
import { begin, identity, World, type BootNoted } from './anchoring-world.ts';
import type { Mishap } from './twin-tpm.ts';

const kinds: readonly Mishap['kind'][] = ['reset-before', 'reset-after', 'refused', 'answer-lost'];
const recoveries = ['goes on', 'is killed'] as const;

describe('anchor steps', () => {
  for (const kind of kinds) {
    for (const recovery of recoveries) {
      it(`hold where the TPM's call is "${kind}" and the daemon ${recovery}`, async () => {
        const calls = await run(null, recovery);
        for (let call = 0; call < calls; call += 1) await run({ call, kind }, recovery);
      });
    }
  }

  it('hold where a second mishap meets the recovery of the first', async () => {
    const calls = await run(null, 'is killed');
    for (let first = 0; first < calls; first += 1) {
      for (const gap of [1, 2, 3, 5, 8, 13]) {
        const second: Mishap = {
          call: first + gap,
          kind: gap % 2 === 0 ? 'reset-before' : 'refused',
        };
        await run({ call: first, kind: 'answer-lost' }, 'is killed', second);
      }
    }
  });
});

type Started = Awaited<ReturnType<typeof begin>>;
type Goal = (started: Started) => Promise<void>;

/** Another daemon; one that does not begin with its start has that behind it. */
async function restart(world: World, isStart: boolean): Promise<Started> {
  const started = await begin(world);
  if (!isStart) await started.anchorer.start(started.unfinished);
  return started;
}

/** Two runs with three anchors each, with mishaps on the way; gives the number of calls. */
async function run(
  mishap: Mishap | null,
  recovery: (typeof recoveries)[number],
  second: Mishap | null = null,
): Promise<number> {
  const world = new World();
  const mishaps = [mishap, second].filter((each) => each !== null);
  world.tpm.mishap = mishaps.shift() ?? null;
  let started: Started | null = null;
  const goals: readonly Goal[] = [
    ({ anchorer, unfinished }) => anchorer.start(unfinished),
    ({ anchorer }) => (world.grow(3), anchorer.stop()),
    ({ anchorer }) => (world.grow(1), anchorer.stop()),
  ];
  for (const goal of [...goals, ...goals]) {
    const isStart = goal === goals[0];
    if (isStart) started = null;
    for (let isDone = false; !isDone;) {
      try {
        started ??= await restart(world, isStart);
        await goal(started);
        isDone = true;
      } catch (error) {
        assert(error instanceof DeviceError, String(error));
        world.tpm.mishap = mishaps.shift() ?? null;
        if (recovery === 'is killed' || isStart) started = null;
      }
    }
  }
  const place = mishap === null ? 'without a mishap' : `${mishap.kind} at call ${mishap.call}`;
  requireReplayed(world, place);
  return world.tpm.calls;
}

/** Independent of the code under test, but for D's formula. */
function requireReplayed(world: World, place: string): void {
  let extend = extendBase(identity.ledgerId);
  let counter = 40n;
  let clock: TpmClockInfo | null = null;
  let pcr: Uint8Array = new Uint8Array(32);
  const pending: Uint8Array[] = [];
  const enter = (now: TpmClockInfo): boolean => {
    const order = clock === null ? 1 : compareBoots(now, clock);
    assert(order >= 0, `${place}: the TPM's boot went back`);
    clock = now;
    return order > 0;
  };
  const boot = ({ quote, quoted }: BootNoted): void => {
    const shown = quoted.pcr ?? assert.fail('no PCR in the quote');
    if (enter(parseAttest(quote.attest).clock)) pcr = shown;
    else if (Buffer.compare(shown, pcr) !== 0) pending.push(shown);
  };
  const anchor = (content: AnchorContent): void => {
    const { left, right, counter: certified, quote, extend: index } = content;
    const evidenceHash = sha256(content.evidence);
    const digest = anchorDigest({ ...identity, ...content, evidenceHash });
    const attests = [left, right, certified, quote, index].filter((each) => each !== null);
    for (const { attest } of attests) assert(!enter(parseAttest(attest).clock), place);
    if (content.kind === 'counter-anchor') {
      counter += 1n;
      extend = extended(extend, extendData(counter, digest));
      assert.deepEqual(index?.attest.slice(-32), extend, place);
    }
    assert.equal(content.counterExpected, counter, place);
    pcr = extended(pcr, digest);
    for (const shown of pending.splice(0)) assert.deepEqual(shown, pcr, place);
    assert.deepEqual(quote?.attest.slice(-32), pcrDigest([pcr]), place);
  };
  for (const [sequence, content] of world.anchors.entries()) {
    assert.equal(content.anchorSequence, BigInt(sequence), place);
    for (const each of world.boots.filter(({ anchors }) => anchors === sequence)) boot(each);
    anchor(content);
  }
  assert.equal(world.tpm.counter, counter, `${place}: the counter is where the log has it`);
  assert.deepEqual(world.tpm.extend, extend, `${place}: the index is where the log has it`);
  assert.equal(world.prepared?.plan.anchorSequence, BigInt(world.anchors.length - 1), place);
}
