import assert from 'node:assert/strict';
import { constants, createReadStream, openSync } from 'node:fs';
import { afterEach, describe, it } from 'mocha';

import { GnssIntegrity, GnssSplitter, LEAP_TABLE, type GnssEpoch } from '@kudurru/proof';

import {
  type ReceiverScript,
  SCRIPTED_LATITUDE_E7,
  SCRIPTED_LONGITUDE_E7,
  SCRIPTED_RECEIVER_ID,
  taiAt,
} from '../../daemon/proof/test/support/scripted-receiver.ts';
import { GnssPlayer } from './gnss-player.ts';

const second = 1_000_000_000n;
const begin = taiAt('2026-11-22T12:00:00Z');
const pins = {
  receiverId: SCRIPTED_RECEIVER_ID,
  survey: {
    latitudeE7: SCRIPTED_LATITUDE_E7,
    longitudeE7: SCRIPTED_LONGITUDE_E7,
    radiusMetres: 50,
  },
  satellitesMin: 4,
  accuracyNs: 1_000_000n,
  latencyMaxNs: 900_000_000n,
  pulse: false,
  monitored: true,
};

const player = new Set<GnssPlayer>();

describe('gnss player', () => {
  afterEach(async () => {
    for (const one of player) await one.unplug();
    player.clear();
  });

  async function plugIn(): Promise<GnssPlayer> {
    const one = await GnssPlayer.plugIn();
    player.add(one);
    return one;
  }

  it('plays every lie of a drill over a serial line', async () => {
    const scripts: readonly (readonly [ReceiverScript, readonly string[]])[] = [
      [{}, []],
      [{ mode: 'S' }, ['simulated', 'position-unknown']],
      [{ weeksOff: -1024 }, ['utc-offset', 'date']],
      [{ leapAnnounced: { change: 1, inSeconds: 60 } }, ['leap-announced']],
      [{ jamming: 3 }, ['jamming']],
      [{ spoofing: 2 }, ['spoofing', 'jamming']],
      [{ latitudeE7: 0 }, ['spoofing', 'jamming', 'position']],
    ];
    const one = await plugIn();
    const epochs = epochsOf(one.path);
    const found: (readonly string[])[] = [];
    // The first may have begun before, and an epoch ends where the next one begins.
    await one.play(begin - second);
    for (const [i, [script]] of scripts.entries())
      await one.play(begin + BigInt(i) * second, script);
    await one.play(begin + BigInt(scripts.length) * second);
    while (found.length < scripts.length) {
      const next = await epochs.next();
      assert.ok(next.done !== true, 'the line ended');
      found.push(next.value.problems);
    }
    assert.deepEqual(
      found,
      scripts.map(([, problems]) => problems),
    );
    await one.unplug();
    assert.equal((await epochs.next()).done, true);
  });

  it('hangs up when it is unplugged, and is another line when it is plugged in', async () => {
    const one = await plugIn();
    const epochs = epochsOf(one.path);
    const ended = epochs.next();
    await one.unplug();
    await one.unplug();
    assert.equal((await ended).done, true);
    const other = await plugIn();
    for (const epoch of [-1n, 0n, 1n]) await other.play(begin + epoch * second);
    const epoch = await epochsOf(other.path).next();
    assert.equal(epoch.done === true ? null : epoch.value.taiNs, begin);
  });
});

function integrityOf(): GnssIntegrity {
  return new GnssIntegrity({ pins, leap: LEAP_TABLE, passedTaiNs: begin - second });
}

/** The epochs that end while the line is read, until it hangs up; a second of raw time each. */
async function* epochsOf(path: string): AsyncGenerator<GnssEpoch, void> {
  const [splitter, integrity] = [new GnssSplitter(), integrityOf()];
  const fd = openSync(path, constants.O_RDONLY | constants.O_NOCTTY);
  let rawNs = 0n;
  try {
    for await (const chunk of createReadStream('', { fd })) {
      for (const { kind, bytes } of splitter.push(chunk as Buffer)) {
        if (kind === 'noise') continue;
        // Each epoch begins with its GGA.
        if (String.fromCharCode(...bytes.subarray(0, 6)) === '$GNGGA') rawNs += second;
        const epoch = integrity.take({ kind, bytes, rawBeforeNs: rawNs, rawAfterNs: rawNs });
        if (epoch !== null) yield epoch;
      }
    }
  } catch (error) {
    // What a line that has hung up says.
    if ((error as NodeJS.ErrnoException).code !== 'EIO') throw error;
  }
}
