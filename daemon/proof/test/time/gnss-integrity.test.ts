import assert from 'node:assert/strict';
import { describe, it } from 'mocha';

import type { LeapTable } from '../../src/tai.ts';
import { LEAP_LIST_PUBLISHED_UNIX_SECONDS, LEAP_TABLE, taiOfUtc } from '../../src/tai.ts';
import type { GnssFinding } from '../../src/time/gnss-findings.ts';
import { GNSS_HORIZON_SECONDS } from '../../src/time/gnss-instant.ts';
import type { GnssEpoch, GnssOptions, ReceiverPins } from '../../src/time/gnss-integrity.ts';
import { GnssIntegrity } from '../../src/time/gnss-integrity.ts';
import { GNSS_MONITOR_AGE_MAX_NS } from '../../src/time/gnss-monitors.ts';
import { nmeaSentence } from '../support/gnss-encode.ts';
import { framesOf, piecesOf, recording } from '../support/gnss-fuzz.ts';
import type { ReceiverScript } from '../support/scripted-receiver.ts';
import {
  receiverEpoch,
  SCRIPTED_LATITUDE_E7,
  SCRIPTED_LONGITUDE_E7,
  SCRIPTED_RECEIVER_ID,
  taiAt,
} from '../support/scripted-receiver.ts';

const second = 1_000_000_000n;
const ms = 1_000_000n;
const pins: ReceiverPins = {
  receiverId: SCRIPTED_RECEIVER_ID,
  survey: {
    latitudeE7: SCRIPTED_LATITUDE_E7,
    longitudeE7: SCRIPTED_LONGITUDE_E7,
    radiusMetres: 50,
  },
  satellitesMin: 4,
  latencyMaxNs: 500n * ms,
  requiresMonitoring: true,
};
const begin = taiAt('2026-11-22T12:00:00Z');
/** CLOCK_MONOTONIC_RAW at `begin`, by the truth of these tests. */
const rawBegin = 77n * second;

/** A line with a receiver on it: the truth goes on a second with each epoch. */
class Line {
  readonly integrity: GnssIntegrity;
  #taiNs: bigint;

  constructor(options: Partial<GnssOptions> = {}, taiNs = begin) {
    this.integrity = new GnssIntegrity({ pins, ...options });
    this.#taiNs = taiNs;
  }

  /** The verdict on the epoch that `script` makes; its frames come from 20 ms to 120 ms after. */
  epoch(script: ReceiverScript = {}): GnssEpoch {
    const frames = receiverEpoch(this.#taiNs, script);
    const epoch = this.send(frames);
    this.#taiNs += second;
    return epoch;
  }

  send(frames: readonly Uint8Array[]): GnssEpoch {
    const raw = rawBegin + this.#taiNs - begin;
    for (const [i, bytes] of frames.entries()) {
      const kind = bytes[0] === 0x24 ? 'nmea' : 'ubx';
      const rawBeforeNs = raw + (i === 0 ? -500n : 10n + BigInt(i) * 10n) * ms;
      const rawAfterNs = raw + (20n + BigInt(i) * 10n) * ms;
      const ended = this.integrity.take({ kind, bytes, rawBeforeNs, rawAfterNs });
      assert.equal(ended, null, 'a verdict in the midst of its epoch');
    }
    const epoch = this.integrity.close();
    assert.ok(epoch !== null, 'no verdict');
    return epoch;
  }

  pass(ns: bigint): void {
    this.#taiNs += ns;
  }
}

/** That an epoch is refused for exactly these reasons. */
function refused(epoch: GnssEpoch, ...findings: readonly GnssFinding[]): void {
  assert.deepEqual([epoch.counts, epoch.findings], [false, findings.toSorted()]);
}

function counts(epoch: GnssEpoch): void {
  assert.deepEqual([epoch.counts, epoch.findings], [true, []]);
}

describe('gnss integrity', () => {
  it('bounds the instant of a healthy epoch from both sides', () => {
    const epoch = new Line().epoch();
    counts(epoch);
    assert.equal(epoch.taiNs, begin);
    assert.deepEqual(epoch.earliest, { rawNs: rawBegin + 20n * ms, taiNs: begin - 100n });
    // The last frame that names the instant is the eighth: it had not come at 70 ms.
    const latest = { rawNs: rawBegin + 70n * ms, taiNs: begin + 500n * ms + 100n };
    assert.deepEqual(epoch.latest, latest);
    assert.deepEqual([epoch.spoofing, epoch.jamming], ['clean', 'clean']);
    assert.equal(epoch.pulse?.isPulseLocked, true);
  });

  it('holds the truth between its bounds, whatever the line delays', () => {
    const { earliest, latest } = new Line().epoch();
    assert.ok(earliest !== null && latest !== null);
    const truthAt = (rawNs: bigint): bigint => begin + rawNs - rawBegin;
    assert.ok(earliest.taiNs <= truthAt(earliest.rawNs));
    assert.ok(truthAt(latest.rawNs) <= latest.taiNs);
  });

  it('ends an epoch where the next begins', () => {
    const integrity = new GnssIntegrity({ pins });
    const bracket = { rawBeforeNs: 0n, rawAfterNs: 1n };
    const all = [begin, begin + second].flatMap((taiNs) => receiverEpoch(taiNs));
    const ended = all.flatMap((bytes) => {
      const kind = bytes[0] === 0x24 ? ('nmea' as const) : ('ubx' as const);
      return integrity.take({ kind, bytes, ...bracket }) ?? [];
    });
    assert.deepEqual(
      ended.map(({ taiNs }) => taiNs),
      [begin],
    );
    assert.equal(integrity.close()?.taiNs, begin + second);
    assert.equal(integrity.close(), null);
  });

  it('counts NMEA alone, without an estimate, where the pins are content with it', () => {
    const loose = { ...pins, receiverId: null, requiresMonitoring: false };
    const epoch = new Line({ pins: loose }).epoch({ protocol: 'nmea' });
    counts(epoch);
    assert.deepEqual([epoch.taiNs, epoch.timeAccuracyNs], [begin, null]);
    assert.deepEqual([epoch.spoofing, epoch.jamming], ['not-monitored', 'not-monitored']);
  });

  it('reads the recording of 20 epochs', () => {
    const loose = { ...pins, receiverId: null, requiresMonitoring: false };
    const integrity = new GnssIntegrity({ pins: loose });
    const epochs = framesOf(piecesOf(recording())).flatMap(({ kind, bytes }, i) => {
      assert.ok(kind !== 'noise');
      const rawAfterNs = BigInt(Math.floor(i / 7)) * second + BigInt(i % 7) * 10n * ms;
      return integrity.take({ kind, bytes, rawBeforeNs: rawAfterNs, rawAfterNs }) ?? [];
    });
    const start = taiAt('2026-11-20T12:00:00Z');
    assert.deepEqual(
      epochs.map(({ taiNs, counts: isGood }) => [taiNs, isGood]),
      Array.from({ length: 19 }, (_, i) => [start + BigInt(i) * second - 120n, true]),
    );
  });
});

describe('gnss integrity, modes', () => {
  for (const [mode, ...findings] of [
    ['S', 'mode-refused', 'position-unknown'],
    ['M', 'mode-refused', 'position-unknown'],
    ['E', 'mode-refused', 'position-unknown'],
    ['N', 'no-fix', 'position-unknown'],
  ] as const) {
    it(`never counts mode ${mode}`, () => {
      const line = new Line();
      refused(line.epoch({ mode }), ...findings);
      counts(line.epoch());
    });
  }

  it('does not believe ZDA without a verdict of the same second', () => {
    const line = new Line({ pins: { ...pins, receiverId: null, requiresMonitoring: false } });
    const zda = nmeaSentence('GPZDA,120000.00,22,11,2026,00,00');
    refused(line.send([zda]), 'no-fix', 'position-unknown', 'too-few-satellites');
  });

  it('refuses messages of one epoch that name different instants', () => {
    const [gga = zero, gsa = zero, rmc = zero] = receiverEpoch(begin);
    const zda = nmeaSentence('GPZDA,120000.00,22,11,2027,00,00');
    const line = new Line({ pins: { ...pins, receiverId: null, requiresMonitoring: false } });
    refused(line.send([gga, gsa, rmc, zda]), 'time-disagrees');
  });

  it('refuses too few satellites', () => {
    refused(new Line().epoch({ satellites: 3 }), 'too-few-satellites');
  });

  it('refuses a date that no calendar has', () => {
    const line = new Line({ pins: { ...pins, receiverId: null, requiresMonitoring: false } });
    const [gga = zero] = receiverEpoch(begin);
    const rmc = nmeaSentence('GPRMC,120000.00,A,4717.1,N,00833.9,E,,,310226,,,A');
    refused(line.send([gga, rmc]), 'time-impossible');
  });

  it('tells of a broken frame and goes on without it', () => {
    const frames = receiverEpoch(begin);
    const broken = (frames[2] ?? zero).slice();
    broken[20] = 0x39;
    const epoch = new Line().send([...frames, broken]);
    assert.deepEqual([epoch.counts, epoch.findings], [true, ['frame-malformed']]);
  });
});

const zero = new Uint8Array(0);

describe('gnss integrity, latches', () => {
  for (const [latch, script] of [
    ['spoofing', { spoofing: 2 }],
    ['spoofing', { spoofing: 3 }],
    ['jamming', { jamming: 2 }],
    ['jamming', { jamming: 3 }],
    ['position-moved', { latitudeE7: SCRIPTED_LATITUDE_E7 + 10_000 }],
    ['position-moved', { longitudeE7: SCRIPTED_LONGITUDE_E7 - 10_000 }],
    ['receiver-differs', { receiverId: Uint8Array.of(1, 2, 3, 4, 5) }],
    ['time-step', { secondsOff: 3 }],
    ['time-step', { secondsOff: -3 }],
  ] as const) {
    it(`keeps ${latch} after ${JSON.stringify(script)} until an operator clears it`, () => {
      const line = new Line();
      counts(line.epoch());
      refused(line.epoch(script), latch);
      refused(line.epoch(), latch);
      line.integrity.reopen();
      refused(line.epoch(), latch);
      assert.deepEqual(line.integrity.latched, [latch]);
      assert.deepEqual(line.integrity.clear(), [latch]);
      counts(line.epoch());
      assert.deepEqual(line.integrity.latched, []);
    });
  }

  it('holds what was latched before a restart', () => {
    const line = new Line({ latched: ['jamming'] });
    refused(line.epoch(), 'jamming');
  });

  it('latches what stands in an epoch that does not count anyway', () => {
    const line = new Line();
    refused(line.epoch({ mode: 'N', spoofing: 3 }), 'no-fix', 'position-unknown', 'spoofing');
    refused(line.epoch(), 'spoofing');
  });

  it('waits through an outage and through drift without calling them a step', () => {
    const line = new Line();
    counts(line.epoch());
    line.pass(3600n * second);
    counts(line.epoch());
  });
});

describe('gnss integrity, monitoring', () => {
  it('tells a clean sky from one that nobody watches', () => {
    const unmonitored = { spoofing: null, jamming: null } as const;
    const strict = new Line().epoch(unmonitored);
    refused(strict, 'spoofing-not-monitored', 'jamming-not-monitored');
    const loose = new Line({ pins: { ...pins, requiresMonitoring: false } }).epoch(unmonitored);
    counts(loose);
    assert.deepEqual([loose.spoofing, loose.jamming], ['not-monitored', 'not-monitored']);
  });

  it('calls state 0 not monitored, though the monitor is switched on', () => {
    const epoch = new Line().epoch({ spoofing: 0, jamming: 0 });
    refused(epoch, 'spoofing-not-monitored', 'jamming-not-monitored');
  });

  it('lets a verdict that is not renewed go stale', () => {
    const line = new Line();
    counts(line.epoch());
    line.pass(GNSS_MONITOR_AGE_MAX_NS);
    const epoch = line.epoch({ protocol: 'nmea' });
    assert.deepEqual([epoch.spoofing, epoch.jamming], ['not-monitored', 'not-monitored']);
  });

  it('tells what is affirmed from what is indicated', () => {
    assert.equal(new Line().epoch({ spoofing: 2 }).spoofing, 'indicated');
    assert.equal(new Line().epoch({ jamming: 3 }).jamming, 'affirmed');
  });
});

describe('gnss integrity, the receiver', () => {
  it('waits for the unique id, and asks again after the line was lost', () => {
    const line = new Line();
    refused(
      line.epoch({ protocol: 'nmea' }),
      'receiver-unidentified',
      'spoofing-not-monitored',
      'jamming-not-monitored',
    );
    counts(line.epoch());
    assert.equal(line.integrity.reopen(), null);
    const again = line.epoch({ protocol: 'nmea' });
    assert.ok(again.findings.includes('receiver-unidentified'));
  });

  it('does not pin the position of an antenna that may move', () => {
    const moving = new Line({ pins: { ...pins, survey: null } });
    counts(moving.epoch({ latitudeE7: -SCRIPTED_LATITUDE_E7 }));
  });

  it('measures the surveyed radius on the ground', () => {
    // 49 m and 51 m north; 10^-7 degrees are 11.119 mm.
    counts(new Line().epoch({ latitudeE7: SCRIPTED_LATITUDE_E7 + 4406 }));
    refused(new Line().epoch({ latitudeE7: SCRIPTED_LATITUDE_E7 + 4587 }), 'position-moved');
    // East, at 47.3 degrees, a degree is 0.678 of that.
    counts(new Line().epoch({ longitudeE7: SCRIPTED_LONGITUDE_E7 + 6490 }));
    refused(new Line().epoch({ longitudeE7: SCRIPTED_LONGITUDE_E7 + 6770 }), 'position-moved');
    // Across the line where east and west meet.
    const survey = { latitudeE7: 0, longitudeE7: 1_799_999_900, radiusMetres: 50 };
    const line = new Line({ pins: { ...pins, survey } });
    counts(line.epoch({ latitudeE7: 0, longitudeE7: -1_799_999_900 }));
  });
});

describe('gnss integrity, the calendar', () => {
  it('does not follow a week number that rolled over', () => {
    refused(new Line().epoch({ weeksOff: -1024 }), 'before-lower-bound', 'leap-differs');
    refused(new Line().epoch({ weeksOff: 1024 }), 'beyond-horizon');
    const nmea = new Line({ pins: { ...pins, receiverId: null, requiresMonitoring: false } });
    refused(nmea.epoch({ weeksOff: -1024, protocol: 'nmea' }), 'before-lower-bound');
  });

  it('does not follow a year of two digits into another century', () => {
    const loose = { ...pins, receiverId: null, requiresMonitoring: false };
    const line = (): Line => new Line({ pins: loose });
    const rmcOf = (year: string): Uint8Array[] => [
      receiverEpoch(begin)[0] ?? zero,
      nmeaSentence(`GPRMC,120000.00,A,4717.1120,N,00833.9540,E,,,2211${year},,,A`),
    ];
    assert.equal(line().send(rmcOf('26')).taiNs, begin);
    // The week number of 2007, 1,024 weeks ago, is written as 07: 2107 lies beyond the horizon.
    refused(line().send(rmcOf('07')), 'beyond-horizon');
    refused(line().send(rmcOf('25')), 'beyond-horizon');
    refused(line().send(rmcOf('80')), 'beyond-horizon');
  });

  it('knows no time before its leap list was published, or before the last anchor', () => {
    const published = taiOfUtc(BigInt(LEAP_LIST_PUBLISHED_UNIX_SECONDS) * second);
    counts(new Line({}, published).epoch());
    refused(new Line({}, published - second).epoch(), 'before-lower-bound');
    counts(new Line({ passedTaiNs: begin }).epoch());
    refused(new Line({ passedTaiNs: begin + second }).epoch(), 'before-lower-bound');
    const horizon = BigInt(GNSS_HORIZON_SECONDS) * second;
    refused(new Line({}, published + horizon).epoch(), 'beyond-horizon');
    counts(new Line({ passedTaiNs: begin }, begin + horizon - second).epoch());
  });

  it('compares GPS - UTC with our own list', () => {
    const line = new Line();
    refused(line.epoch({ leapSeconds: 19 }), 'leap-differs');
    refused(line.epoch({ leapSeconds: 0 }), 'leap-differs');
    counts(line.epoch());
  });

  it('tells of an announced leap second that our list does not have, and never applies it', () => {
    const announced = { leapAnnounced: { change: 1, inSeconds: 3600 } } as const;
    const epoch = new Line().epoch(announced);
    assert.deepEqual([epoch.counts, epoch.findings], [true, ['leap-announced']]);
    assert.equal(epoch.taiNs, begin);
    counts(new Line({ leapTable: withLeap(begin + 3600n * second) }).epoch(announced));
  });

  it('passes a leap second of our list, and refuses one that is not', () => {
    const [, , , zda = zero] = receiverEpoch(taiAt('2026-12-31T23:59:59Z'));
    assert.match(new TextDecoder().decode(zda), /235959/);
    const loose = { ...pins, receiverId: null, requiresMonitoring: false, survey: null };
    const sixty = ['GNGGA,235960.00,,,,,1,11,0.9,,,,,,', 'GNZDA,235960.00,31,12,2026,00,00'];
    const frames = sixty.map(nmeaSentence);
    refused(new Line({ pins: loose }).send(frames), 'time-impossible');
    const eventNs = taiAt('2027-01-01T00:00:00Z');
    const listed = new Line({ pins: loose, leapTable: withLeap(eventNs) }).send(frames);
    counts(listed);
    assert.equal(listed.taiNs, eventNs);
  });
});

/** Our list with one more leap second, that ends a second after `taiNs`. */
function withLeap(taiNs: bigint): LeapTable {
  const fromUnixSeconds = Number(taiNs / second) - 37;
  return {
    ...LEAP_TABLE,
    steps: [...LEAP_TABLE.steps, { fromUnixSeconds, taiMinusUtcSeconds: 38 }],
  };
}
