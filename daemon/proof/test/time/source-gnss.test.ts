import assert from 'node:assert/strict';
import { describe, it } from 'mocha';

import { encodeUtf8 } from '../../src/bytes.ts';
import { LEAP_TABLE } from '../../src/tai.ts';
import type { TimeFrame } from '../../src/time/raw-time-evidence.ts';
import { judgeGnss } from '../../src/time/source-gnss.ts';
import type { JudgementContext, SourceJudgement } from '../../src/time/source-reading.ts';
import type { GnssPins } from '../../src/time/time-source.ts';
import { nmeaSentence } from '../support/gnss-encode.ts';
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

/** An RMC a second, each `LATENCY_NS` after the second that it names. */
function epochs(change: (text: string) => string = (text) => text): TimeFrame[] {
  return Array.from({ length: 20 }, (_, second) => {
    const time = `0830${String(second).padStart(2, '0')}.00`;
    const text = change(`GNRMC,${time},A,${PLACE},0.0,0.0,221126,,,A`);
    const rawNs = RAW_NS + BigInt(second) * SECOND_NS + LATENCY_NS;
    return frame('nmea', rawNs, nmeaSentence(text));
  });
}

function judge(frames: readonly TimeFrame[], pins: Partial<GnssPins> = {}): SourceJudgement {
  const context: JudgementContext = {
    profile: PROFILE,
    takenRawNs: frames.at(-1)?.rawAfterNs ?? 0n,
    taiMinusUtcSeconds: 37,
    leapListExpiryUnixSeconds: LEAP_TABLE.expiresUnixSeconds,
  };
  return judgeGnss(frames, { ...PINS, ...pins }, context);
}

describe('source-gnss', () => {
  it('bounds time by the latency of the line, and is not locked to alone', () => {
    const { problems, reading } = judge(epochs());
    assert.deepEqual(problems, []);
    assert.ok(reading !== null && !reading.locks);
    const truthNs = TAI_NS + (reading.rawNs - RAW_NS);
    assert.ok(truthNs >= reading.taiNs - reading.earlyNs);
    assert.ok(truthNs <= reading.taiNs + reading.lateNs);
    assert.ok(reading.lateNs > 200_000_000n && reading.lateNs < 210_000_000n);
  });

  it('is sharp with the pulse', () => {
    const messages = epochs();
    const pulses = messages.map((_, second) =>
      frame('pps', RAW_NS + BigInt(second) * SECOND_NS, new Uint8Array(0)),
    );
    const frames = [...messages, ...pulses].toSorted((a, b) =>
      a.rawAfterNs < b.rawAfterNs ? -1 : 1,
    );
    const { problems, reading } = judge(frames, { pulse: true });
    assert.deepEqual(problems, []);
    assert.ok(reading?.locks === true && reading.lateNs < 2_000_000n);
    const errorNs = TAI_NS + (reading.rawNs - RAW_NS) - reading.taiNs;
    assert.ok(errorNs > -reading.earlyNs && errorNs < reading.lateNs);
    assert.deepEqual(judge(epochs(), { pulse: true }).problems, ['pulse']);
  });

  it('says why it does not count', () => {
    const wrong: readonly (readonly [string, SourceJudgement])[] = [
      ['no-fix', judge(epochs((text) => text.replace(',A,4721', ',V,4721')))],
      ['simulated', judge(epochs((text) => text.replace(/A$/, 'S')))],
      ['date', judge(epochs((text) => text.replace('221126', '080407')))],
      ['position', judge(epochs((text) => text.replace('4721.3966', '4722.3966')))],
      ['identity', judge(epochs(), { receiverId: encodeUtf8('abcde') })],
      ['silent', judge(epochs().filter((_, i) => i < 5 || i > 10))],
      ['too-short', judge(epochs().slice(0, 10))],
      ['noted', judge([...epochs(), frame('note', RAW_NS * 2n, encodeUtf8('unplugged'))])],
      ['malformed', judge([frame('nmea', RAW_NS, encodeUtf8('$GNRMC*00\r\n')), ...epochs()])],
    ];
    for (const [problem, { problems, reading }] of wrong) {
      const text = problems.join();
      assert.ok((problems as readonly string[]).includes(problem), `${problem}: ${text}`);
      assert.equal(reading, null);
    }
  });
});
