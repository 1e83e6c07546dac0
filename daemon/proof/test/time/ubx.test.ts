import assert from 'node:assert/strict';
import fc from 'fast-check';
import { describe, it } from 'mocha';

import { concatBytes, encodeHex } from '../../src/bytes.ts';
import {
  encodeUbxFrame,
  parseUbxFrame,
  UBX_OVERHEAD_SIZE_BYTES,
  UBX_PAYLOAD_SIZE_BYTES_MAX,
} from '../../src/time/ubx-frame.ts';
import { UBX_RF_BLOCKS_MAX } from '../../src/time/ubx-monitoring.ts';
import { encodeUbxPoll } from '../../src/time/ubx-poll.ts';
import { parseUbx, UBX_IDS } from '../../src/time/ubx.ts';
import { framesOf, piecesOf, recording } from '../support/gnss-fuzz.ts';
import { encodeUbx, ubxPoll } from '../support/gnss-encode.ts';
import { arbitraryUbx } from './arbitrary-ubx.ts';

const malformed = { name: 'ProofError', code: 'gnss-malformed' };
const frame = (id: readonly [number, number], payload: Uint8Array): Uint8Array =>
  encodeUbxFrame({ messageClass: id[0], messageId: id[1], payload });

describe('ubx', () => {
  it('reads every message that is written', () => {
    fc.assert(
      fc.property(arbitraryUbx, (message) => {
        assert.deepEqual(parseUbx(encodeUbx(message)), message);
      }),
      { numRuns: 1000 },
    );
  });

  it('gives every frame back as the same bytes', () => {
    const anyFrame = fc.record(
      {
        messageClass: fc.integer({ min: 0, max: 255 }),
        messageId: fc.integer({ min: 0, max: 255 }),
        payload: fc.uint8Array({ maxLength: 300 }),
      },
      { noNullPrototype: true },
    );
    fc.assert(
      fc.property(anyFrame, (content) => {
        assert.deepEqual(parseUbxFrame(encodeUbxFrame(content)), content);
      }),
    );
  });

  it('refuses a frame with any one bit changed', () => {
    const bytes = encodeUbx({
      kind: 'sec-uniqid',
      version: 1,
      uniqueId: Uint8Array.of(1, 2, 3, 4, 5),
    });
    for (let at = 0; at < bytes.length * 8; at++) {
      const changed = bytes.slice();
      changed[at >> 3] = (changed[at >> 3] ?? 0) ^ (1 << (at & 7));
      assert.throws(() => parseUbx(changed), { name: 'ProofError' }, `bit ${at}`);
    }
  });

  it('refuses every truncation and every byte after the end', () => {
    const bytes = ubxPoll('nav-pvt');
    for (let length = 0; length < bytes.length; length++) {
      assert.throws(() => parseUbx(bytes.subarray(0, length)), malformed);
    }
    assert.throws(() => parseUbx(concatBytes(bytes, Uint8Array.of(0))), malformed);
  });

  it('refuses a decoded message of another length', () => {
    fc.assert(
      fc.property(arbitraryUbx, fc.boolean(), (message, isLonger) => {
        const { payload, ...id } = parseUbxFrame(encodeUbx(message));
        const other = isLonger ? concatBytes(payload, Uint8Array.of(0)) : payload.subarray(0, -1);
        assert.throws(() => parseUbx(encodeUbxFrame({ ...id, payload: other })), malformed);
      }),
    );
  });

  it('refuses versions that it does not know', () => {
    const first = (size: number, version: number): Uint8Array =>
      Uint8Array.from({ length: size }, (_, i) => (i === 0 ? version : 0));
    assert.throws(() => parseUbx(frame(UBX_IDS['sec-sig'], first(12, 0))), malformed);
    assert.throws(() => parseUbx(frame(UBX_IDS['sec-sig'], first(4, 3))), malformed);
    assert.throws(() => parseUbx(frame(UBX_IDS['sec-uniqid'], first(9, 3))), malformed);
    assert.throws(() => parseUbx(frame(UBX_IDS['mon-rf'], first(4, 1))), malformed);
    const leap = Uint8Array.from({ length: 24 }, (_, i) => (i === 4 ? 1 : 0));
    assert.throws(() => parseUbx(frame(UBX_IDS['nav-timels'], leap)), malformed);
  });

  it('refuses states and fractions outside their range', () => {
    const spoofing = Uint8Array.of(2, 5 << 4, 0, 0);
    assert.throws(() => parseUbx(frame(UBX_IDS['sec-sig'], spoofing)), malformed);
    const utc = new Uint8Array(20);
    new DataView(utc.buffer).setInt32(8, 1_000_000_001, true);
    assert.throws(() => parseUbx(frame(UBX_IDS['nav-timeutc'], utc)), malformed);
    const blocks = new Uint8Array(4 + 24 * (UBX_RF_BLOCKS_MAX + 1));
    blocks[1] = UBX_RF_BLOCKS_MAX + 1;
    assert.throws(() => parseUbx(frame(UBX_IDS['mon-rf'], blocks)), malformed);
  });

  it('holds the length of a payload below its limit', () => {
    const limit = { name: 'ProofError', code: 'limit-exceeded' };
    const payload = new Uint8Array(UBX_PAYLOAD_SIZE_BYTES_MAX + 1);
    assert.throws(() => encodeUbxFrame({ messageClass: 1, messageId: 2, payload }), limit);
    const header = Uint8Array.of(0xb5, 0x62, 1, 2, 0xff, 0xff);
    const long = concatBytes(header, new Uint8Array(0xffff + UBX_OVERHEAD_SIZE_BYTES - 6));
    assert.throws(() => parseUbx(long), limit);
  });

  it('asks as the interface description has it', () => {
    assert.equal(encodeHex(encodeUbxPoll('sec-uniqid')), 'b562270300002aa5');
    assert.equal(encodeHex(encodeUbxPoll('mon-ver')), 'b5620a0400000e34');
  });

  it('gives a poll, and what it does not decode, as they came', () => {
    const [messageClass, messageId] = UBX_IDS['sec-uniqid'];
    const poll = { kind: 'other-ubx', messageClass, messageId, payload: new Uint8Array(0) };
    assert.deepEqual(parseUbx(ubxPoll('sec-uniqid')), poll);
    const other = { messageClass: 0x0a, messageId: 0x04, payload: Uint8Array.of(1, 2) };
    assert.deepEqual(parseUbx(encodeUbxFrame(other)), { kind: 'other-ubx', ...other });
  });
});

describe('ubx, a recording of 20 epochs', () => {
  // The synthetic receiver's truth: 2026-11-20T12:00:00Z and on, a second each, 18 leap seconds.
  const startUnixSeconds = 1_795_176_000;
  const messages = framesOf(piecesOf(recording()))
    .filter(({ kind }) => kind === 'ubx')
    .map(({ bytes }) => parseUbx(bytes));
  const gpsSecondsAt = (epoch: number): number => startUnixSeconds + epoch - 315_964_800 + 18;

  it('holds three messages of each epoch in order', () => {
    const kinds = ['nav-pvt', 'tim-tp', 'nav-timels'];
    assert.deepEqual(
      messages.map(({ kind }) => kind),
      Array.from({ length: 20 }, () => kinds).flat(),
    );
  });

  it('tells the truth of every position, velocity and time solution', () => {
    const found = messages.filter((message) => message.kind === 'nav-pvt');
    for (const [epoch, message] of found.entries()) {
      assert.deepEqual(message, {
        kind: 'nav-pvt',
        timeOfWeekMs: (gpsSecondsAt(epoch) % 604_800) * 1000,
        utc: {
          year: 2026,
          month: 11,
          day: 20,
          hour: 12,
          minute: 0,
          second: epoch,
          nanosecond: -120,
        },
        ...{ isDateValid: true, isTimeValid: true, isFullyResolved: true },
        ...{ isDateConfirmed: true, isTimeConfirmed: true },
        timeAccuracyNs: 25,
        ...{ fixType: 3, isFixOk: true, satellites: 11, isPositionValid: true },
        latitudeE7: 472_852_000,
        longitudeE7: 85_659_000,
        heightMm: 547_600,
        horizontalAccuracyMm: 900,
        isTimeAuthenticated: false,
      });
    }
  });

  it('tells the truth of every pulse', () => {
    const found = messages.filter((message) => message.kind === 'tim-tp');
    for (const [epoch, message] of found.entries()) {
      assert.deepEqual(message, {
        kind: 'tim-tp',
        timeOfWeekMs: (gpsSecondsAt(epoch) % 604_800) * 1000 + 1000,
        timeOfWeekSubMs: 0,
        quantisationErrorPs: -3500,
        week: Math.floor(gpsSecondsAt(epoch) / 604_800),
        ...{ isBaseUtc: true, isUtcAvailable: true, integrityMonitor: 0 },
        ...{ isQuantisationErrorValid: true, isPulseLocked: true },
        ...{ timeReference: 0, utcStandard: 1 },
      });
    }
  });

  it('tells the truth of every leap second announcement', () => {
    const found = messages.filter((message) => message.kind === 'nav-timels');
    for (const [epoch, message] of found.entries()) {
      assert.deepEqual(message, {
        kind: 'nav-timels',
        timeOfWeekMs: (gpsSecondsAt(epoch) % 604_800) * 1000,
        ...{ currentSource: 2, currentLeapSeconds: 18, changeSource: 2, change: 0 },
        ...{ timeToEventSeconds: -1000, eventGpsWeek: 0, eventGpsDay: 0 },
        ...{ isCurrentValid: true, isEventValid: true },
      });
    }
  });
});
