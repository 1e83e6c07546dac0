/**
 * Recordings of a stock ptp4l in the time lab (hwtest/drill, `--record`): the same frames give the
 * same level and the same findings again, and the truth, which the lab knew, is inside.
 */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';

import { describe, it } from 'mocha';

import { decodeBase64 } from '../../src/bytes.ts';
import type { LeapSeconds } from '../../src/tai.ts';
import { decodeRawTimeEvidence } from '../../src/time/raw-time-evidence.ts';
import { recompute, type PriorEvidence } from '../../src/time/recompute.ts';
import { affineTai, type Segment } from '../../src/time/segment.ts';
import { decodeTimeProfile } from '../../src/time/time-profile.ts';

const folder = new URL('../../testdata/time/drills/', import.meta.url);

interface Vector {
  readonly level: string;
  readonly truthNs: string;
  readonly verdicts: readonly string[];
  readonly profile: string;
  readonly raw: string;
  readonly leap: LeapSeconds;
  readonly prior: (Omit<PriorEvidence, 'passedTaiNs'> & { readonly passedTaiNs: string }) | null;
  readonly base: Readonly<Record<string, string>> | null;
}

interface Recorded {
  readonly drill: string;
  readonly vectors: readonly Vector[];
}

const recorded = readdirSync(folder).map((name) => {
  return JSON.parse(readFileSync(new URL(name, folder), 'utf8')) as Recorded;
});

describe('recordings of ptp4l whose truth is known', () => {
  for (const { drill, vectors } of recorded) {
    vectors.forEach((vector, number) => {
      it(`${drill}, ${number}: ${vector.level}`, () => replay(vector));
    });
  }

  it('are of what locks, of an attack that stays inside, and of what is found', () => {
    const levels = new Set(recorded.flatMap(({ vectors }) => vectors.map(({ level }) => level)));
    assert.deepEqual([...levels].toSorted(), ['DISPUTED', 'HOLDOVER', 'LOCKED', 'UNKNOWN']);
  });
});

function replay(vector: Vector): void {
  const { prior } = vector;
  const { segment, verdicts, takenRawNs } = recompute({
    profile: decodeTimeProfile(decodeBase64(vector.profile)),
    raw: decodeRawTimeEvidence(decodeBase64(vector.raw)),
    leap: vector.leap,
    prior: prior === null ? null : { ...prior, passedTaiNs: BigInt(prior.passedTaiNs) },
    base: vector.base === null ? null : segmentOf(vector.base),
    isInAnchor: false,
  });
  const found = verdicts.map(({ state, problems }) => [state, ...problems].join(' '));
  assert.deepEqual([segment.level, found], [vector.level, vector.verdicts]);
  if (vector.level === 'UNKNOWN') return;
  const errorNs = BigInt(vector.truthNs) - affineTai(segment, takenRawNs);
  const sizeNs = errorNs < 0n ? -errorNs : errorNs;
  const reached = segment.adversarialNs ?? 0n;
  const sinceNs = takenRawNs - segment.baseRawNs;
  const grown = (sinceNs * segment.adversarialGrowthPpb) / 1_000_000_000n;
  assert.ok(sizeNs <= reached + grown, `${sizeNs} ns off in ${reached + grown} ns`);
}

function segmentOf(members: Readonly<Record<string, string>>): Segment {
  const values = Object.entries(members).map(([name, text]) => {
    return [name, name === 'level' ? text : BigInt(text)] as const;
  });
  return Object.fromEntries(values) as unknown as Segment;
}
