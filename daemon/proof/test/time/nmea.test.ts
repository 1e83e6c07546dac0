import assert from 'node:assert/strict';
import fc from 'fast-check';
import { describe, it } from 'mocha';

import { NMEA_SENTENCE_SIZE_BYTES_MAX, parseNmea } from '../../src/time/nmea.ts';
import { framesOf, piecesOf, recording } from '../support/gnss-fuzz.ts';
import { nmeaSentence } from '../support/gnss-encode.ts';

const malformed = { name: 'ProofError', code: 'gnss-malformed' };
const read = (text: string): ReturnType<typeof parseNmea> => parseNmea(nmeaSentence(text));
const two = (value: number): string => value.toString().padStart(2, '0');

const rmc = 'GNRMC,235960.25,A,4717.1139,N,00833.9154,E,0.004,77.52,311226,,,A,V';

const plain = { noNullPrototype: true };
const time = fc.record(
  {
    hour: fc.integer({ min: 0, max: 23 }),
    minute: fc.integer({ min: 0, max: 59 }),
    second: fc.integer({ min: 0, max: 60 }),
    nanosecond: fc.integer({ min: 0, max: 999_999_999 }),
  },
  plain,
);
const calendarDate = fc.record(
  {
    day: fc.integer({ min: 1, max: 31 }),
    month: fc.integer({ min: 1, max: 12 }),
    year: fc.integer({ min: 0, max: 99 }),
  },
  plain,
);

describe('nmea', () => {
  it('reads a leap second, a fraction, a mode and a two-digit year', () => {
    assert.deepEqual(read(rmc), {
      kind: 'rmc',
      talker: 'GN',
      time: { hour: 23, minute: 59, second: 60, nanosecond: 250_000_000 },
      isValid: true,
      position: { latitudeE7: 472_852_316, longitudeE7: 85_652_566 },
      date: { day: 31, month: 12, year: 26 },
      mode: 'A',
    });
  });

  it('reads every time and date that is written', () => {
    fc.assert(
      fc.property(time, calendarDate, (at, date) => {
        const fraction = at.nanosecond.toString().padStart(9, '0');
        const clock = `${two(at.hour)}${two(at.minute)}${two(at.second)}.${fraction}`;
        const short = `${two(date.day)}${two(date.month)}${two(date.year)}`;
        const found = read(`GPRMC,${clock},V,,,,,,,${short},,,N`);
        assert.ok(found.kind === 'rmc');
        assert.deepEqual([found.time, found.date, found.position], [at, date, null]);
        const long = `${two(date.day)},${two(date.month)},${2000 + date.year}`;
        const dated = read(`GPZDA,${clock},${long},00,00`);
        assert.ok(dated.kind === 'zda');
        assert.deepEqual(dated.date, { ...date, year: 2000 + date.year });
      }),
    );
  });

  it('reads every position that is written, cut to 10^-7 degrees', () => {
    const minutesE5 = fc.integer({ min: 0, max: 5_999_999 });
    const degrees = fc.integer({ min: -89, max: 89 });
    fc.assert(
      fc.property(degrees, degrees, minutesE5, (latitude, longitude, minutes) => {
        const fraction = (minutes % 1e5).toString().padStart(5, '0');
        const text = `${two(Math.floor(minutes / 1e5))}.${fraction}`;
        const north = `${two(Math.abs(latitude))}${text},${latitude < 0 ? 'S' : 'N'}`;
        const east = `0${two(Math.abs(longitude))}${text},${longitude < 0 ? 'W' : 'E'}`;
        const found = read(`GPGGA,120000,${north},${east},1,08,0.9,,,,,,`);
        assert.ok(found.kind === 'gga');
        const part = Math.floor((minutes * 1000) / 600);
        const expected = (whole: number): number =>
          (Math.abs(whole) * 1e7 + part) * (whole < 0 ? -1 : 1);
        assert.deepEqual(found.position, {
          latitudeE7: expected(latitude),
          longitudeE7: expected(longitude),
        });
      }),
    );
  });

  it('reads satellites in use, with and without the constellation', () => {
    const used = { kind: 'gsa', talker: 'GN', fixType: 3, satellites: [23, 29] };
    const fields = 'GNGSA,A,3,23,29,,,,,,,,,,,1.94,1.18,1.54';
    assert.deepEqual(read(fields), { ...used, systemId: null });
    assert.deepEqual(read(`${fields},A`), { ...used, systemId: 10 });
  });

  it('gives other sentences, an owner’s own too, as their fields', () => {
    const own = { kind: 'other-nmea', address: 'PUBX', fields: ['00', '', 'x'] };
    assert.deepEqual(read('PUBX,00,,x'), own);
    assert.deepEqual(read('GPGSV,1'), { kind: 'other-nmea', address: 'GPGSV', fields: ['1'] });
    assert.deepEqual(read('PGRMC,1'), { kind: 'other-nmea', address: 'PGRMC', fields: ['1'] });
  });

  it('refuses a sentence with any one bit changed', () => {
    const bytes = nmeaSentence(rmc);
    for (let at = 0; at < bytes.length * 8; at++) {
      const changed = bytes.slice();
      changed[at >> 3] = (changed[at >> 3] ?? 0) ^ (1 << (at & 7));
      assert.throws(() => parseNmea(changed), malformed, `bit ${at}`);
    }
  });

  for (const [what, text] of [
    ['a day of 0', 'GPRMC,120000,A,,,,,,,001126,,,A'],
    ['a month of 13', 'GPRMC,120000,A,,,,,,,011326,,,A'],
    ['an hour of 24', 'GPRMC,240000,A,,,,,,,011126,,,A'],
    ['a second of 61', 'GPRMC,120061,A,,,,,,,011126,,,A'],
    ['a status of its own', 'GPRMC,120000,B,,,,,,,011126,,,A'],
    ['no status', 'GPRMC,120000,,,,,,,,011126,,,A'],
    ['a mode of two letters', 'GPRMC,120000,A,,,,,,,011126,,,AB'],
    ['a field too few', 'GPRMC,120000,A,,,,,,,011126'],
    ['a field too many', 'GPRMC,120000,A,,,,,,,011126,,,A,V,'],
    ['half a position', 'GPRMC,120000,A,4717.1,N,,,,,011126,,,A'],
    ['60 minutes of arc', 'GPRMC,120000,A,4760.0,N,00833.9,E,,,011126,,,A'],
    ['a latitude beyond the pole', 'GPRMC,120000,A,9000.1,N,00833.9,E,,,011126,,,A'],
    ['half a date', 'GPZDA,120000,20,11,,00,00'],
    ['a year of two digits where four stand', 'GPZDA,120000,20,11,26,00,00'],
    ['no quality', 'GPGGA,120000,,,,,,08,0.9,,,,,,'],
    ['a quality of 10', 'GPGGA,120000,,,,,10,08,0.9,,,,,,'],
    ['a fix of 4', 'GPGSA,A,4,,,,,,,,,,,,,,,'],
    ['a sign in a number', 'GPGGA,120000,,,,,+1,08,0.9,,,,,,'],
  ] as const) {
    it(`refuses ${what}`, () => {
      assert.throws(() => read(text), malformed);
    });
  }

  it('refuses what is not a sentence, and one above the limit', () => {
    for (const text of ['', '$GPRMC', '$GPZDA,1*00\r\n', '$gprmc*00\r\n', '!AIVDM,1*00\r\n']) {
      assert.throws(() => parseNmea(new TextEncoder().encode(text)), malformed, text);
    }
    const long = nmeaSentence(`GPTXT,${'x'.repeat(NMEA_SENTENCE_SIZE_BYTES_MAX)}`);
    assert.throws(() => parseNmea(long), { name: 'ProofError', code: 'limit-exceeded' });
  });

  it('tells the truth of a recording of 20 epochs', () => {
    const sentences = framesOf(piecesOf(recording()))
      .filter(({ kind }) => kind === 'nmea')
      .map(({ bytes }) => parseNmea(bytes));
    const position = { latitudeE7: 472_852_316, longitudeE7: 85_652_566 };
    const satellites = [23, 29, 7, 8, 9, 18, 26, 28];
    const expected = Array.from({ length: 20 }, (_, second) => {
      const at = { hour: 12, minute: 0, second, nanosecond: 0 };
      const head = { talker: 'GP', time: at };
      const date = { day: 20, month: 11, year: 26 };
      return [
        { kind: 'gga', ...head, position, quality: 1, satellites: 11 },
        { kind: 'gsa', talker: 'GP', fixType: 3, satellites, systemId: null },
        { kind: 'rmc', ...head, isValid: true, position, date, mode: 'A' },
        { kind: 'zda', ...head, date: { ...date, year: 2026 } },
      ];
    }).flat();
    assert.deepEqual(sentences, expected);
  });
});
