import assert from 'node:assert/strict';

import { SOURCE_PROBLEMS, TIME_LEVELS } from '@kudurru/proof';
import { describe, it } from 'mocha';

import type { TimeAnswer, TimeSourceAnswer } from '../../cli/time-answer.ts';
import { clipped, timeLines, type Line } from '../../cli/time-snapshot.ts';
import { levelMeaning, problemMeaning } from '../../cli/time-words.ts';

const source: TimeSourceAnswer = {
  ...{ id: 'ptp', kind: 'ptp', label: 'emulated', group: 'roof' },
  ...{ state: 'healthy', problems: [], latched: [], sky: null },
  ...{ process: 'running', restarts: 0 },
  heardAgeMs: 250,
  notes: { started: 1 },
  samples: [
    { offsetNs: '-120', delayNs: '5000' },
    { offsetNs: '40', delayNs: '5200' },
  ],
};

const locked: TimeAnswer = {
  level: 'LOCKED',
  statisticalNs: '1200',
  adversarialNs: '340000',
  utc: '2026-11-22T22:00:00.000000000Z',
  clock: 'evidence',
  heldUpNs: '0',
  advice: null,
  profile: { name: 'lab', index: 5 },
  evidence: { index: 20, cause: 'activity', ageMs: 12_000, groups: 3, liars: 1 },
  lockedForMs: 3000,
  holdoverForMs: 600_000,
  widthMaxNs: '50000000',
  sources: [source],
};

const unbounded: TimeAnswer = {
  ...locked,
  ...{ level: 'UNKNOWN', statisticalNs: null, adversarialNs: null, clock: 'system-clock' },
  ...{ evidence: null, lockedForMs: null, holdoverForMs: null, sources: [] },
};

function textOf(lines: readonly Line[]): string {
  const textOfSpan = (span: Line[number]): string => (typeof span === 'string' ? span : span[1]);
  return lines.map((line) => line.map(textOfSpan).join('')).join('\n');
}

describe('time in the terminal', () => {
  it('shows level, windows, what they rest on, and each source', () => {
    const text = textOf(timeLines(locked));
    for (const expected of [
      /^level +LOCKED: /mu,
      /^windows +±1\.20 µs statistical, ±340 µs adversarial; a lock is within ±50\.0 ms$/mu,
      /^profile +lab, entry 5$/mu,
      /^evidence +entry 20 \(activity\), 12 s ago$/mu,
      /^agreed +3 independent groups of sources: right while at most 1 of them lie$/mu,
      /^sinks +to HOLDOVER in 3 s, to DEGRADED in 10 min, without new evidence$/mu,
      /^ptp {2}ptp, emulated, group roof: healthy; running, heard 250 ms ago$/mu,
      /^ {2}offset +40 ns {2}▁█ +-120 ns … 40 ns$/mu,
      /^ {2}delay +5\.20 µs {2}▁█ +5\.00 µs … 5\.20 µs$/mu,
    ]) {
      assert.match(text, expected);
    }
    assert.doesNotMatch(text, /held up|to do/u);
  });

  it('says what a level sinks to, and not what it is sunk to already', () => {
    const held = textOf(timeLines({ ...locked, level: 'HOLDOVER', lockedForMs: 0 }));
    assert.match(held, /^sinks +to DEGRADED in 10 min/mu);
    const disputed = textOf(timeLines({ ...locked, level: 'DISPUTED' }));
    assert.match(disputed, /^sinks +no further by itself$/mu);
  });

  it('says plainly that nothing is known, and what to do', () => {
    const advice = 'let operators sign a time profile, and name its sources in the configuration';
    const text = textOf(timeLines({ ...unbounded, profile: null, widthMaxNs: null, advice }));
    assert.match(text, /^time +\S+Z by the system clock$/mu);
    assert.match(text, /^windows +nothing bounds the error$/mu);
    assert.match(text, /^profile +none$/mu);
    assert.equal(text.slice(text.indexOf('to do')).replaceAll(/\s+/gu, ' '), `to do ${advice}`);
    const waiting = textOf(timeLines(unbounded));
    assert.match(waiting, /^evidence +no lock in this run yet$/mu);
  });

  it('says why a source does not count, and how its process does', () => {
    const found = { problems: ['silent', 'jamming'], latched: ['jamming'] };
    const sky = { spoofing: 'clean', jamming: 'indicated' };
    const ill = { ...source, ...found, sky, state: 'unhealthy' };
    const sick = { ...ill, process: 'restarting', restarts: 2 };
    const text = textOf(timeLines({ ...locked, heldUpNs: '1500', sources: [sick] }));
    assert.match(text, /^ {2}problem +silent: it is silent/mu);
    assert.match(text, /^ {2}problem +jamming: it indicated jamming$/mu);
    assert.match(text, /^ {2}latched +jamming: until another time profile is signed$/mu);
    assert.match(text, /^ {2}sky +spoofing clean, jamming indicated$/mu);
    assert.match(text, /restarting, began again 2 times/u);
    assert.match(text, /^held up +1\.50 µs: /mu);
    const unread = { ...source, process: 'none', heardAgeMs: null, notes: {}, samples: [] };
    assert.match(textOf(timeLines({ ...locked, sources: [unread] })), /; not read here$/mu);
  });

  it('has words for every level and problem', () => {
    for (const level of TIME_LEVELS) assert.notEqual(levelMeaning(level), '');
    for (const problem of SOURCE_PROBLEMS) assert.notEqual(problemMeaning(problem), problem);
  });

  it('fits a terminal, and obeys nothing that others wrote', () => {
    const name = `clear\u009b2J ${'long '.repeat(40)}`;
    const lines = timeLines({ ...locked, profile: { name, index: 5 } });
    const fitted = textOf(lines.map((line) => clipped(line, 40)));
    for (const line of fitted.split('\n')) assert.ok(Array.from(line).length <= 40, line);
    assert.ok(fitted.includes(String.raw`clear\u{9b}2J`));
    const wide = textOf(timeLines(locked)).split('\n');
    for (const line of wide) assert.ok(Array.from(line).length <= 80, line);
  });
});
