/**
 * Evidence of a drill, with the frames that it was computed of and the truth: vectors that proof
 * replays (daemon/proof/test/time/drills.test.ts). One at each change of the level, and each whose
 * truth was outside.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import {
  affineTai,
  encodeBase64,
  encodeTimeProfile,
  type Segment,
  type SourcedTimeEvidence,
  type TimeProfile,
} from '@kudurru/proof';

import type { Clocks } from '../lab/clocks.ts';
import type { Evidence } from './log-reader.ts';

export class Recording {
  readonly #clocks: Clocks;
  readonly #profile: TimeProfile;
  /** By the index of its evidence. */
  readonly #told = new Map<bigint, SourcedTimeEvidence>();
  readonly #vectors: object[] = [];
  #level = '';

  constructor(clocks: Clocks, profile: TimeProfile) {
    this.#clocks = clocks;
    this.#profile = profile;
  }

  take({ index, told, raw }: Evidence): void {
    const { segment, takenRawNs, verdicts, baseEvidenceIndex, priorEvidenceIndex } = told;
    this.#told.set(index, told);
    const base = baseEvidenceIndex === null ? null : this.#told.get(baseEvidenceIndex)?.segment;
    const prior = priorEvidenceIndex === null ? null : this.#told.get(priorEvidenceIndex);
    // Evidence of an anchor is judged by the anchor too.
    if (told.cause === 'anchor' || base === undefined || prior === undefined) return;
    const truthNs = this.#clocks.truthAt(takenRawNs);
    const errorNs = truthNs - affineTai(segment, takenRawNs);
    const sizeNs = errorNs < 0n ? -errorNs : errorNs;
    const { level, adversarialNs } = segment;
    const isOutside = adversarialNs !== null && sizeNs > adversarialNs;
    if (level === this.#level && !(isOutside && level === 'LOCKED')) return;
    this.#level = level;
    this.#vectors.push({
      level,
      truthNs: String(truthNs),
      verdicts: verdicts.map(({ state, problems }) => [state, ...problems].join(' ')),
      profile: encodeBase64(encodeTimeProfile(this.#profile)),
      raw: encodeBase64(raw),
      leap: told.leapSeconds,
      base: base === null ? null : segmentJson(base),
      prior: prior === null ? null : priorJson(prior),
    });
  }

  write(folder: string, drill: string): void {
    mkdirSync(folder, { recursive: true });
    const text = JSON.stringify({ drill, vectors: this.#vectors }, null, 2);
    writeFileSync(join(folder, `${drill}.json`), `${text}\n`);
  }
}

function priorJson({ passedTaiNs, verdicts }: SourcedTimeEvidence): object {
  const latched = verdicts.map((verdict) => ({ latched: verdict.latched }));
  return { passedTaiNs: String(passedTaiNs), verdicts: latched };
}

function segmentJson(segment: Segment): object {
  const entries = Object.entries(segment).map(([name, value]: [string, unknown]) => {
    return [name, typeof value === 'bigint' ? String(value) : value];
  });
  return Object.fromEntries(entries) as object;
}
