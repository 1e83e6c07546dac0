import assert from 'node:assert/strict';
import { describe, it } from 'mocha';

import type { LeapSeconds } from '../../src/tai.ts';
import { LEAP_TABLE } from '../../src/tai.ts';
import type { GnssEpoch } from '../../src/time/gnss-integrity.ts';
import { GnssIntegrity } from '../../src/time/gnss-integrity.ts';
import { GNSS_MONITOR_AGE_MAX_NS } from '../../src/time/gnss-monitors.ts';
import type { SourceProblem } from '../../src/time/source-verdict.ts';
import { inOrder, SOURCE_PROBLEMS } from '../../src/time/source-verdict.ts';
import type { GnssPins } from '../../src/time/time-source.ts';
import { nmeaSentence } from '../support/gnss-encode.ts';
import { framesOf, piecesOf, recording } from '../support/gnss-fuzz.ts';
import {
  LINE_BEGIN_RAW_NS as rawBegin,
  LINE_BEGIN_TAI_NS as begin,
  LINE_PINS as pins,
  ReceiverLine as Line,
} from '../support/gnss-line.ts';
import {
  receiverEpoch,
  SCRIPTED_LATITUDE_E7,
  SCRIPTED_LONGITUDE_E7,
  taiAt,
} from '../support/scripted-receiver.ts';

const second = 1_000_000_000n;
const ms = 1_000_000n;
const zero = new Uint8Array(0);

/** That an epoch is refused for exactly these reasons. */
function refused(epoch: GnssEpoch, ...problems: readonly SourceProblem[]): void {
  assert.deepEqual(epoch.problems, inOrder(SOURCE_PROBLEMS, problems));
}

function counts(epoch: GnssEpoch): void {
  refused(epoch);
}

/** Pins that NMEA alone meets. */
const loose: GnssPins = { ...pins, receiverId: null, monitored: false };

describe('gnss integrity', () => {
  it('bounds the instant of a healthy epoch from both sides', () => {
    const epoch = new Line().epoch();
    counts(epoch);
    assert.equal(epoch.taiNs, begin);
    assert.deepEqual(epoch.earliest, { rawNs: rawBegin + 20n * ms, taiNs: begin - 100n });
    // The last frame that names the instant is the eighth: it had not come at 70 ms.
    const latest = { rawNs: rawBegin + 70n * ms, taiNs: begin + 500n * ms + 100n };
    assert.deepEqual(epoch.latest, latest);
    assert.deepEqual(epoch.sky, { spoofing: 'clean', jamming: 'clean' });
    assert.ok(epoch.isEstimated);
  });

  it('holds the truth between its bounds, whatever the line delays', () => {
    const { earliest, latest } = new Line().epoch();
    assert.ok(earliest !== null && latest !== null);
    const truthAt = (rawNs: bigint): bigint => begin + rawNs - rawBegin;
    assert.ok(earliest.taiNs <= truthAt(earliest.rawNs));
    assert.ok(truthAt(latest.rawNs) <= latest.taiNs);
  });

  it('judges what began and ended while it listened', () => {
    const { integrity } = new Line();
    const all = [1n, 2n, 3n].flatMap((at) => receiverEpoch(begin + at * second));
    const ended = all.flatMap((bytes) => {
      const kind = bytes[0] === 0x24 ? ('nmea' as const) : ('ubx' as const);
      return integrity.take({ kind, bytes, rawBeforeNs: 0n, rawAfterNs: 1n }) ?? [];
    });
    assert.deepEqual(
      ended.map(({ taiNs }) => taiNs),
      [begin + second, begin + 2n * second],
    );
  });

  it('counts NMEA alone, without an estimate, where the pins are content with it', () => {
    const epoch = new Line({ pins: loose }).epoch({ protocol: 'nmea' });
    counts(epoch);
    assert.deepEqual([epoch.taiNs, epoch.isEstimated, epoch.accuracyNs], [begin, false, ms]);
    assert.deepEqual(epoch.sky, { spoofing: 'not-monitored', jamming: 'not-monitored' });
  });

  it('reads the recording of 20 epochs', () => {
    const start = taiAt('2026-11-20T12:00:00Z');
    const integrity = new GnssIntegrity({ pins: loose, leap: LEAP_TABLE, passedTaiNs: start });
    const epochs = framesOf(piecesOf(recording())).flatMap(({ kind, bytes }, i) => {
      assert.ok(kind !== 'noise');
      const rawAfterNs = BigInt(Math.floor(i / 7)) * second + BigInt(i % 7) * 10n * ms;
      return integrity.take({ kind, bytes, rawBeforeNs: rawAfterNs, rawAfterNs }) ?? [];
    });
    assert.deepEqual(
      epochs.map(({ taiNs, problems }) => [taiNs, problems]),
      Array.from({ length: 18 }, (_, i) => [start + BigInt(i + 1) * second - 120n, []]),
    );
  });
});

describe('gnss integrity, modes', () => {
  for (const [mode, ...findings] of [
    ['S', 'simulated', 'position-unknown'],
    ['M', 'simulated', 'position-unknown'],
    ['E', 'simulated', 'position-unknown'],
    ['N', 'no-fix', 'position-unknown'],
  ] as const) {
    it(`never counts mode ${mode}`, () => {
      const line = new Line();
      refused(line.epoch({ mode }), ...findings);
      counts(line.epoch());
    });
  }

  it('does not believe ZDA without a verdict of the same second', () => {
    const line = new Line({ pins: loose });
    const zda = nmeaSentence('GPZDA,120000.00,22,11,2026,00,00');
    refused(line.send([zda]), 'no-fix', 'position-unknown', 'too-few-satellites');
  });

  it('refuses messages of one epoch that name different instants', () => {
    const [gga = zero, gsa = zero, rmc = zero] = receiverEpoch(begin);
    const zda = nmeaSentence('GPZDA,120000.00,22,11,2027,00,00');
    const line = new Line({ pins: loose });
    refused(line.send([gga, gsa, rmc, zda]), 'time-disagrees');
  });

  it('refuses too few satellites', () => {
    refused(new Line().epoch({ satellites: 3 }), 'too-few-satellites');
  });

  it('refuses a date that no calendar has', () => {
    const line = new Line({ pins: loose });
    const [gga = zero] = receiverEpoch(begin);
    const rmc = nmeaSentence('GPRMC,120000.00,A,4717.1,N,00833.9,E,,,310226,,,A');
    refused(line.send([gga, rmc]), 'date');
  });

  it('tells of a broken frame and goes on without it', () => {
    const frames = receiverEpoch(begin);
    const broken = (frames[2] ?? zero).slice();
    broken[20] = 0x39;
    const line = new Line();
    counts(line.send([...frames, broken]));
    assert.ok(line.account().problems.has('malformed'));
  });
});

describe('gnss integrity, latches', () => {
  for (const [latch, script] of [
    ['spoofing', { spoofing: 2 }],
    ['spoofing', { spoofing: 3 }],
    ['jamming', { jamming: 2 }],
    ['jamming', { jamming: 3 }],
    ['position', { latitudeE7: SCRIPTED_LATITUDE_E7 + 10_000 }],
    ['position', { longitudeE7: SCRIPTED_LONGITUDE_E7 - 10_000 }],
    ['identity', { receiverId: Uint8Array.of(1, 2, 3, 4, 5) }],
  ] as const) {
    it(`keeps ${latch} after ${JSON.stringify(script)}`, () => {
      const line = new Line();
      counts(line.epoch());
      refused(line.epoch(script), latch);
      refused(line.epoch(), latch);
      line.reopen();
      refused(line.epoch(), latch);
      assert.deepEqual([...line.account().latched], [latch]);
    });
  }

  it('latches what stands in an epoch that does not count anyway', () => {
    const line = new Line();
    refused(line.epoch({ mode: 'N', spoofing: 3 }), 'no-fix', 'position-unknown', 'spoofing');
    refused(line.epoch(), 'spoofing');
  });

  it('latches what stands in an epoch that is never judged', () => {
    const line = new Line();
    for (const bytes of receiverEpoch(begin, { spoofing: 3, protocol: 'ubx' })) {
      line.integrity.take({ kind: 'ubx', bytes, rawBeforeNs: rawBegin, rawAfterNs: rawBegin });
    }
    assert.deepEqual([...line.account().latched], ['spoofing']);
  });
});

describe('gnss integrity, monitoring', () => {
  const unwatched = { spoofing: 'not-monitored', jamming: 'not-monitored' } as const;
  const nobody = { spoofing: null, jamming: null } as const;

  it('tells a clean sky from one that nobody watches', () => {
    for (const script of [nobody, { spoofing: 0, jamming: 0 } as const]) {
      const strict = new Line();
      assert.deepEqual(strict.epoch(script).sky, unwatched);
      const { problems, sky } = strict.account();
      assert.deepEqual([...problems], ['spoofing-not-monitored', 'jamming-not-monitored']);
      assert.deepEqual(sky, unwatched);
      const content = new Line({ pins: { ...pins, monitored: false } });
      counts(content.epoch(script));
      assert.deepEqual([...content.account().problems], []);
      assert.deepEqual(content.account().sky, unwatched);
    }
  });

  it('lets a verdict that is not renewed go stale', () => {
    const line = new Line();
    counts(line.epoch());
    assert.deepEqual([...line.account().problems], []);
    line.pass(GNSS_MONITOR_AGE_MAX_NS);
    assert.deepEqual(line.epoch({ protocol: 'nmea' }).sky, unwatched);
    assert.ok(line.account().problems.has('spoofing-not-monitored'));
    counts(line.epoch());
    assert.deepEqual(line.account().sky, { spoofing: 'clean', jamming: 'clean' });
    // It was not watched for a while, though it is now.
    assert.ok(line.account().problems.has('spoofing-not-monitored'));
  });

  it('tells what is affirmed from what is indicated', () => {
    assert.equal(new Line().epoch({ spoofing: 2 }).sky.spoofing, 'indicated');
    assert.equal(new Line().epoch({ jamming: 3 }).sky.jamming, 'affirmed');
  });
});

describe('gnss integrity, the receiver', () => {
  it('waits for the unique id, and asks again after the line was lost', () => {
    const line = new Line();
    line.epoch({ protocol: 'nmea' });
    assert.ok(line.account().problems.has('unidentified'));
    const other = new Line();
    other.epoch();
    assert.deepEqual([...other.account().problems], []);
    other.reopen();
    other.epoch({ protocol: 'nmea' });
    assert.ok(other.account().problems.has('unidentified'));
  });

  it('does not pin the position of an antenna that may move', () => {
    const moving = new Line({ pins: { ...pins, survey: null } });
    counts(moving.epoch({ latitudeE7: -SCRIPTED_LATITUDE_E7 }));
  });

  it('measures the surveyed radius on the ground', () => {
    // 49 m and 51 m north; 10^-7 degrees are 11.119 mm.
    counts(new Line().epoch({ latitudeE7: SCRIPTED_LATITUDE_E7 + 4406 }));
    refused(new Line().epoch({ latitudeE7: SCRIPTED_LATITUDE_E7 + 4587 }), 'position');
    // East, at 47.3 degrees, a degree is 0.678 of that.
    counts(new Line().epoch({ longitudeE7: SCRIPTED_LONGITUDE_E7 + 6490 }));
    refused(new Line().epoch({ longitudeE7: SCRIPTED_LONGITUDE_E7 + 6770 }), 'position');
    // Across the line where east and west meet.
    const survey = { latitudeE7: 0, longitudeE7: 1_799_999_900, radiusMetres: 50 };
    const line = new Line({ pins: { ...pins, survey } });
    counts(line.epoch({ latitudeE7: 0, longitudeE7: -1_799_999_900 }));
  });
});

describe('gnss integrity, the calendar', () => {
  it('does not follow a week number that rolled over', () => {
    refused(new Line().epoch({ weeksOff: -1024 }), 'date', 'utc-offset');
    refused(new Line().epoch({ weeksOff: 1024 }), 'date');
    refused(new Line({ pins: loose }).epoch({ weeksOff: -1024, protocol: 'nmea' }), 'date');
  });

  it('does not follow a year of two digits into another century', () => {
    const line = (): Line => new Line({ pins: loose });
    const rmcOf = (year: string): Uint8Array[] => [
      receiverEpoch(begin)[0] ?? zero,
      nmeaSentence(`GPRMC,120000.00,A,4717.1120,N,00833.9540,E,,,2211${year},,,A`),
    ];
    assert.equal(line().send(rmcOf('26')).taiNs, begin);
    // The week number of 2007, 1,024 weeks ago, is written as 07: 2107 is too far from now.
    refused(line().send(rmcOf('07')), 'date');
    refused(line().send(rmcOf('25')), 'date');
    refused(line().send(rmcOf('80')), 'date');
    // On the last day of a century of such years, the next one's 00 is tomorrow.
    const passedTaiNs = taiAt('2099-12-31T23:00:00Z');
    const late = new Line({ pins: loose, passedTaiNs }, taiAt('2100-01-01T00:00:10Z'));
    const epoch = late.epoch({ protocol: 'nmea' });
    assert.equal(epoch.taiNs, taiAt('2100-01-01T00:00:10Z'));
  });

  it('knows no time a day before what has passed, nor ten years after', () => {
    const day = 86_400n * second;
    counts(new Line({ passedTaiNs: begin + day }).epoch());
    refused(new Line({ passedTaiNs: begin + day + second }).epoch(), 'date');
    counts(new Line({ passedTaiNs: begin - 3653n * day }).epoch());
    refused(new Line({ passedTaiNs: begin - 3653n * day - second }).epoch(), 'date');
  });

  it('compares GPS - UTC with our own list', () => {
    for (const leapSeconds of [0, 16, 20]) {
      const line = new Line();
      counts(line.epoch());
      line.pass(3600n * second);
      refused(line.epoch({ leapSeconds }), 'utc-offset');
    }
  });

  it('refuses an announced leap second that our list does not have', () => {
    const leapAnnounced = { change: 1, inSeconds: 3600 } as const;
    refused(new Line().epoch({ leapAnnounced }), 'leap-announced');
    const leap = withLeap(begin + 3600n * second);
    counts(new Line({ leap }).epoch({ leapAnnounced }));
    // Of the other sign, or at another time.
    for (const other of [
      { change: -1, inSeconds: 3600 },
      { change: 1, inSeconds: 60 },
    ] as const) {
      refused(new Line({ leap }).epoch({ leapAnnounced: other }), 'leap-announced');
    }
    // A list that ends before it does not contradict it.
    const expiresUnixSeconds = Number(begin / second);
    counts(new Line({ leap: { ...LEAP_TABLE, expiresUnixSeconds } }).epoch({ leapAnnounced }));
  });

  it('passes a leap second of our list, and refuses one that is not', () => {
    const bare = { ...loose, survey: null };
    const sixty = ['GNGGA,235960.00,,,,,1,11,0.9,,,,,,', 'GNZDA,235960.00,31,12,2026,00,00'];
    const frames = sixty.map(nmeaSentence);
    refused(new Line({ pins: bare }).send(frames), 'date');
    const eventNs = taiAt('2027-01-01T00:00:00Z');
    const listed = new Line({ pins: bare, leap: withLeap(eventNs) }).send(frames);
    counts(listed);
    assert.equal(listed.taiNs, eventNs);
  });
});

/** Our list with one more leap second, that ends a second after `taiNs`. */
function withLeap(taiNs: bigint): LeapSeconds {
  const fromUnixSeconds = Number(taiNs / second) - 37;
  return {
    ...LEAP_TABLE,
    steps: [...LEAP_TABLE.steps, { fromUnixSeconds, taiMinusUtcSeconds: 38 }],
  };
}
