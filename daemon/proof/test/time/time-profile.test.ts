import assert from 'node:assert/strict';
import { describe, it } from 'mocha';

import type { TimeProfile } from '../../src/time/time-profile.ts';
import {
  decodeTimeProfile,
  encodeTimeProfile,
  formatTimeProfile,
  parseTimeProfile,
} from '../../src/time/time-profile.ts';
import { PROFILE, PTP_PINS, PTP_SOURCE } from '../support/time-profiles.ts';

const refused = (changes: Partial<TimeProfile>, message: RegExp): void =>
  assert.throws(() => encodeTimeProfile({ ...PROFILE, ...changes }), {
    code: 'profile-invalid',
    message,
  });

describe('time-profile', () => {
  it('has one encoding, and a form for people', () => {
    const encoded = encodeTimeProfile(PROFILE);
    assert.deepEqual(decodeTimeProfile(encoded), PROFILE);
    const text = formatTimeProfile(PROFILE);
    assert.match(text, /"grandmasters": \[\s+"a6e429fffe6e1c74"/);
    assert.deepEqual(parseTimeProfile(text), PROFILE);
  });

  it('refuses what would not hold', () => {
    refused({ sources: [] }, /sources: expected 1\.\.16 items/);
    refused({ sources: [PTP_SOURCE, PTP_SOURCE] }, /source 'ptp' stands twice/);
    refused({ limits: { ...PROFILE.limits, lockMs: 4_000_000 } }, /lockMs is above holdoverMs/);
    const pins = { ...PTP_PINS, delayMinNs: 2_000_000n };
    refused({ sources: [{ ...PTP_SOURCE, pins } as never] }, /delayMinNs is above delayMaxNs/);
    refused({ sources: [{ ...PTP_SOURCE, group: 'Rack 7' }] }, /group: 'Rack 7' does not/);
    refused(
      { oscillator: { ...PROFILE.oscillator, driftPpbMax: 0n } },
      /driftPpbMax: expected an integer in 1\.\.1000000/,
    );
  });

  it('names what a person wrote wrong', () => {
    const text = formatTimeProfile(PROFILE);
    const wrong: readonly (readonly [string, string, RegExp])[] = [
      ['"domain": 0', '"domian": 0', /sources\.0\.pins: unknown member 'domian'/],
      ['"clock": "realtime"', '"clock": "tai"', /pins\.clock: expected one of realtime, phc/],
      ['"kind": "ptp"', '"kind": "ntp"', /sources\.0\.kind: expected one of ptp, gnss/],
      ['"delayMinNs": "500"', '"delayMinNs": 500', /delayMinNs: expected nanoseconds as a decimal/],
      ['"name": "rack 7"', '"name": "rack 7", "name": "rack 8"', /member 'name' stands twice/],
      ['"pulse": false', '"pulse": 0', /pins\.pulse: expected true or false, found 0/],
    ];
    for (const [from, to, message] of wrong) {
      assert.ok(text.includes(from), from);
      assert.throws(() => parseTimeProfile(text.replace(from, to)), {
        code: 'profile-invalid',
        message,
      });
    }
    assert.throws(() => parseTimeProfile('{'), { code: 'profile-invalid', message: /not JSON/ });
  });
});
