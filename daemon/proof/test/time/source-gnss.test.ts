import assert from 'node:assert/strict';
import { describe, it } from 'mocha';

import { encodeUtf8 } from '../../src/bytes.ts';
import { LEAP_TABLE } from '../../src/tai.ts';
import { leapExcerpt } from '../../src/time/leap-seconds.ts';
import type { TimeFrame } from '../../src/time/raw-time-evidence.ts';
import { judgeGnss } from '../../src/time/source-gnss.ts';
import type { JudgementContext, SourceJudgement } from '../../src/time/source-reading.ts';
import type { LatchedProblem, SourceProblem } from '../../src/time/source-verdict.ts';
import type { GnssPins } from '../../src/time/time-source.ts';
import { nmeaSentence } from '../support/gnss-encode.ts';
import type { ReceiverScript } from '../support/scripted-receiver.ts';
import {
  receiverEpoch,
  SCRIPTED_LATITUDE_E7,
  SCRIPTED_LONGITUDE_E7,
  SCRIPTED_RECEIVER_ID,
} from '../support/scripted-receiver.ts';
import { GNSS_SOURCE, PROFILE } from '../support/time-profiles.ts';

const SECOND_NS = 1_000_000_000n;
/** 2026-11-22T08:30:00 UTC in TAI: when the raw clock showed 100 s. */
const TAI_NS = 1_795_336_237_000_000_000n;
const RAW_NS = 100n * SECOND_NS;
const LATENCY_NS = 60_000_000n;
const PINS = GNSS_SOURCE.pins as GnssPins;
const PLACE = '4721.3966,N,00831.1400,E';

const frame = (kind: TimeFrame['kind'], rawNs: bigint, bytes: Uint8Array): TimeFrame => ({
  ...{ source: 0, kind, rawBeforeNs: rawNs - 500n, rawAfterNs: rawNs + 500n },
  ...{ clockNs: null, bytes },
});

/** An RMC and a GGA a second, each `LATENCY_NS` after the second that they name. */
function epochs(change: (text: string) => string = (text) => text): TimeFrame[] {
  return Array.from({ length: 21 }, (_, second) => {
    const time = `0830${String(second).padStart(2, '0')}.00`;
    const rawNs = RAW_NS + BigInt(second) * SECOND_NS + LATENCY_NS;
    return [
      `GNGGA,${time},${PLACE},1,11,0.9,499.6,M,48.0,M,,`,
      `GNRMC,${time},A,${PLACE},0.0,0.0,221126,,,A`,
    ].map((text, i) => frame('nmea', rawNs + BigInt(i) * 1_000n, nmeaSentence(change(text))));
  }).flat();
}

/** What a receiver with all messages sends, by a script for each second. */
function scripted(script: (second: number) => ReceiverScript, seconds = 21): TimeFrame[] {
  return Array.from({ length: seconds }, (_, second) => {
    const rawNs = RAW_NS + BigInt(second) * SECOND_NS + LATENCY_NS;
    return receiverEpoch(TAI_NS + BigInt(second) * SECOND_NS, script(second)).map((bytes, i) => {
      const kind = bytes[0] === 0x24 ? 'nmea' : 'ubx';
      return frame(kind, rawNs + BigInt(i) * 1_000_000n, bytes);
    });
  }).flat();
}

const SCRIPTED: Partial<GnssPins> = {
  receiverId: SCRIPTED_RECEIVER_ID,
  survey: {
    latitudeE7: SCRIPTED_LATITUDE_E7,
    longitudeE7: SCRIPTED_LONGITUDE_E7,
    radiusMetres: 50,
  },
  monitored: true,
};

function judge(
  frames: readonly TimeFrame[],
  pins: Partial<GnssPins> = {},
  changes: Partial<JudgementContext> = {},
): SourceJudgement {
  const context: JudgementContext = {
    profile: PROFILE,
    takenRawNs: frames.at(-1)?.rawAfterNs ?? 0n,
    leap: leapExcerpt(LEAP_TABLE),
    passedTaiNs: TAI_NS - SECOND_NS,
    latched: [],
    ...changes,
  };
  return judgeGnss(frames, { ...PINS, ...pins }, context);
}

const problemsOf = ({ problems }: SourceJudgement): string[] => [...problems].toSorted();

describe('source-gnss', () => {
  it('bounds time by the latency of the line, and is not locked to alone', () => {
    const judged = judge(epochs());
    assert.deepEqual(problemsOf(judged), []);
    const { reading } = judged;
    assert.ok(reading !== null && !reading.locks);
    const truthNs = TAI_NS + (reading.rawNs - RAW_NS);
    assert.ok(truthNs >= reading.taiNs - reading.earlyNs);
    assert.ok(truthNs <= reading.taiNs + reading.lateNs);
    assert.ok(reading.lateNs > 200_000_000n && reading.lateNs < 210_000_000n);
  });

  it('is sharp with the pulse', () => {
    const messages = epochs();
    const pulses = Array.from({ length: 20 }, (_, second) =>
      frame('pps', RAW_NS + BigInt(second) * SECOND_NS, new Uint8Array(0)),
    );
    const frames = [...messages, ...pulses].toSorted((a, b) =>
      a.rawAfterNs < b.rawAfterNs ? -1 : 1,
    );
    const judged = judge(frames, { pulse: true });
    assert.deepEqual(problemsOf(judged), []);
    const { reading } = judged;
    assert.ok(reading?.locks === true && reading.lateNs < 2_000_000n);
    const errorNs = TAI_NS + (reading.rawNs - RAW_NS) - reading.taiNs;
    assert.ok(errorNs > -reading.earlyNs && errorNs < reading.lateNs);
    assert.deepEqual(problemsOf(judge(epochs(), { pulse: true })), ['pulse']);
    // Pulses that come where no second is, or of a receiver that says they are free.
    const stray = pulses.map((pulse) => moved(pulse, 500_000_000n));
    const strayed = [...messages, ...stray].toSorted((a, b) =>
      a.rawAfterNs < b.rawAfterNs ? -1 : 1,
    );
    assert.deepEqual(problemsOf(judge(strayed, { pulse: true })), ['pulse']);
  });

  it('says why it does not count', () => {
    const wrong: readonly (readonly [SourceProblem, SourceJudgement])[] = [
      ['no-fix', judge(epochs((text) => text.replace(',A,4721', ',V,4721')))],
      ['simulated', judge(epochs((text) => text.replace(/A$/, 'S')))],
      ['date', judge(epochs((text) => text.replace('221126', '080407')))],
      ['position', judge(epochs((text) => text.replace('4721.3966', '4722.3966')))],
      ['unidentified', judge(epochs(), { receiverId: encodeUtf8('abcde') })],
      ['spoofing-not-monitored', judge(epochs(), { monitored: true })],
      ['too-few-satellites', judge(epochs(), { satellitesMin: 12 })],
      ['silent', judge(epochs().filter((_, i) => i < 10 || i > 20))],
      ['too-short', judge(epochs().slice(0, 24))],
      ['noted', judge([...epochs(), frame('note', RAW_NS * 2n, encodeUtf8('unplugged'))])],
      ['malformed', judge([frame('nmea', RAW_NS, encodeUtf8('$GNRMC*00\r\n')), ...epochs()])],
    ];
    for (const [problem, { problems, reading }] of wrong) {
      assert.ok(problems.has(problem), `${problem}: ${[...problems].join()}`);
      assert.equal(reading, null);
    }
  });

  it('hears a receiver that says all that the pins ask for', () => {
    const { problems, latched, sky, reading } = judge(
      scripted(() => ({})),
      SCRIPTED,
    );
    assert.deepEqual([[...problems], [...latched]], [[], []]);
    assert.deepEqual(sky, { spoofing: 'clean', jamming: 'clean' });
    assert.equal(reading?.locks, true);
  });

  it('keeps latched what it was told, and what it finds', () => {
    const lies: readonly (readonly [LatchedProblem, ReceiverScript])[] = [
      ['spoofing', { spoofing: 3 }],
      ['jamming', { jamming: 2 }],
      ['identity', { receiverId: Uint8Array.of(1, 2, 3, 4, 5) }],
      ['position', { latitudeE7: 0 }],
    ];
    for (const [latch, script] of lies) {
      const found = judge(
        scripted((second) => (second === 9 ? script : {})),
        SCRIPTED,
      );
      assert.deepEqual([problemsOf(found), [...found.latched]], [[latch], [latch]]);
      const later = judge(
        scripted(() => ({})),
        SCRIPTED,
        { latched: [latch] },
      );
      assert.deepEqual([problemsOf(later), [...later.latched]], [[latch], [latch]]);
      assert.equal(later.reading, null);
    }
  });

  it('finds time that steps against CLOCK_MONOTONIC_RAW', () => {
    for (const secondsOff of [-3, -1, 1, 3]) {
      const script = (second: number): ReceiverScript => (second > 9 ? { secondsOff } : {});
      const { latched } = judge(scripted(script), SCRIPTED);
      assert.deepEqual([...latched], ['time-step'], `${secondsOff} s`);
    }
  });

  it('follows no receiver that ran a day back, and leaves less to the others', () => {
    const day = 86_400n * SECOND_NS;
    const { problems } = judge(
      scripted(() => ({})),
      SCRIPTED,
      { passedTaiNs: TAI_NS + 2n * day },
    );
    assert.deepEqual([...problems], ['date', 'too-few-readings', 'too-short']);
    const hour = judge(
      scripted(() => ({})),
      SCRIPTED,
      { passedTaiNs: TAI_NS + day / 24n },
    );
    assert.deepEqual(problemsOf(hour), []);
  });
});

function moved(pulse: TimeFrame, ns: bigint): TimeFrame {
  return { ...pulse, rawBeforeNs: pulse.rawBeforeNs + ns, rawAfterNs: pulse.rawAfterNs + ns };
}
